package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/fx"

	"ttpworker/internal/kafka"
	"ttpworker/internal/wire"
)

// reachTimeout bounds the first contact with Kafka, topic check and creation included.
const reachTimeout = 20 * time.Second

// A Connection is Kafka within reach: reachable, the topics there and as they must be.
type Connection struct {
	Cluster  *kafka.Cluster
	topics   map[string]kafka.Topic // the output topics as they are
	ids      map[wire.Record]uint32 // of our schemas in the schema registry; nil unless it is written by id
	appender *kafka.Appender        // to the control topics; nil after Reach
	embedded *kafka.Embedded
}

// Close closes the writer to the control topics and stops the embedded broker, if there is one.
func (c *Connection) Close() {
	if c.appender != nil {
		c.appender.Close()
	}
	if c.embedded != nil {
		c.embedded.Close()
	}
}

// Reach starts the embedded broker, if asked for, and says whether Kafka answers. Close the connection when done.
func Reach(ctx context.Context, cfg Config, log *slog.Logger) (*Connection, error) {
	c := &Connection{}
	to := cfg.Kafka
	var err error
	if to.UseEmbedded() {
		if c.embedded, err = kafka.StartEmbedded(to.Embedded, log); err != nil {
			return nil, err
		}
		to.Brokers = c.embedded.Addrs()
	}
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	if c.Cluster, err = kafka.NewCluster(to, log); err == nil {
		err = c.Cluster.Ping(ctx)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Connect reaches Kafka, creates what is missing if that is allowed, and refuses topics that would lose or mix up
// data.
func Connect(ctx context.Context, cfg Config, log *slog.Logger) (*Connection, error) {
	c, err := Reach(ctx, cfg, log)
	if err != nil {
		return nil, err
	}
	if err := c.prepare(ctx, cfg, log); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Connection) prepare(ctx context.Context, cfg Config, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	if cfg.Topics.Create || cfg.Kafka.UseEmbedded() {
		created, err := EnsureTopics(ctx, cfg, c.Cluster)
		if err != nil {
			return err
		}
		if len(created) > 0 {
			log.Info("topics created", "topics", created)
		}
	}
	if err := CheckTopics(ctx, cfg, c.Cluster); err != nil {
		return err
	}
	var err error
	if c.topics, err = c.Cluster.Topics(ctx, cfg.Topics.Tags.Name, cfg.Topics.Shadow.Name, cfg.Topics.DLQ.Name); err != nil {
		return err
	}
	if c.ids, err = registeredIDs(ctx, cfg); err != nil {
		return err
	}
	if c.appender, err = c.Cluster.NewAppender("ttp-control"); err != nil {
		return fmt.Errorf("opening the control writer: %w", err)
	}
	return nil
}

// EnsureTopics creates the topics that are missing and returns their names. The input topics come first: the others
// follow them, and what they take may be the broker's default.
func EnsureTopics(ctx context.Context, cfg Config, cluster *kafka.Cluster) ([]string, error) {
	inputs := len(cfg.InputTopics())
	specs, err := topicSpecs(ctx, cfg, cluster)
	if err != nil {
		return nil, err
	}
	created, inputErr := cluster.EnsureTopics(ctx, specs[:inputs])
	if specs, err = topicSpecs(ctx, cfg, cluster); err != nil {
		return created, errors.Join(inputErr, err)
	}
	others, err := cluster.EnsureTopics(ctx, specs[inputs:])
	return append(created, others...), errors.Join(inputErr, err)
}

// CheckTopics reports every topic that is missing or set up wrongly.
func CheckTopics(ctx context.Context, cfg Config, cluster *kafka.Cluster) error {
	specs, err := topicSpecs(ctx, cfg, cluster)
	if err != nil {
		return err
	}
	return cluster.CheckTopics(ctx, specs)
}

func topicSpecs(ctx context.Context, cfg Config, cluster *kafka.Cluster) ([]kafka.TopicSpec, error) {
	inputs, err := cluster.Topics(ctx, cfg.InputTopics()...)
	if err != nil {
		return nil, err
	}
	return cfg.Topics.Specs(cfg.InputTopics(), inputs), nil
}

// kafkaModule provides what the edges share. The writer to the control topics is the connection's, which outlives
// all components.
var kafkaModule = fx.Module("kafka",
	fx.Provide(
		func(c *Connection) *kafka.Cluster { return c.Cluster },
		func(c *Connection) *kafka.Appender { return c.appender },
		func(cfg Config, c *Connection) (*wire.Encoder, error) { return newEncoder(cfg, c.ids) },
		func(cfg Config, c *Connection) (*wire.Decoder, error) { return c.NewDecoder(cfg) },
		newResolver,
	),
	fx.Invoke(func(c *kafka.Cluster, reg prometheus.Registerer) error { return reg.Register(c.Metrics()) }),
)

// NewDecoder makes a decoder that can read what a replica on this connection writes.
func (c *Connection) NewDecoder(cfg Config) (*wire.Decoder, error) { return newDecoder(cfg, c.ids) }

// replicaName says who writes control records: the replica's name, else the host's.
func replicaName(cfg Config) string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return cmp.Or(cfg.Kafka.Replica, host)
}
