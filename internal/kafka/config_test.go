package kafka_test

import (
	"strings"
	"testing"
	"time"

	"ttpworker/internal/kafka"
	"ttpworker/internal/yamlx"
)

func TestDefaultConfigIsValid(t *testing.T) {
	t.Parallel()
	if err := kafka.DefaultConfig().Validate(); err != nil {
		t.Errorf("Validate = %v, want nil", err)
	}
}

func TestConfigValidateNamesTheKeyAndWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		edit func(*kafka.Config)
		want string
	}{
		{"no brokers", func(c *kafka.Config) { c.Brokers = nil }, "kafka.brokers is empty: give host:port, or embedded"},
		{
			"a broker without port", func(c *kafka.Config) { c.Brokers = yamlx.Strings{"a:9092", "b"} },
			`kafka.brokers: "b" is not host:port`,
		},
		{
			"embedded beside real brokers", func(c *kafka.Config) { c.Brokers = yamlx.Strings{"embedded", "a:9092"} },
			`kafka.brokers: "embedded" is not host:port`,
		},
		{"no group", func(c *kafka.Config) { c.Group = "" }, "kafka.group is empty"},
		{"nothing per poll", func(c *kafka.Config) { c.MaxPoll = 0 }, "kafka.max_poll 0 is less than 1"},
		{"no commit interval", func(c *kafka.Config) { c.CommitInterval = 0 }, "kafka.commit_interval 0s is not positive"},
		{"a wait that ends before it begins", func(c *kafka.Config) { c.SchemaWait = -time.Second }, "kafka.schema_wait -1s is negative"},
		{"negative session timeout", func(c *kafka.Config) { c.SessionTimeout = -time.Second }, "kafka.session_timeout -1s is not positive"},
		{
			"a transaction that cannot last", func(c *kafka.Config) { c.CommitInterval = c.TransactionTimeout },
			"kafka.commit_interval 10s must be shorter than kafka.transaction_timeout 10s, or every transaction times out",
		},
		{
			"an end that a rebalance outlasts", func(c *kafka.Config) { c.EndTimeout = 74 * time.Second },
			"kafka.end_timeout 1m14s is shorter than rebalance_timeout + session_timeout 1m15s: " +
				"a transaction cannot end while its member waits in a rebalance",
		},
		{"no such port", func(c *kafka.Config) { c.Embedded.Port = 65536 }, "kafka.embedded.port 65536 is no port"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := kafka.DefaultConfig()
			tt.edit(&cfg)
			if err := cfg.Validate(); err == nil || err.Error() != tt.want {
				t.Errorf("Validate =\n%v\nwant\n%s", err, tt.want)
			}
		})
	}
}

func TestConfigValidateReportsEveryFault(t *testing.T) {
	t.Parallel()
	err := kafka.Config{}.Validate()
	if err == nil {
		t.Fatal("Validate of the zero value = nil, want faults")
	}
	for _, key := range []string{
		"kafka.brokers", "kafka.group", "kafka.max_poll", "kafka.commit_interval", "kafka.end_timeout",
		"kafka.session_timeout", "kafka.rebalance_timeout", "kafka.transaction_timeout",
	} {
		if !strings.Contains(err.Error(), key) {
			t.Errorf("Validate = %v, want %s in it", err, key)
		}
	}
}

func TestEmbeddedIsAskedForByThatWordAlone(t *testing.T) {
	t.Parallel()
	for brokers, want := range map[string]bool{"embedded": true, "localhost:9092": false, "embedded,a:9092": false} {
		cfg := kafka.Config{Brokers: strings.Split(brokers, ",")}
		if got := cfg.UseEmbedded(); got != want {
			t.Errorf("UseEmbedded with brokers %s = %v, want %v", brokers, got, want)
		}
	}
}

func TestResolveReplica(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, replica, host, want string
		bad                       bool
	}{
		{name: "a name is itself", replica: "7", host: "ttp-worker-3", want: "7"},
		{name: "none stays none", host: "ttp-worker-3"},
		{name: "a StatefulSet's host gives its ordinal", replica: kafka.HostnameReplica, host: "ttp-worker-12", want: "12"},
		{name: "a Deployment's does not", replica: kafka.HostnameReplica, host: "ttp-worker-7c9f8-x2x4z", bad: true},
		{name: "nor does a number in the middle of a word", replica: kafka.HostnameReplica, host: "node3", bad: true},
		{name: "nor a number alone", replica: kafka.HostnameReplica, host: "3", bad: true},
		{name: "nor no name", replica: kafka.HostnameReplica, bad: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := kafka.Config{Replica: tt.replica}.ResolveReplica(tt.host)
			if got != tt.want || (err != nil) != tt.bad {
				t.Errorf("ResolveReplica(%q) = %q, %v; want %q, an error: %t", tt.host, got, err, tt.want, tt.bad)
			}
		})
	}
}
