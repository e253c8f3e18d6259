package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kslog"
)

// metadataMinAge is how soon a client asks again who leads a partition. kgo's default of 5 s is what a fault of
// one broker would cost.
const metadataMinAge = 250 * time.Millisecond

// A Cluster is how to reach Kafka: what every client of the process has in common. It is safe for concurrent use.
type Cluster struct {
	brokers []string
	log     *slog.Logger
}

// NewCluster says how to reach brokers, host:port each. Clients log to log.
func NewCluster(brokers []string, log *slog.Logger) *Cluster {
	return &Cluster{brokers: brokers, log: log}
}

// Brokers lists the seed brokers, host:port each.
func (c *Cluster) Brokers() []string { return c.brokers }

// Options are the options of a client of this cluster, for clientID, which brokers log.
func (c *Cluster) Options(clientID string) []kgo.Opt {
	return []kgo.Opt{
		kgo.SeedBrokers(c.brokers...),
		kgo.ClientID(clientID),
		kgo.MetadataMinAge(metadataMinAge),
		kgo.WithLogger(quiet{kslog.New(c.log.With("client", clientID))}),
	}
}

// Client opens a client. Opening does not reach out: see Ping.
func (c *Cluster) Client(clientID string, opts ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append(c.Options(clientID), opts...)...)
}

// Ping says, before ctx ends, whether any broker answers.
func (c *Cluster) Ping(ctx context.Context) error {
	cl, err := c.Client("ttp-ping")
	if err != nil {
		return err
	}
	defer cl.Close()
	stop := context.AfterFunc(ctx, cl.Close) // kgo waits for a silent host's greeting whatever ctx says
	defer stop()
	if err := cl.Ping(ctx); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("no Kafka broker answers at %s (kafka.brokers): %w", strings.Join(c.brokers, ", "), err)
	}
	return nil
}

// quiet passes what kgo calls info on as debug: it says a line per transaction there.
type quiet struct{ kgo.Logger }

func (q quiet) Level() kgo.LogLevel {
	if l := q.Logger.Level(); l != kgo.LogLevelInfo {
		return l
	}
	return kgo.LogLevelWarn
}

func (q quiet) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	if level == kgo.LogLevelInfo {
		level = kgo.LogLevelDebug
	}
	q.Logger.Log(level, msg, keyvals...)
}
