package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
)

// A control is a cluster with a topic that only this test knows.
type control struct {
	*kafkatest.Cluster
	topic string
}

func newControl(t *testing.T, c *kafkatest.Cluster, settings ...string) control {
	t.Helper()
	name := c.Name("control")
	c.CreateTopic(t, name, 1, settings...)
	return control{c, name}
}

func (c control) record(key, value string) *kgo.Record {
	return &kgo.Record{Topic: c.topic, Key: []byte(key), Value: []byte(value)}
}

func (c control) tombstone(key string) *kgo.Record {
	return &kgo.Record{Topic: c.topic, Key: []byte(key)}
}

// readAll is the worker's way to read; the cluster's own is the tests'.
func (c control) readAll(ctx context.Context, apply func(*kafka.Record)) error {
	return c.Cluster.Cluster.ReadAll(ctx, c.topic, apply)
}

// A follower follows a topic and writes down what it is told.
type follower struct {
	stop func() error // ends it and returns what Follow returned

	mu    sync.Mutex
	lines []string // "key=value", "key gone", "caught up"
}

func follow(t *testing.T, c control) *follower {
	t.Helper()
	f := &follower{}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- c.Follow(ctx, c.topic, func(r *kafka.Record) { f.add(line(r)) }, func() { f.add("caught up") })
	}()
	f.stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() { _ = f.stop() })
	return f
}

func line(r *kafka.Record) string {
	if r.Value == nil {
		return string(r.Key) + " gone"
	}
	return string(r.Key) + "=" + string(r.Value)
}

func (f *follower) add(line string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lines = append(f.lines, line)
}

func (f *follower) seen() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.lines...)
}

// want waits for as many lines as there are in lines, and compares.
func (f *follower) want(t *testing.T, lines ...string) {
	t.Helper()
	kafkatest.Eventually(t, fmt.Sprintf("%d lines", len(lines)), func() bool { return len(f.seen()) >= len(lines) })
	if diff := cmp.Diff(lines, f.seen()); diff != "" {
		t.Fatalf("followed (-want +got):\n%s", diff)
	}
}

func TestFollowReadsFromTheStartSaysSoAtTheEndAndGoesOn(t *testing.T) {
	t.Parallel()
	c := newControl(t, kafkatest.Start(t))
	c.Write(t, c.record("a", "1"), c.record("b", "1"), c.tombstone("a"))
	f := follow(t, c)
	f.want(t, "a=1", "b=1", "a gone", "caught up")
	c.Write(t, c.record("a", "2"))
	c.Write(t, c.record("a", ""))
	f.want(t, "a=1", "b=1", "a gone", "caught up", "a=2", "a=")
	if err := f.stop(); err != nil {
		t.Errorf("Follow = %v, want nil when its context ends", err)
	}
}

func TestFollowOfAnEmptyTopicCatchesUpOnceAtOnce(t *testing.T) {
	t.Parallel()
	c := newControl(t, kafkatest.Start(t))
	f := follow(t, c)
	f.want(t, "caught up")
	c.Write(t, c.record("a", "1"))
	f.want(t, "caught up", "a=1")
	if err := f.stop(); err != nil {
		t.Errorf("Follow = %v, want nil", err)
	}
}

// transact writes records in one transaction and ends it.
func transact(t *testing.T, c *kafkatest.Cluster, end kgo.TransactionEndTry, recs ...*kgo.Record) {
	t.Helper()
	cl := c.Client(t, kgo.TransactionalID(c.Name("t")), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	defer cl.Close()
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(t.Context(), recs...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := cl.EndTransaction(t.Context(), end); err != nil {
		t.Fatal(err)
	}
	c.Settle(t, recs[0].Topic)
}

// Markers and aborted records take offsets and are never applied; a follower that waits for them at the end of the
// topic would never catch up, and the worker never start.
func TestFollowCatchesUpOverMarkersAndAbortedRecords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		write func(t *testing.T, c control)
		want  []string
	}{
		{"a commit marker at the end", func(t *testing.T, c control) {
			t.Helper()
			transact(t, c.Cluster, kgo.TryCommit, c.record("a", "1"))
		}, []string{"a=1"}},
		{"aborted records at the end", func(t *testing.T, c control) {
			t.Helper()
			c.Write(t, c.record("a", "1"))
			transact(t, c.Cluster, kgo.TryAbort, c.record("a", "2"), c.record("b", "2"))
		}, []string{"a=1"}},
		{"nothing but aborted records", func(t *testing.T, c control) {
			t.Helper()
			transact(t, c.Cluster, kgo.TryAbort, c.record("a", "1"))
		}, nil},
		{"all of it in between", func(t *testing.T, c control) {
			t.Helper()
			transact(t, c.Cluster, kgo.TryCommit, c.record("a", "1"))
			transact(t, c.Cluster, kgo.TryAbort, c.record("a", "2"))
			c.Write(t, c.record("a", "3"))
		}, []string{"a=1", "a=3"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newControl(t, kafkatest.Start(t))
			tt.write(t, c)
			want := append(append([]string(nil), tt.want...), "caught up")
			follow(t, c).want(t, want...)
			var all []string
			if err := c.readAll(t.Context(), func(r *kafka.Record) { all = append(all, line(r)) }); err != nil {
				t.Fatalf("ReadAll = %v", err)
			}
			if diff := cmp.Diff(tt.want, all); diff != "" {
				t.Errorf("ReadAll (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFollowDoesNotWaitForAnOpenTransaction(t *testing.T) {
	t.Parallel()
	c := newControl(t, kafkatest.Start(t))
	c.Write(t, c.record("a", "1"))
	cl := c.Client(t, kgo.TransactionalID(c.Name("t")), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(t.Context(), c.record("a", "2")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	f := follow(t, c)
	f.want(t, "a=1", "caught up")
	if err := cl.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	f.want(t, "a=1", "caught up", "a=2")
}

func TestFollowReadsACompactedTopic(t *testing.T) {
	t.Parallel()
	c := newControl(t, kafkatest.Embedded(t), "cleanup.policy=compact") // compaction on demand
	for i := range 5 {
		c.Write(t, c.record("a", strconv.Itoa(i)), c.record("b", strconv.Itoa(i)))
	}
	c.Write(t, c.record("c", "0"))
	c.Broker.Compact()
	follow(t, c).want(t, "a=4", "b=4", "c=0", "caught up")
}

func TestReadAllReturnsAtTheEnd(t *testing.T) {
	t.Parallel()
	c := newControl(t, kafkatest.Start(t))
	count := func() (n int) {
		if err := c.readAll(t.Context(), func(*kafka.Record) { n++ }); err != nil {
			t.Fatalf("ReadAll = %v", err)
		}
		return n
	}
	if n := count(); n != 0 {
		t.Errorf("ReadAll of an empty topic: %d records", n)
	}
	c.Write(t, c.record("a", "1"), c.record("a", "2"), c.record("b", "1"))
	if n := count(); n != 3 {
		t.Errorf("ReadAll: %d records, want 3", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.readAll(ctx, func(*kafka.Record) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("ReadAll of an ended context = %v, want Canceled: the reader must not take a part for the whole", err)
	}
}

func TestFollowOfAMissingTopicIsAnError(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	hasty := cluster(t, kafka.Config{Brokers: c.Brokers(), StartTimeout: 300 * time.Millisecond})
	caught := false
	err := hasty.Follow(t.Context(), c.Name("none"), func(*kafka.Record) {}, func() { caught = true })
	if !errors.Is(err, kerr.UnknownTopicOrPartition) || !strings.Contains(err.Error(), "topic "+c.Name("none")) || caught {
		t.Errorf("Follow = %v, caught up %v, want an error that names the topic", err, caught)
	}
}

// A topic that has just been created is unknown to some brokers for a moment, and nobody leads it. Seen: a start on three
// brokers that created its topics ended with "finding the end of topic x: UNKNOWN_TOPIC_OR_PARTITION".
func TestFollowWaitsForATopicThatIsNew(t *testing.T) {
	t.Parallel()
	for _, fault := range []kfake.Fault{
		{Keys: []kmsg.Key{kmsg.Metadata}, Err: kerr.UnknownTopicOrPartition},
		{Keys: []kmsg.Key{kmsg.Metadata}, Err: kerr.LeaderNotAvailable},
		{Keys: []kmsg.Key{kmsg.ListOffsets}, Err: kerr.UnknownTopicOrPartition},
		{Keys: []kmsg.Key{kmsg.ListOffsets}, Err: kerr.LeaderNotAvailable},
	} {
		t.Run(fault.Keys[0].Name()+" "+fault.Err.Message, func(t *testing.T) {
			t.Parallel()
			c := newControl(t, kafkatest.Embedded(t))
			c.Write(t, c.record("a", "1"))
			fault.Topic, fault.Count = c.topic, -1
			handle := c.Broker.Fault(fault)
			over := time.AfterFunc(2*time.Second, handle.Remove)
			defer over.Stop()
			n := 0
			if err := c.readAll(t.Context(), func(*kafka.Record) { n++ }); err != nil || n != 1 {
				t.Errorf("ReadAll = %d records, %v, want the one that is there", n, err)
			}
		})
	}
}

// The embedded broker can be told to have one.
func TestFollowOutlivesAFaultOfTheBroker(t *testing.T) {
	t.Parallel()
	c := newControl(t, kafkatest.Embedded(t))
	c.Write(t, c.record("a", "1"))
	f := follow(t, c)
	f.want(t, "a=1", "caught up")
	c.Broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: c.topic, Err: kerr.NotLeaderForPartition, Count: 2})
	c.Write(t, c.record("a", "2"))
	f.want(t, "a=1", "caught up", "a=2")
}

// A batch that unpacks to more than a control record ever has is nobody's order: it costs no memory and stops no reader,
// at the end of the topic neither.
func TestFollowPassesOverABatchThatUnpacksToTooMuch(t *testing.T) {
	t.Parallel()
	c := newControl(t, kafkatest.Start(t))
	cl := c.Client(t, kgo.ProducerBatchCompression(kgo.ZstdCompression()), kgo.ProducerBatchMaxBytes(30<<20))
	bomb := func() {
		if err := cl.ProduceSync(t.Context(), c.record("R9", strings.Repeat("0", 20<<20))).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	c.Write(t, c.record("R1", "a"))
	bomb()
	c.Write(t, c.record("R2", "b"))
	bomb()
	f := follow(t, c)
	f.want(t, "R1=a", "R2=b", "caught up")
	bomb()
	c.Write(t, c.record("R3", "c"))
	f.want(t, "R1=a", "R2=b", "caught up", "R3=c")
	if err := f.stop(); err != nil {
		t.Errorf("Follow = %v, want nil", err)
	}
}
