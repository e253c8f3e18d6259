// Package kafkatest gives tests a Kafka cluster: one inside the process, on a free loopback port, gone with the test;
// or Apache Kafka, where make test-kafka runs them. Both are used in the same way.
package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/kafka"
)

// Patience is how long a test waits for something that must come.
const Patience = 30 * time.Second

// Variable names the environment variable with the addresses of a running Apache Kafka, separated by commas. Where it
// is set, Start gives tests that cluster.
const Variable = "TTP_TEST_KAFKA"

// A Cluster is a running one.
type Cluster struct {
	*kafka.Cluster
	Broker *kfake.Cluster // to inject faults; nil for Apache Kafka
	prefix string
}

// Start gives the test a cluster: Apache Kafka if it runs, or else one inside the process that ends with the test.
// Apache Kafka is shared by all tests: names of topics and groups come from Name.
func Start(t testing.TB) *Cluster {
	t.Helper()
	addrs := os.Getenv(Variable)
	if addrs == "" {
		return Embedded(t)
	}
	return &Cluster{Cluster: at(t, strings.Split(addrs, ",")), prefix: newPrefix()}
}

func at(t testing.TB, addrs []string) *kafka.Cluster {
	t.Helper()
	c, err := kafka.NewCluster(kafka.Config{Brokers: addrs}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("configuring a cluster: %v", err)
	}
	t.Cleanup(c.Close)
	return c
}

// Embedded starts a cluster inside the process that ends with the test, for tests that inject faults into it.
func Embedded(t testing.TB, opts ...kfake.Opt) *Cluster {
	t.Helper()
	broker, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(time.Second)}, opts...)...)
	if err != nil {
		t.Fatalf("starting a cluster: %v", err)
	}
	t.Cleanup(broker.Close)
	return &Cluster{Cluster: at(t, broker.ListenAddrs()), Broker: broker}
}

// NeedsApache passes over a test of Apache Kafka itself, or of what only it can show, where none runs.
func NeedsApache(t testing.TB) {
	t.Helper()
	if os.Getenv(Variable) == "" {
		t.Skip("make test-kafka runs it")
	}
}

var prefixes atomic.Int64

// newPrefix tells the names of one test from those of all others on the same cluster.
func newPrefix() string {
	return fmt.Sprintf("t%d-%d-%d-", time.Now().Unix(), os.Getpid(), prefixes.Add(1))
}

// Name is the name of a topic or a group that only this test knows.
func (c *Cluster) Name(name string) string { return c.prefix + name }

// CreateTopic creates a topic of the broker's default settings, but for those given.
func (c *Cluster) CreateTopic(t testing.TB, name string, partitions int32, settings ...string) {
	t.Helper()
	configs := map[string]*string{}
	for _, s := range settings {
		key, value, _ := strings.Cut(s, "=")
		configs[key] = &value
	}
	cl := c.Client(t)
	defer cl.Close()
	adm := kadm.NewClient(cl)
	if _, err := adm.CreateTopic(t.Context(), partitions, -1, configs, name); err != nil {
		t.Fatalf("creating topic %s: %v", name, err)
	}
	Eventually(t, "the topic "+name+" to have leaders", func() bool {
		found, err := c.Topics(t.Context(), name)
		return err == nil && found[name].Partitions == partitions
	})
}

// CheckTopics reports all that is not as it should be about topics.
func (c *Cluster) CheckTopics(ctx context.Context, specs []kafka.TopicSpec) error {
	names := make([]string, len(specs))
	for i, s := range specs {
		names[i] = s.Name
	}
	found, err := c.Topics(ctx, names...)
	if err != nil {
		return err
	}
	return c.Cluster.CheckTopics(found, specs).Of(kafka.Doubtful)
}

// Client opens a client that is closed with the test.
func (c *Cluster) Client(t testing.TB, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(c.Brokers()...), kgo.MetadataMinAge(50 * time.Millisecond)}, opts...)...)
	if err != nil {
		t.Fatalf("opening a client: %v", err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// Write appends records to the partitions they name.
func (c *Cluster) Write(t testing.TB, recs ...*kgo.Record) {
	t.Helper()
	cl := c.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err := cl.ProduceSync(t.Context(), recs...).FirstErr(); err != nil {
		t.Fatalf("writing records: %v", err)
	}
	cl.Close()
}

// Settle waits until no transaction is open on the topics. Apache Kafka acknowledges the end of one before its markers
// are there: for a moment, readers do not see yet what was committed.
func (c *Cluster) Settle(t testing.TB, topics ...string) {
	t.Helper()
	cl := c.Client(t)
	defer cl.Close()
	adm := kadm.NewClient(cl)
	Eventually(t, fmt.Sprintf("the transactions on %v to end", topics), func() bool {
		stable, err := adm.ListCommittedOffsets(t.Context(), topics...)
		if err = errors.Join(err, stable.Error()); err != nil {
			return false
		}
		ends, err := adm.ListEndOffsets(t.Context(), topics...)
		if err = errors.Join(err, ends.Error()); err != nil {
			return false
		}
		open := false
		ends.Each(func(end kadm.ListedOffset) {
			at, _ := stable.Lookup(end.Topic, end.Partition)
			open = open || at.Offset < end.Offset
		})
		return !open
	})
}

// ReadAll returns the committed records of a topic, in partition and offset order. See Settle about those that were
// committed just now.
func (c *Cluster) ReadAll(t testing.TB, topic string) []*kgo.Record {
	t.Helper()
	var all []*kgo.Record
	cl := c.Client(t, kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	ends, err := kadm.NewClient(cl).ListCommittedOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		t.Fatalf("finding the end of %s: %v", topic, err)
	}
	missing := map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			missing[o.Partition] = o.Offset
		}
	})
	for len(missing) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			t.Fatalf("reading %s: partitions not read to their end %v: %v", topic, missing, err)
		}
		fetches.EachError(func(_ string, p int32, err error) {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("reading %s/%d: %v", topic, p, err)
			}
		})
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				all = append(all, r)
			}
			if end, ok := missing[r.Partition]; ok && r.Offset+1 >= end {
				delete(missing, r.Partition)
			}
		})
	}
	slices.SortStableFunc(all, func(a, b *kgo.Record) int {
		if a.Partition != b.Partition {
			return int(a.Partition - b.Partition)
		}
		return int(a.Offset - b.Offset)
	})
	return all
}

// Eventually fails the test unless ok holds before Patience is over. what completes "waiting for ...".
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(Patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waiting for %s: not within %s", what, Patience)
		}
		time.Sleep(5 * time.Millisecond) //nolint:forbidigo // a test polls
	}
}
