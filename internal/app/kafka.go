package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/fx"

	"ttpworker/internal/kafka"
	"ttpworker/internal/wire"
)

// A Connection is Kafka within reach: reachable, the topics there and as they must be.
type Connection struct {
	Cluster  *kafka.Cluster
	topics   map[string]kafka.Topic // the output topics as they are
	ids      map[wire.Record]uint32 // of our schemas in the schema registry; nil unless it is written by id
	appender *kafka.Appender        // to the control topics; nil after Reach
	embedded *kafka.Embedded
}

// Close closes the writer to the control topics and the cluster's connections, and stops the embedded broker, if there is one.
func (c *Connection) Close() {
	if c.appender != nil {
		c.appender.Close()
	}
	if c.Cluster != nil {
		c.Cluster.Close()
	}
	if c.embedded != nil {
		c.embedded.Close()
	}
}

// Reach starts the embedded broker, if asked for, and says whether Kafka answers: for a command, which somebody waits
// for, so that it fails at once if nobody listens. Close the connection when done.
func Reach(ctx context.Context, cfg Config, log *slog.Logger) (*Connection, error) {
	return reach(ctx, cfg, log, (*kafka.Cluster).Ping)
}

func reach(ctx context.Context, cfg Config, log *slog.Logger, answers func(*kafka.Cluster, context.Context) error) (*Connection, error) {
	c := &Connection{}
	to := cfg.Kafka
	var err error
	if to.UseEmbedded() {
		if c.embedded, err = kafka.StartEmbedded(to.Embedded, log); err != nil {
			return nil, err
		}
		to.Brokers = c.embedded.Addrs()
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.Kafka.StartTimeout)
	defer cancel()
	if c.Cluster, err = kafka.NewCluster(to, log); err == nil {
		err = answers(c.Cluster, ctx)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// needs returns an error that says what to do if a topic is not there; key is where its name is configured.
func (c *Connection) needs(ctx context.Context, name, key string) error {
	exists, err := c.Cluster.Exists(ctx, name)
	if err == nil && !exists {
		err = fmt.Errorf("topic %s does not exist (%s): run `worker topics ensure`", name, key)
	}
	return err
}

// Connect reaches Kafka, waiting for brokers that start beside it, creates what is missing if that is allowed, and
// refuses topics that would lose or mix up data.
func Connect(ctx context.Context, cfg Config, log *slog.Logger) (*Connection, error) {
	c, err := reach(ctx, cfg, log, (*kafka.Cluster).Await)
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
	ctx, cancel := context.WithTimeout(ctx, cfg.Kafka.StartTimeout)
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
	var findings kafka.Findings
	var err error
	if c.topics, findings, err = checkedTopics(ctx, cfg, c.Cluster); err == nil {
		err = findings.Of(kafka.Dangerous)
	}
	if err != nil {
		return err
	}
	for _, f := range findings {
		log.Warn("a topic is not set up as it should be", "err", f.Err)
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
	inputs := cfg.InputTopics()
	created, inputErr := cluster.EnsureTopics(ctx, cfg.topicSpecs(nil)[:len(inputs)])
	found, err := cluster.Topics(ctx, inputs...)
	if err != nil {
		return created, errors.Join(inputErr, err)
	}
	others, err := cluster.EnsureTopics(ctx, cfg.topicSpecs(found)[len(inputs):])
	return append(created, others...), errors.Join(inputErr, err)
}

// CheckTopics finds every topic that is missing or not set up as it should be.
func CheckTopics(ctx context.Context, cfg Config, cluster *kafka.Cluster) (kafka.Findings, error) {
	_, findings, err := checkedTopics(ctx, cfg, cluster)
	return findings, err
}

// checkedTopics returns the topics as they are, and what is not as it should be. It asks once: a restart waits for it.
func checkedTopics(ctx context.Context, cfg Config, cluster *kafka.Cluster) (map[string]kafka.Topic, kafka.Findings, error) {
	found, err := cluster.Topics(ctx, cfg.topicNames()...)
	if err != nil {
		return nil, nil, err
	}
	return found, cluster.CheckTopics(found, cfg.topicSpecs(found)), nil
}

func (c Config) topicNames() []string {
	specs := c.topicSpecs(nil)
	names := make([]string, len(specs))
	for i, s := range specs {
		names[i] = s.Name
	}
	return names
}

// topicSpecs says what the topics must be like when those of the input are among found.
func (c Config) topicSpecs(found map[string]kafka.Topic) []kafka.TopicSpec {
	inputs := map[string]kafka.Topic{}
	for _, name := range c.InputTopics() {
		if t, ok := found[name]; ok {
			inputs[name] = t
		}
	}
	return c.Topics.Specs(c.InputTopics(), inputs)
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
