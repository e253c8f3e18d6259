package app

import (
	"context"
	"fmt"
	"log/slog"

	"ttpworker/internal/deadletter"
	"ttpworker/internal/kafka"
	"ttpworker/internal/wire"
)

// WithDeadLetters calls job with the dead letter topic.
func WithDeadLetters(ctx context.Context, cfg Config, log *slog.Logger, job func(*deadletter.Box) error) error {
	conn, err := Reach(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer conn.Close()
	name := cfg.Topics.DLQ.Name
	switch found, err := conn.Cluster.Topics(ctx, name); {
	case err != nil:
		return err
	case len(found) == 0:
		return fmt.Errorf("topic %s does not exist (topics.dlq.name)", name)
	}
	return job(&deadletter.Box{Cluster: conn.Cluster, Topic: name})
}

// ReplayDeadLetters does what r says, or without write shows what it would do. Each record is held against the
// decoder that this configuration gives. One replay of a group runs at a time: a second one takes over.
func ReplayDeadLetters(ctx context.Context, cfg Config, log *slog.Logger, r deadletter.Replay, write bool) (deadletter.Report, error) {
	var report deadletter.Report
	err := WithDeadLetters(ctx, cfg, log, func(b *deadletter.Box) error {
		dec, err := wire.NewDecoder(cfg.Limits.Limits)
		if err != nil {
			return err
		}
		r.Check = func(rec *kafka.Record) error {
			_, _, err := dec.Event(rec.Value, rec.Time)
			return err
		}
		if r.Inputs, err = b.Cluster.Topics(ctx, cfg.InputTopics()...); err != nil {
			return err
		}
		if write {
			limits := map[string]int{}
			for name, t := range r.Inputs {
				limits[name] = t.MaxMessage
			}
			// Before the letters are read, so that what a run before this one has marked is there to be read.
			writer, err := b.Cluster.NewTransactor(ctx, cfg.Kafka.Group+"-dlq-replay", limits)
			if err != nil {
				return err
			}
			defer writer.Close()
			r.Write = writer.Write
		}
		report, err = b.Replay(ctx, r)
		return err
	})
	return report, err
}
