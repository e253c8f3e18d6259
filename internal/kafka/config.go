package kafka

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/yamlx"
)

// EmbeddedBroker is the value of kafka.brokers that starts the in-process broker.
const EmbeddedBroker = "embedded"

// Config says how to reach the cluster and how to take part in the group.
type Config struct {
	Brokers            yamlx.Strings  `yaml:"brokers"             env:"BROKERS"`             // seeds, host:port; or "embedded"; required
	Group              string         `yaml:"group"               env:"GROUP"`               // consumer group, and the first part of the transactional id (group.id)
	Replica            string         `yaml:"replica"             env:"REPLICA"`             // stable ordinal of this replica: static membership and fencing; "" = a new member at every start, "hostname" = the number that ends the host's name, as a StatefulSet gives it (group.instance.id)
	Sessions           int            `yaml:"sessions"            env:"SESSIONS"`            // members of the group in this process, each with partitions of its own: to use more cores
	Delivery           Delivery       `yaml:"delivery"            env:"DELIVERY"`            // exactly_once (transactions) or at_least_once
	GroupProtocol      Protocol       `yaml:"group_protocol"      env:"GROUP_PROTOCOL"`      // classic, or consumer for Kafka 4.3 and newer (group.protocol)
	CommitInterval     time.Duration  `yaml:"commit_interval"     env:"COMMIT_INTERVAL"`     // how long a transaction takes in records before it ends
	EndTimeout         time.Duration  `yaml:"end_timeout"         env:"END_TIMEOUT"`         // how long ending a transaction may take; longer than the longest rebalance
	SessionTimeout     time.Duration  `yaml:"session_timeout"     env:"SESSION_TIMEOUT"`     // a member silent for this long is out (session.timeout.ms)
	RebalanceTimeout   time.Duration  `yaml:"rebalance_timeout"   env:"REBALANCE_TIMEOUT"`   // how long a join waits for slow members (max.poll.interval.ms)
	TransactionTimeout time.Duration  `yaml:"transaction_timeout" env:"TRANSACTION_TIMEOUT"` // an open transaction older than this is aborted by the broker (transaction.timeout.ms)
	Compression        Compression    `yaml:"compression"         env:"COMPRESSION"`         // of what the worker writes (compression.type)
	SchemaWait         time.Duration  `yaml:"schema_wait"         env:"SCHEMA_WAIT"`         // how long a record of an unknown schema waits for the schema registry before it is a dead letter
	MaxPoll            int            `yaml:"max_poll"            env:"MAX_POLL"`            // records per poll over all partitions (max.poll.records)
	StartTimeout       time.Duration  `yaml:"start_timeout"       env:"START_TIMEOUT"`       // how long a start waits for brokers that do not listen yet, and a start or a command for those that have not heard of new topics
	TLS                TLSConfig      `yaml:"tls"                 envPrefix:"TLS_"`
	SASL               SASLConfig     `yaml:"sasl"                envPrefix:"SASL_"`
	Embedded           EmbeddedConfig `yaml:"embedded"            envPrefix:"EMBEDDED_"`
	Leave              bool           `yaml:"-"                   env:"-"` // leave the group at the end although the replica has a name: for scaling down
	MaxUnpacked        int            `yaml:"-"                   env:"-"` // bytes that a batch of events may unpack to; a larger one is passed over, by whoever reads events
}

// Delivery is what the group's offsets promise about the outputs.
type Delivery string

// The deliveries.
const (
	ExactlyOnce Delivery = "exactly_once"  // outputs and offsets in one transaction
	AtLeastOnce Delivery = "at_least_once" // offsets after the outputs; after a fault some come again, under the same keys
)

// Protocol is how the members of the group get their partitions.
type Protocol string

// The protocols.
const (
	ClassicProtocol  Protocol = "classic"  // the members assign, cooperative-sticky
	ConsumerProtocol Protocol = "consumer" // the broker assigns (KIP-848); session_timeout is then the broker's group.consumer.session.timeout.ms
)

// Compression is a codec of records.
type Compression string

// The codecs.
const (
	NoCompression Compression = "none"
	Snappy        Compression = "snappy"
	LZ4           Compression = "lz4"
	Zstd          Compression = "zstd"
)

// codecs are kgo's.
var codecs = map[Compression]kgo.CompressionCodec{
	NoCompression: kgo.NoCompression(), Snappy: kgo.SnappyCompression(), LZ4: kgo.Lz4Compression(), Zstd: kgo.ZstdCompression(),
}

// Codec is the client's name of c, which must be valid.
func (c Compression) Codec() kgo.CompressionCodec { return codecs[c] }

// HostnameReplica is the value of kafka.replica that takes the ordinal from the host's name.
const HostnameReplica = "hostname"

// EmbeddedConfig is about the in-process broker.
type EmbeddedConfig struct {
	Port    int    `yaml:"port"     env:"PORT"`     // loopback port; 0 = a free one
	DataDir string `yaml:"data_dir" env:"DATA_DIR"` // where its data survives a restart; "" = memory
}

// DefaultConfig is a local broker and the group ttp-worker.
func DefaultConfig() Config {
	return Config{
		Brokers:            yamlx.Strings{"localhost:9092"},
		Group:              "ttp-worker",
		Sessions:           1,
		Delivery:           ExactlyOnce,
		GroupProtocol:      ClassicProtocol,
		CommitInterval:     100 * time.Millisecond,
		EndTimeout:         80 * time.Second,
		SessionTimeout:     15 * time.Second,
		RebalanceTimeout:   60 * time.Second,
		TransactionTimeout: 10 * time.Second,
		Compression:        Snappy,
		SchemaWait:         30 * time.Second,
		StartTimeout:       defaultStartTimeout,
		MaxPoll:            5000,
		MaxUnpacked:        defaultMaxUnpacked,
	}
}

// defaultMaxUnpacked is far above what a broker takes as a batch (message.max.bytes, 1 MB), times what text can be packed by.
const defaultMaxUnpacked = 64 << 20

// defaultStartTimeout is kafka.start_timeout where nothing else is said: longer than the brokers take to give up one of theirs
// that was killed (broker.session.timeout.ms, 9 s).
const defaultStartTimeout = 20 * time.Second

// UseEmbedded reports whether the in-process broker is asked for.
func (c Config) UseEmbedded() bool { return len(c.Brokers) == 1 && c.Brokers[0] == EmbeddedBroker }

// maxSessions bounds the sessions of one process; more than its cores are of no use.
const maxSessions = 64

// ResolveReplica is the name of this replica: kafka.replica, or with "hostname" the number that ends host, such as 3 of
// ttp-worker-3.
func (c Config) ResolveReplica(host string) (string, error) {
	if c.Replica != HostnameReplica {
		return c.Replica, nil
	}
	end := strings.TrimRight(host, "0123456789")
	if ordinal := host[len(end):]; ordinal != "" && len(end) > 1 && strings.HasSuffix(end, "-") {
		return ordinal, nil
	}
	return "", fmt.Errorf("kafka.replica is %q, but the host's name %q does not end in a number as a StatefulSet's do (ttp-worker-3): give the number", HostnameReplica, host)
}

// Validate reports everything that is wrong, joined.
func (c Config) Validate() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(c.Brokers) == 0 {
		fault("kafka.brokers is empty: give host:port, or %s", EmbeddedBroker)
	}
	for _, b := range c.Brokers {
		if !c.UseEmbedded() && !strings.Contains(b, ":") {
			fault("kafka.brokers: %q is not host:port", b)
		}
	}
	if c.Group == "" {
		fault("kafka.group is empty")
	}
	if strings.ContainsAny(c.Replica, ". ") {
		fault("kafka.replica %q has a dot or a space: it is a number, or a short name", c.Replica)
	}
	if c.Sessions < 1 || c.Sessions > maxSessions {
		fault("kafka.sessions %d is not between 1 and %d", c.Sessions, maxSessions)
	}
	if c.Delivery != ExactlyOnce && c.Delivery != AtLeastOnce {
		fault("kafka.delivery: unknown %q; known: %s, %s", c.Delivery, ExactlyOnce, AtLeastOnce)
	}
	if c.GroupProtocol != ClassicProtocol && c.GroupProtocol != ConsumerProtocol {
		fault("kafka.group_protocol: unknown %q; known: %s, %s", c.GroupProtocol, ClassicProtocol, ConsumerProtocol)
	}
	if _, ok := codecs[c.Compression]; !ok {
		fault("kafka.compression: unknown %q; known: %s, %s, %s, %s", c.Compression, NoCompression, Snappy, LZ4, Zstd)
	}
	if c.MaxPoll < 1 {
		fault("kafka.max_poll %d is less than 1", c.MaxPoll)
	}
	errs = append(errs, c.validateTimes()...)
	if c.Embedded.Port < 0 || c.Embedded.Port > 65535 {
		fault("kafka.embedded.port %d is no port", c.Embedded.Port)
	}
	errs = append(errs, c.TLS.validate()...)
	errs = append(errs, c.SASL.validate(c.TLS.Enabled)...)
	if c.UseEmbedded() && (c.TLS.Enabled || c.SASL.Mechanism != "") {
		fault("kafka.brokers is embedded, and the embedded broker has neither TLS nor SASL: leave kafka.tls and kafka.sasl out")
	}
	return errors.Join(errs...)
}

// validateTimes reports what is wrong with the times, each by itself and one beside the other.
func (c Config) validateTimes() (errs []error) {
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, d := range []struct {
		key   string
		value time.Duration
	}{
		{"commit_interval", c.CommitInterval},
		{"end_timeout", c.EndTimeout},
		{"session_timeout", c.SessionTimeout},
		{"rebalance_timeout", c.RebalanceTimeout},
		{"transaction_timeout", c.TransactionTimeout},
		{"start_timeout", c.StartTimeout},
	} {
		if d.value <= 0 {
			fault("kafka.%s %s is not positive", d.key, d.value)
		}
	}
	if c.SchemaWait < 0 {
		fault("kafka.schema_wait %s is negative", c.SchemaWait)
	}
	if c.CommitInterval >= c.TransactionTimeout {
		fault("kafka.commit_interval %s must be shorter than kafka.transaction_timeout %s, or every transaction times out", c.CommitInterval, c.TransactionTimeout)
	}
	if c.EndTimeout < c.RebalanceTimeout+c.SessionTimeout {
		fault("kafka.end_timeout %s is shorter than rebalance_timeout + session_timeout %s: a transaction cannot end while its member waits in a rebalance", c.EndTimeout, c.RebalanceTimeout+c.SessionTimeout)
	}
	return errs
}
