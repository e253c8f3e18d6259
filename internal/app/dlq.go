package app

import (
	"context"
	"errors"
	"log/slog"

	"ttpworker/internal/deadletter"
	"ttpworker/internal/kafka"
	"ttpworker/internal/tagger"
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
	if err := conn.needs(ctx, name, "topics.dlq.name"); err != nil {
		return err
	}
	return job(&deadletter.Box{Cluster: conn.Cluster, Topic: name})
}

// ReplayDeadLetters does what r says, or without write shows what it would do. Each record is held against the
// decoder that this configuration gives. One replay of a group runs at a time: a second one takes over.
func ReplayDeadLetters(ctx context.Context, cfg Config, log *slog.Logger, r deadletter.Replay, write bool) (deadletter.Report, error) {
	var report deadletter.Report
	err := WithDeadLetters(ctx, cfg, log, func(b *deadletter.Box) error {
		check, stop, err := eventChecker(ctx, cfg, log)
		if err != nil {
			return err
		}
		defer stop()
		r.Check = check
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

// eventChecker makes a function that says whether a record can be read as an event, without waiting for a schema once the
// registry has said that it does not have it. Call stop when done.
func eventChecker(ctx context.Context, cfg Config, log *slog.Logger) (check func(*kafka.Record) error, stop func(), err error) {
	dec, err := newDecoder(cfg, nil)
	if err != nil {
		return nil, nil, err
	}
	cfg.Kafka.SchemaWait = 0
	ctx, cancel := context.WithCancel(ctx)
	schemas, await, err := startResolver(ctx, cfg, dec, log)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	check = func(rec *kafka.Record) error {
		_, err := learning(ctx, schemas, func() (tagger.TaggerEvent, error) {
			ev, _, err := dec.Event(rec.Value, rec.Time)
			return ev, err
		})
		if _, skip := errors.AsType[wire.SkipError](err); skip {
			return nil
		}
		return err
	}
	return check, func() { cancel(); await() }, nil
}
