package app

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/fx"

	"ttpworker/internal/consume"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/produce"
	"ttpworker/internal/registry"
	"ttpworker/internal/tracing"
	"ttpworker/internal/wire"
)

// consumeModule is the way of the events: record -> pipeline -> transaction.
var consumeModule = fx.Module("consume",
	fx.Provide(newPipeline, newConsumer),
	fx.Invoke(startConsumer),
)

func newPipeline(
	cfg Config, conn *Connection, enc *wire.Encoder, dec *wire.Decoder, schemas *registry.Resolver, plans *pipeline.Plans, tracer *tracing.Tracer,
	log *slog.Logger, reg prometheus.Registerer,
) *pipeline.Pipeline {
	outputs, dlq := tagOutputs(cfg, enc, conn.topics), conn.topics[cfg.Topics.DLQ.Name]
	letters := consume.DeadLetters{Topic: cfg.Topics.DLQ.Name, Partitions: max(dlq.Partitions, 1), MaxBytes: dlq.MaxMessage}
	tellLimit(log, cfg.DLQ)
	return pipeline.New(dec, schemas, outputs, letters, cfg.DLQ, plans, tracer, log, reg)
}

func tellLimit(log *slog.Logger, l pipeline.LetterLimit) {
	if l.MaxRatio == 0 {
		log.Info("no dead letter limit")
		return
	}
	log.Info("dead letter limit", "max_ratio", l.MaxRatio, "window", l.Window, "min_records", l.MinRecords, "classes", l.Classes)
}

func newConsumer(
	cfg Config, conn *Connection, p *pipeline.Pipeline, k *produce.Keeper, log *slog.Logger, reg prometheus.Registerer,
) *consume.Consumer {
	limits := map[string]int{}
	for name, t := range conn.topics {
		limits[name] = t.MaxMessage
	}
	return consume.New(conn.Cluster, cfg.Kafka, cfg.InputTopics(), limits, p, k.Own, log, reg)
}

func startConsumer(lc fx.Lifecycle, sd fx.Shutdowner, log *slog.Logger, c *consume.Consumer) {
	supervise(lc, sd, log, "consumer", c.Run)
	supervise(lc, sd, log, "lag", c.WatchLag)
}
