package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/plugin/kslog"
)

// metadataMinAge is how soon a client asks again who leads a partition. kgo's default of 5 s is what a fault of
// one broker would cost.
const metadataMinAge = 250 * time.Millisecond

// A Cluster is how to reach Kafka: what every client of the process has in common. It is safe for concurrent use. Close it when done.
type Cluster struct {
	brokers      []string
	log          *slog.Logger
	tls          TLSConfig
	sasl         SASLConfig
	certificates *certificates  // nil without TLS
	mechanism    sasl.Mechanism // nil without SASL
	answers      *answers
	patience     time.Duration // with brokers that have not heard yet of what is there: kafka.start_timeout
	maxUnpacked  int           // bytes of a batch of events

	mu    sync.Mutex
	asker *kgo.Client // of questions about offsets; opened with the first
}

// NewCluster says how to reach the brokers of cfg, which is valid. Clients log to log. The error joins the files of
// kafka.tls and kafka.sasl that cannot be used; nobody is asked over the network.
func NewCluster(cfg Config, log *slog.Logger) (*Cluster, error) {
	c := &Cluster{
		brokers: cfg.Brokers, log: log, tls: cfg.TLS, sasl: cfg.SASL, answers: &answers{}, patience: cmp.Or(cfg.StartTimeout, defaultStartTimeout),
		maxUnpacked: cmp.Or(cfg.MaxUnpacked, defaultMaxUnpacked),
	}
	var errs []error
	var err error
	if cfg.TLS.Enabled {
		c.certificates, err = newCertificates(cfg.TLS, log)
		errs = append(errs, err)
	}
	if cfg.SASL.Mechanism != "" {
		c.mechanism, err = newMechanism(cfg.SASL)
		errs = append(errs, err)
	}
	if !cfg.TLS.Enabled && (cfg.SASL.Mechanism == saslPlain || cfg.SASL.Mechanism == saslOAuthBearer) {
		log.Warn("without kafka.tls.enabled everybody on the way to the brokers can read the password or token",
			"mechanism", cfg.SASL.Mechanism)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return c, nil
}

// Brokers lists the seed brokers, host:port each.
func (c *Cluster) Brokers() []string { return c.brokers }

// versions are those kgo speaks, but for the greeting of a connection, ApiVersions: kgo begins with version 5, which
// Kafka 4.3 refuses, and then greets again. That costs every connection of a restart a round trip, and the version has
// nothing for us but the check of KIP-1242 that a host is the node it should be.
func versions() *kversion.Versions {
	const apiVersions = 18
	v := kversion.Stable()
	v.SetMaxKeyVersion(apiVersions, 4)
	return v
}

// Options are the options of a client of this cluster, for clientID, which brokers log.
func (c *Cluster) Options(clientID string) []kgo.Opt {
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.brokers...),
		kgo.ClientID(clientID),
		kgo.MetadataMinAge(metadataMinAge),
		kgo.MaxVersions(versions()),
		kgo.WithLogger(quiet{kslog.New(c.log.With("client", clientID))}),
		kgo.WithHooks(c.answers),
	}
	if c.certificates != nil {
		opts = append(opts, kgo.Dialer(c.certificates.dial))
	}
	if c.mechanism != nil {
		opts = append(opts, kgo.SASL(c.mechanism))
	}
	return opts
}

// Client opens a client. Opening does not reach out: see Ping.
func (c *Cluster) Client(clientID string, opts ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append(c.Options(clientID), opts...)...)
}

// admin asks about offsets and positions, by one client for all: some of it is asked twice a second, or for every tag, and what
// is new connects and logs in first.
func (c *Cluster) admin() (*kadm.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.asker == nil {
		var err error
		if c.asker, err = c.Client("ttp-offsets"); err != nil {
			return nil, err
		}
	}
	return kadm.NewClient(c.asker), nil
}

// Close closes the connections that questions about offsets have opened, which cannot be asked any more then. Clients that were opened
// with Client are closed by whoever has opened them.
func (c *Cluster) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.asker != nil {
		Close(c.asker.Close)
	}
}

// Ping says, before ctx ends, whether any broker answers and lets us in.
func (c *Cluster) Ping(ctx context.Context) error {
	cl, err := c.Client("ttp-ping", kgo.WithLogger(hushed{kslog.New(c.log)})) // what is wrong is in the error, once
	if err != nil {
		return err
	}
	defer cl.Close()
	stop := context.AfterFunc(ctx, cl.Close) // kgo waits for a silent host's greeting whatever ctx says
	defer stop()
	if err := cl.Ping(ctx); err != nil {
		if _, handshake := errors.AsType[*handshakeError](err); ctx.Err() != nil && !handshake {
			err = ctx.Err()
		}
		what := "connecting to Kafka"
		if unreachable(err) {
			what = "no Kafka broker answers"
		}
		return fmt.Errorf("%s at %s (kafka.brokers): %w", what, strings.Join(c.brokers, ", "), c.explainFirst(err))
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

// hushed passes everything on as debug.
type hushed struct{ kgo.Logger }

func (h hushed) Level() kgo.LogLevel {
	if h.Logger.Level() == kgo.LogLevelDebug {
		return kgo.LogLevelDebug
	}
	return kgo.LogLevelNone
}

func (h hushed) Log(_ kgo.LogLevel, msg string, keyvals ...any) {
	h.Logger.Log(kgo.LogLevelDebug, msg, keyvals...)
}
