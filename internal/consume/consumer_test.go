package consume_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
)

const partitions = 3

// copyOf is the topic that a copier copies a topic to.
func copyOf(topic string) string { return topic + "-copy" }

// A copier writes every record once more to the copy of its topic, on its partition.
type copier struct {
	ended     atomic.Int64
	committed atomic.Int64
	output    func(r *kafka.Record) kafka.Record // nil = a copy
	check     func() error                       // nil = all is well
	ready     chan struct{}                      // nil = from the start
	plan      atomic.Pointer[string]             // nil = plan-1
}

func (c *copier) Begin() consume.Batch { return c }

func (c *copier) Metadata() string {
	if p := c.plan.Load(); p != nil {
		return *p
	}
	return "plan-1"
}

func (c *copier) Ready() <-chan struct{} {
	if c.ready == nil {
		return always
	}
	return c.ready
}

var always = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (c *copier) Check() error {
	if c.check == nil {
		return nil
	}
	return c.check()
}

func (c *copier) End(committed bool) {
	c.ended.Add(1)
	if committed {
		c.committed.Add(1)
	}
}

func (c *copier) Unreadable(_ context.Context, dst []kafka.Record, at *kafka.Record, _ int64, cause error) ([]kafka.Record, error) {
	return append(dst, kafka.Record{Topic: copyOf(at.Topic), Partition: at.Partition, Key: []byte("unreadable"), Value: []byte(cause.Error())}), nil
}

func (c *copier) Outputs(_ context.Context, dst, recs []kafka.Record) ([]kafka.Record, error) {
	for i := range recs {
		r := kafka.Record{Topic: copyOf(recs[i].Topic), Partition: recs[i].Partition, Key: recs[i].Key, Value: recs[i].Value}
		if c.output != nil {
			r = c.output(&recs[i])
		}
		dst = append(dst, r)
	}
	return dst, nil
}

// A cluster is one with topics and a group that only this test knows.
type cluster struct {
	*kafkatest.Cluster
	in, out, group string
	limits         map[string]int // as given to New
}

func start(t *testing.T) *cluster {
	t.Helper()
	return prepare(t, kafkatest.Start(t))
}

// startEmbedded is for tests that inject faults into the broker.
func startEmbedded(t *testing.T) *cluster {
	t.Helper()
	return prepare(t, kafkatest.Embedded(t))
}

func prepare(t *testing.T, kc *kafkatest.Cluster) *cluster {
	t.Helper()
	in := kc.Name("in")
	c := &cluster{Cluster: kc, in: in, out: copyOf(in), group: kc.Name("group")}
	c.CreateTopic(t, c.in, partitions)
	c.CreateTopic(t, c.out, partitions)
	return c
}

func (c *cluster) config(replica string) kafka.Config {
	cfg := kafka.DefaultConfig()
	cfg.Group = c.group
	cfg.Replica = replica
	cfg.CommitInterval = 20 * time.Millisecond
	cfg.SessionTimeout = 2 * time.Second
	cfg.RebalanceTimeout = 4 * time.Second
	cfg.EndTimeout = 8 * time.Second
	return cfg
}

// A member is a consumer that runs.
type member struct {
	*consume.Consumer
	stop func() error // ends it and returns what Run returned
	done chan error
}

func join(t *testing.T, c *cluster, cfg kafka.Config, h consume.Handler, keeper func(bool)) *member {
	t.Helper()
	if keeper == nil {
		keeper = func(bool) {}
	}
	m := &member{
		Consumer: consume.New(c.Cluster.Cluster, cfg, []string{c.in}, c.limits, h, keeper, slog.New(slog.DiscardHandler), prometheus.NewRegistry()),
		done:     make(chan error, 1),
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { m.done <- m.Run(ctx) }()
	stopped := false
	m.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-m.done
	}
	t.Cleanup(func() { _ = m.stop() })
	return m
}

// write appends n records, numbered from first, over the partitions in turn.
func write(t *testing.T, c *cluster, first, n int) {
	t.Helper()
	recs := make([]*kgo.Record, n)
	for i := range recs {
		k := first + i
		recs[i] = &kgo.Record{Topic: c.in, Partition: int32(k % partitions), Key: fmt.Appendf(nil, "key-%d", k%7), Value: fmt.Appendf(nil, "%d", k)}
	}
	c.Write(t, recs...)
}

// check fails unless the copy holds the n records once each, those of a partition in order.
func check(t *testing.T, c *cluster, n int) {
	t.Helper()
	c.Settle(t, c.out)
	want, got := c.ReadAll(t, c.in), c.ReadAll(t, c.out)
	if len(want) != n {
		t.Fatalf("%d records in, want %d", len(want), n)
	}
	if len(got) != n {
		t.Errorf("%d committed records out, want %d", len(got), n)
	}
	for i := range min(len(got), len(want)) {
		if string(got[i].Value) != string(want[i].Value) || got[i].Partition != want[i].Partition {
			t.Fatalf("record %d out = %s on partition %d, want %s on %d",
				i, got[i].Value, got[i].Partition, want[i].Value, want[i].Partition)
		}
	}
}

func waitFor(t *testing.T, c *cluster, n int) {
	t.Helper()
	kafkatest.Eventually(t, fmt.Sprintf("offsets of %d records", n), func() bool { return committedOffsets(t, c) >= int64(n) })
}

// committedOffsets sums the group's offsets: what the tests write has no gaps. Those of a transaction
// that is just ending are waited for. -1 = the broker does not tell.
func committedOffsets(t *testing.T, c *cluster) int64 {
	t.Helper()
	adm := kadm.NewClient(c.Client(t))
	defer adm.Close()
	offsets, err := adm.FetchOffsets(kadm.RequireStable(t.Context()), c.group)
	if err != nil {
		return -1
	}
	var sum int64
	offsets.Each(func(o kadm.OffsetResponse) { sum += o.At })
	return sum
}

func TestEveryRecordComesOutOnceInOrderWithItsOffset(t *testing.T) {
	t.Parallel()
	c := start(t)
	h := &copier{}
	m := join(t, c, c.config("0"), h, nil)
	for i := range 10 {
		write(t, c, i*100, 100)
	}
	waitFor(t, c, 1000)
	if err := m.stop(); err != nil {
		t.Fatalf("Run = %v, want nil", err)
	}
	check(t, c, 1000)
	if h.ended.Load() == 0 || h.ended.Load() != h.committed.Load() {
		t.Errorf("%d batches ended, %d committed; want all committed", h.ended.Load(), h.committed.Load())
	}
	offsets, err := kadm.NewClient(c.Client(t)).FetchOffsets(t.Context(), c.group)
	if err != nil {
		t.Fatal(err)
	}
	offsets.Each(func(o kadm.OffsetResponse) {
		if o.Metadata != "plan-1" {
			t.Errorf("metadata of partition %d's offset = %q, want the batch's", o.Partition, o.Metadata)
		}
	})
}

func TestStopCommitsTheOpenTransaction(t *testing.T) {
	t.Parallel()
	c := start(t)
	cfg := c.config("0")
	cfg.CommitInterval = 5 * time.Second // far longer than the test
	h := &copier{}
	m := join(t, c, cfg, h, nil)
	write(t, c, 0, 30)
	time.Sleep(500 * time.Millisecond) // the batch is open; it cannot be seen from outside
	if err := m.stop(); err != nil {
		t.Fatalf("Run = %v, want nil", err)
	}
	if got := committedOffsets(t, c); got != 30 {
		t.Errorf("committed offsets = %d, want 30", got)
	}
	check(t, c, 30)
}

func TestANamedMemberKeepsItsPlaceUnlessToldToLeave(t *testing.T) {
	t.Parallel()
	c := start(t)
	for _, leave := range []bool{false, true} {
		cfg := c.config("3")
		cfg.Leave = leave
		m := join(t, c, cfg, &copier{}, nil)
		kafkatest.Eventually(t, "the member to join", m.Joined)
		if err := m.stop(); err != nil {
			t.Fatalf("Run = %v, want nil", err)
		}
		groups, err := kadm.NewClient(c.Client(t)).DescribeGroups(t.Context(), cfg.Group)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := len(groups[cfg.Group].Members), map[bool]int{false: 1, true: 0}[leave]; got != want {
			t.Errorf("leave = %t: %d members after the stop, want %d", leave, got, want)
		}
	}
}

func TestMembersThatComeAndGoLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	c := start(t)
	join(t, c, c.config(""), &copier{}, nil)
	const rounds = 6
	for i := range rounds {
		other := join(t, c, c.config(""), &copier{}, nil)
		for k := range 5 {
			write(t, c, (i*5+k)*60, 60)
			time.Sleep(60 * time.Millisecond) // a stream, not a heap
		}
		if err := other.stop(); err != nil {
			t.Fatalf("Run of the member that left = %v, want nil", err)
		}
	}
	waitFor(t, c, rounds*5*60)
	check(t, c, rounds*5*60)
}

func TestASecondWorkerUnderTheSameReplicaStopsTheFirstWithAMessage(t *testing.T) {
	t.Parallel()
	c := start(t)
	first := join(t, c, c.config("7"), &copier{}, nil)
	write(t, c, 0, 30)
	waitFor(t, c, 30)
	join(t, c, c.config("7"), &copier{}, nil)
	for i := range 4 {
		write(t, c, 30+i*30, 30)
	}
	select {
	case err := <-first.done:
		first.stop = func() error { return nil }
		if err == nil || !strings.Contains(err.Error(), "kafka.replica") {
			t.Errorf("Run of the fenced worker = %v, want an error that names kafka.replica", err)
		}
	case <-time.After(kafkatest.Patience):
		t.Fatal("the first worker still runs")
	}
	waitFor(t, c, 150)
	check(t, c, 150)
}

func TestAnOutputTooLargeForItsTopicStopsWithAMessageAndLosesNothing(t *testing.T) {
	t.Parallel()
	c := start(t)
	h := &copier{output: func(r *kafka.Record) kafka.Record {
		return kafka.Record{Topic: c.out, Partition: r.Partition, Key: r.Key, Value: make([]byte, 2<<20)}
	}}
	m := join(t, c, c.config("0"), h, nil)
	write(t, c, 0, 1)
	err := <-m.done
	m.stop = func() error { return nil }
	if err == nil || !strings.Contains(err.Error(), "max.message.bytes") || !strings.Contains(err.Error(), c.out+"/0") {
		t.Errorf("Run = %v, want an error that names max.message.bytes and %s/0", err, c.out)
	}
	if got := committedOffsets(t, c); got != 0 {
		t.Errorf("committed offsets = %d, want none: the record must come again", got)
	}
}

// An idle member ends no transaction, and kgo tells a transact session of a second revocation only after one has
// ended. The keeper would then believe for ever that it owns partition 0.
func TestAnIdleMemberHearsOfEveryRevocation(t *testing.T) {
	t.Parallel()
	c := start(t)
	var owners atomic.Int64 // members that believe they own partition 0
	count := func() func(bool) {
		var owns bool
		return func(now bool) {
			if now != owns {
				owns = now
				owners.Add(map[bool]int64{true: 1, false: -1}[now])
			}
		}
	}
	join(t, c, c.config(""), &copier{}, count())
	kafkatest.Eventually(t, "one keeper", func() bool { return owners.Load() == 1 })
	for range 4 {
		members := []*member{join(t, c, c.config(""), &copier{}, count()), join(t, c, c.config(""), &copier{}, count())}
		for _, m := range members {
			kafkatest.Eventually(t, "the member to join", m.Joined)
		}
		kafkatest.Eventually(t, "one keeper among three", func() bool { return owners.Load() == 1 })
		for _, m := range members {
			if err := m.stop(); err != nil {
				t.Fatalf("Run = %v, want nil", err)
			}
		}
		kafkatest.Eventually(t, "one keeper again", func() bool { return owners.Load() == 1 })
	}
}
