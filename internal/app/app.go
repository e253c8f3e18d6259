package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"go.uber.org/dig"
	"go.uber.org/fx"
	"go.uber.org/fx/fxevent"

	"ttpworker/internal/consume"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/telemetry"
)

// stopTimeout bounds the stop of the whole application: the consumer's own bounds and some for the others.
const stopTimeout = consume.StopTimeout + consume.LeaveTimeout + 4*time.Second

// Options is the whole graph.
func Options(cfg Config, conn *Connection, log *slog.Logger, told pipeline.Told) fx.Option {
	return fx.Options(
		fx.Supply(cfg, conn, log, told),
		fx.StopTimeout(stopTimeout),
		fx.Decorate(oneByOne),
		fx.WithLogger(func() fxevent.Logger {
			l := &fxevent.SlogLogger{Logger: log}
			l.UseLogLevel(slog.LevelDebug)
			l.UseErrorLevel(slog.LevelDebug) // Run returns the error: whoever gets it tells it once
			return l
		}),
		kafkaModule,
		rulesModule,
		consumeModule,
		telemetryModule,
	)
}

// A Worker is a replica that runs in this process.
type Worker struct {
	app   *fx.App
	admin *telemetry.Admin
	log   *slog.Logger
}

// Start starts a replica on conn, which must outlive it. told may be nil.
func Start(ctx context.Context, cfg Config, conn *Connection, log *slog.Logger, told pipeline.Told) (*Worker, error) {
	w := &Worker{log: log}
	w.app = fx.New(Options(cfg, conn, log, told), fx.Populate(&w.admin))
	if err := w.app.Err(); err != nil {
		return nil, dig.RootCause(err)
	}
	if err := w.app.Start(ctx); err != nil {
		return nil, dig.RootCause(err)
	}
	return w, nil
}

// AdminAddr is where the admin server listens, host:port; "" if it does not.
func (w *Worker) AdminAddr() string { return w.admin.Addr() }

// Wait returns when ctx ends or a component gives up, and stops the replica first. The error says what gave up,
// or what could not be stopped in good order.
func (w *Worker) Wait(ctx context.Context) error {
	gaveUp := false
	select {
	case <-ctx.Done():
	case sig := <-w.app.Wait():
		gaveUp = sig.ExitCode != 0
	}
	w.log.Info("stopping")
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	err := w.app.Stop(stopCtx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("stopping within %s: %w", stopTimeout, err)
	}
	if err == nil && !gaveUp {
		w.log.Info("stopped")
	}
	if err == nil && gaveUp {
		err = errors.New("a component ended by itself")
	}
	return err
}

// Run is a replica from start to stop: until ctx ends.
func Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	host, err := os.Hostname()
	if err != nil {
		log.Warn("the host has no name", "err", err)
	}
	if cfg.Kafka.Replica, err = cfg.Kafka.ResolveReplica(host); err != nil {
		return err
	}
	log.Info("starting", "version", telemetry.Version(), "brokers", cfg.Kafka.Brokers, "group", cfg.Kafka.Group, "replica", cfg.Kafka.Replica)
	conn, err := Connect(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer conn.Close()
	w, err := Start(ctx, cfg, conn, log, nil)
	if err != nil {
		return fmt.Errorf("starting the worker: %w", err)
	}
	return w.Wait(ctx)
}
