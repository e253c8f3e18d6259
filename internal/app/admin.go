package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/fx"

	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/store/filesystem"
	"ttpworker/internal/telemetry"
	"ttpworker/internal/tracing"
)

// stuckAfter is how long past the end of the longest transaction the poll loop may stand still.
const stuckAfter = 30 * time.Second

// silentSessions is how many session timeouts no broker may answer before the replica is not ready. By then the group has
// given its partitions away, if it was the replica that was cut off.
const silentSessions = 2

// telemetryModule is what people see.
var telemetryModule = fx.Module("telemetry",
	fx.Provide(newRegistry, newTracer, newAdmin),
	fx.Invoke(func(lc fx.Lifecycle, sd fx.Shutdowner, log *slog.Logger, a *telemetry.Admin) {
		supervise(lc, sd, log, "admin server", a.Run)
	}),
)

func newRegistry() (prometheus.Registerer, prometheus.Gatherer) {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return reg, reg
}

// newTracer outlives the consumer, whose last batch ends the last spans.
func newTracer(lc fx.Lifecycle, cfg Config, log *slog.Logger, reg prometheus.Registerer) (*tracing.Tracer, error) {
	t, err := tracing.New(context.Background(), replicaName(cfg), log, reg)
	if err != nil {
		return nil, err
	}
	lc.Append(fx.StopHook(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, flushTimeout)
		defer cancel()
		if err := t.Close(ctx); err != nil {
			log.Warn("the last spans are lost", "err", err)
		}
	}))
	return t, nil
}

// flushTimeout bounds the export of the last spans.
const flushTimeout = 2 * time.Second

func newAdmin(
	cfg Config, cluster *kafka.Cluster, c *consume.Consumer, s *filesystem.Store, plans *pipeline.Plans, reg prometheus.Gatherer,
	log *slog.Logger,
) (*telemetry.Admin, error) {
	live := telemetry.Checks{"poll loop": func() error {
		turned := c.LastTurn()
		if limit := cfg.Kafka.EndTimeout + stuckAfter; !turned.IsZero() && time.Since(turned) > limit {
			return fmt.Errorf("has not turned since %s", turned.UTC().Format(time.RFC3339))
		}
		return nil
	}}
	ready := telemetry.Checks{
		"kafka": func() error {
			if last := cluster.LastAnswer(); time.Since(last) > silentSessions*cfg.Kafka.SessionTimeout {
				return fmt.Errorf("no broker has answered since %s", last.UTC().Format(time.RFC3339))
			}
			return nil
		},
		"rule store": s.Healthy,
		"states":     closed(s.Ready, "the state topic is not read to its end yet"),
		"rules":      closed(plans.Ready, "no rule of "+cfg.RuleStore.Dir+" is in force, and no event is taken before one is"),
		"group": func() error {
			if !c.Joined() {
				return errors.New("not a member of the consumer group yet")
			}
			return nil
		},
	}
	return telemetry.NewAdmin(cfg.Admin, live, ready, reg, log)
}

// closed is the check of something that is well while the channel that ready returns is closed.
func closed(ready func() <-chan struct{}, otherwise string) func() error {
	return func() error {
		select {
		case <-ready():
			return nil
		default:
			return errors.New(otherwise)
		}
	}
}
