package app

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/fx"

	"ttpworker/internal/kafka"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/produce"
	"ttpworker/internal/registry"
	"ttpworker/internal/store/filesystem"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/engine"
	"ttpworker/internal/wire"
)

// rulesModule is the way of the rules: file -> store -> plan, and the control topics beside it.
var rulesModule = fx.Module("rules",
	fx.Provide(newStateLog, newStore, newArchive, pipeline.NewPlans, tagger.NewMonitor, newReloader, newKeeper),
	fx.Invoke(holdBallast, func(lc fx.Lifecycle, sd fx.Shutdowner, log *slog.Logger, r *pipeline.Reloader) {
		supervise(lc, sd, log, "reloader", r.Run)
	}),
)

func newStateLog(
	cfg Config, cluster *kafka.Cluster, a *kafka.Appender, enc *wire.Encoder, dec *wire.Decoder, schemas *registry.Resolver, log *slog.Logger,
) *produce.StateLog {
	return produce.NewStateLog(cluster, a, enc, dec, schemas, cfg.Topics.State.Name, log)
}

// newStore makes the one implementation there is; Validate has refused any other name.
func newStore(
	lc fx.Lifecycle, sd fx.Shutdowner, cfg Config, states *produce.StateLog, log *slog.Logger, reg prometheus.Registerer,
) (*filesystem.Store, error) {
	parser, err := NewParser(cfg)
	if err != nil {
		return nil, err
	}
	fsCfg := cfg.RuleStore.Config
	fsCfg.MaxFileBytes, fsCfg.MaxRules = cfg.Limits.RuleBytes, cfg.Limits.Rules
	s, err := filesystem.New(fsCfg, parser.ParseWith, states, log, reg)
	if err != nil {
		return nil, err
	}
	supervise(lc, sd, log, "rule store", s.Run)
	supervise(lc, sd, log, "rescan on SIGHUP", func(ctx context.Context) error {
		rescanOnHangup(ctx, s)
		return nil
	})
	return s, nil
}

// rescanOnHangup has the store look at every file when the process gets SIGHUP, until ctx ends.
func rescanOnHangup(ctx context.Context, s *filesystem.Store) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	for {
		select {
		case <-hangups:
			s.Rescan()
		case <-ctx.Done():
			return
		}
	}
}

func newReloader(
	cfg Config, s *filesystem.Store, plans *pipeline.Plans, archive *produce.Archive, monitor *tagger.Monitor, told pipeline.Told, log *slog.Logger,
	reg prometheus.Registerer,
) *pipeline.Reloader {
	audit := engine.NewAuditor(cfg.Tagger.AuditEvery, log, reg)
	return pipeline.NewReloader(s, plans, archive, audit, monitor, told, log, reg)
}

// newArchive reads beside the loading of the rules what is archived.
func newArchive(
	lc fx.Lifecycle, sd fx.Shutdowner, cfg Config, cluster *kafka.Cluster, a *kafka.Appender, enc *wire.Encoder, log *slog.Logger,
	reg prometheus.Registerer,
) *produce.Archive {
	archive := produce.NewArchive(cluster, a, enc, cfg.Topics.Archive.Name, cfg.RuleStore.Dir, replicaName(cfg), log, reg)
	supervise(lc, sd, log, "archive", archive.Run)
	return archive
}

// newKeeper starts before the consumer that tells it what it owns, and so outlives it.
func newKeeper(
	lc fx.Lifecycle, sd fx.Shutdowner, cfg Config, s *filesystem.Store, cluster *kafka.Cluster, a *kafka.Appender,
	enc *wire.Encoder, dec *wire.Decoder, schemas *registry.Resolver, states *produce.StateLog, log *slog.Logger, reg prometheus.Registerer,
) *produce.Keeper {
	topic, dir := cfg.Topics.Reloaded.Name, cfg.RuleStore.Dir
	catalogue := produce.NewCatalogue(cluster, a, enc, dec, schemas, topic, dir, replicaName(cfg), log)
	k := produce.NewKeeper(s, catalogue, states, log, reg)
	supervise(lc, sd, log, "keeper", k.Run)
	return k
}
