// Package kafkatest gives tests a Kafka cluster: one inside the process, on a free loopback port, gone with the
// test. Its faults are those of kfake, reached through Broker.
package kafkatest

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/kafka"
)

// Patience is how long a test waits for something that must come.
const Patience = 30 * time.Second

// A Cluster is a running one.
type Cluster struct {
	*kafka.Cluster
	Broker *kfake.Cluster // to inject faults
}

// Start starts a cluster that ends with the test.
func Start(t testing.TB, opts ...kfake.Opt) *Cluster {
	t.Helper()
	broker, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(time.Second)}, opts...)...)
	if err != nil {
		t.Fatalf("starting a cluster: %v", err)
	}
	t.Cleanup(broker.Close)
	return &Cluster{Cluster: kafka.NewCluster(broker.ListenAddrs(), slog.New(slog.DiscardHandler)), Broker: broker}
}

// CreateTopic creates a topic of the broker's default settings.
func (c *Cluster) CreateTopic(t testing.TB, name string, partitions int32) {
	t.Helper()
	if err := c.Broker.CreateTopic(name, partitions, nil); err != nil {
		t.Fatalf("creating topic %s: %v", name, err)
	}
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

// ReadAll returns the committed records of a topic, in partition and offset order.
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
