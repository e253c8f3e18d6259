package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/kafka"
	"ttpworker/internal/produce"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
)

// WithStates calls job with the operators' states, read to the end of the state topic and followed while job
// runs, so that it can give orders, too.
func WithStates(ctx context.Context, cfg Config, log *slog.Logger, job func(*store.States) error) error {
	conn, err := Reach(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.needs(ctx, cfg.Topics.State.Name, "topics.state.name"); err != nil {
		return err
	}
	ids, err := registeredIDs(ctx, cfg)
	if err != nil {
		return err
	}
	enc, encErr := newEncoder(cfg, ids)
	dec, decErr := newDecoder(cfg, ids)
	appender, err := conn.Cluster.NewAppender("ttp-state")
	if err := errors.Join(encErr, decErr, err); err != nil {
		return err
	}
	defer appender.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	schemas, await, err := startResolver(ctx, cfg, dec, log)
	if err != nil {
		return err
	}

	metrics := store.NewMetrics(prometheus.NewRegistry())
	stateLog := produce.NewStateLog(conn.Cluster, appender, enc, dec, schemas, cfg.Topics.State.Name, log)
	known := func(string) bool { return true } // a command does not know the replicas' rules
	states := store.NewStates(stateLog, known, store.NewBroadcaster(metrics), log, metrics)

	ran := make(chan error, 1)
	go func() { ran <- states.Run(ctx) }() // ends with ctx, awaited below
	err = whenRead(ctx, states, ran, job)
	cancel()
	await()
	return errors.Join(err, <-ran)
}

// whenRead calls job once the states are read. If they cannot be, ran gets its error back.
func whenRead(ctx context.Context, states *store.States, ran chan error, job func(*store.States) error) error {
	select {
	case <-states.Ready():
		return job(states)
	case err := <-ran:
		ran <- err
		return nil
	case <-ctx.Done():
		return fmt.Errorf("reading the state topic: %w", ctx.Err())
	}
}

// LiveRules reads which rules the catalogue says are live.
func LiveRules(ctx context.Context, cfg Config, log *slog.Logger) (map[string]bool, error) {
	conn, err := Reach(ctx, cfg, log)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.needs(ctx, cfg.Topics.Reloaded.Name, "topics.reloaded.name"); err != nil {
		return nil, err
	}
	live := map[string]bool{}
	err = conn.Cluster.ReadAll(ctx, cfg.Topics.Reloaded.Name, func(r *kafka.Record) { live[string(r.Key)] = r.Value != nil })
	return live, err
}

// standingOrders are the operators' orders as they are now, or none at all.
func standingOrders(ctx context.Context, cfg Config, log *slog.Logger, ignore bool) (func(ruleID string) tagger.Standing, error) {
	orders := map[string]tagger.Standing{}
	if !ignore {
		err := WithStates(ctx, cfg, log, func(states *store.States) error {
			for _, s := range states.Orders() {
				orders[s.RuleID] = s.Standing()
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return func(ruleID string) tagger.Standing {
		if s, ok := orders[ruleID]; ok {
			return s
		}
		return tagger.DefaultStanding()
	}, nil
}
