package consume

import (
	"context"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ttpworker/internal/kafkatest"
)

// A lagRig is a lag that looks when told.
type lagRig struct {
	*lag
	cluster *kafkatest.Cluster
	topic   string
	adm     *kadm.Client
	reg     *prometheus.Registry
}

func newLagRig(t *testing.T, c *kafkatest.Cluster, partitions int32) *lagRig {
	t.Helper()
	topic, reg := c.Name("events"), prometheus.NewRegistry()
	c.CreateTopic(t, topic, partitions)
	return &lagRig{
		lag:     newLag(c.Cluster, c.Name("g"), slog.New(slog.DiscardHandler), reg),
		cluster: c, topic: topic, adm: kadm.NewClient(c.Client(t)), reg: reg,
	}
}

// commit sets the group's offset of a partition.
func (r *lagRig) commit(t *testing.T, p int32, at int64) {
	t.Helper()
	var offsets kadm.Offsets
	offsets.AddOffset(r.topic, p, at, -1)
	if err := r.adm.CommitAllOffsets(t.Context(), r.group, offsets); err != nil {
		t.Fatal(err)
	}
}

func (r *lagRig) lookAt(t *testing.T, now time.Time) {
	t.Helper()
	kafkatest.Eventually(t, "a look", func() bool { return r.look(t.Context(), r.adm, now) == nil }) // a new cluster has no coordinator at first
}

// value is that of a metric of one partition; -1 if there is none.
func (r *lagRig) value(t *testing.T, name string, p int32) float64 {
	t.Helper()
	families, err := r.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && m.GetLabel()[0].GetValue() == strconv.Itoa(int(p)) && m.GetLabel()[1].GetValue() == r.topic {
				return m.GetGauge().GetValue()
			}
		}
	}
	return -1
}

// wantAge fails unless an age in seconds is at least want and less than a minute more.
func (r *lagRig) wantAge(t *testing.T, name string, p int32, want float64) {
	t.Helper()
	if got := r.value(t, name, p); got < want || got > want+60 || want == 0 && got > 0 {
		t.Errorf("%s of partition %d = %v, want %v or little more", name, p, got, want)
	}
}

const (
	lagRecords = "ttp_consume_lag_records"
	oldest     = "ttp_consume_oldest_unread_age_seconds"
	hung       = "ttp_consume_open_transaction_age_seconds"
)

func (r *lagRig) wantLag(t *testing.T, p int32, want float64) {
	t.Helper()
	if got := r.value(t, lagRecords, p); got != want {
		t.Errorf("lag of partition %d = %v, want %v", p, got, want)
	}
}

func TestLagIsOfTheGroupAndOfOwnedPartitionsOnly(t *testing.T) {
	t.Parallel()
	r := newLagRig(t, kafkatest.Start(t), 4)
	now := time.Now()
	for p := range int32(4) {
		for i := range 10 {
			at := now.Add(time.Duration(i-600) * time.Second)
			r.cluster.Write(t, &kgo.Record{Topic: r.topic, Partition: p, Timestamp: at, Value: []byte("x")})
		}
	}
	r.lookAt(t, now)
	for p := range int32(4) {
		r.wantLag(t, p, -1) // nothing is owned
	}
	r.assigned("s-0", map[string][]int32{r.topic: {0, 1}})
	r.assigned("s-1", map[string][]int32{r.topic: {2}})
	r.commit(t, 1, 4)
	r.commit(t, 2, 10)
	r.lookAt(t, now)
	for p, want := range []float64{10, 6, 0, -1} { // 0: nothing committed, so from the start
		r.wantLag(t, int32(p), want)
	}
	r.wantAge(t, oldest, 0, 600)
	r.wantAge(t, oldest, 1, 596)
	r.wantAge(t, oldest, 2, 0)
	if got := testutil.CollectAndCount(r.lag, "ttp_consume_assigned_partitions"); got != 1 {
		t.Errorf("assigned partitions: %d series, want one for all sessions", got)
	}
	r.assigned("s-0", map[string][]int32{r.topic: {1}})
	r.wantLag(t, 0, -1) // at once, not at the next look
	r.wantLag(t, 1, 6)
}

// A worker on transactional input that has read everything shows a lag of 1 for ever: the marker behind the last
// transaction. Who alarms on that learns to look away.
func TestAMarkerIsNothingUnread(t *testing.T) {
	t.Parallel()
	r := newLagRig(t, kafkatest.Start(t), 1)
	r.assigned("s-0", map[string][]int32{r.topic: {0}})
	end := r.transaction(t, time.Now().Add(-time.Hour))
	end(kgo.TryCommit)
	r.commit(t, 0, 1)
	now := time.Now()
	for range 3 {
		r.lookAt(t, now)
		r.wantLag(t, 0, 1)
		r.wantAge(t, oldest, 0, 0)
		now = now.Add(lagEvery)
	}
	r.commit(t, 0, 0)
	r.lookAt(t, now)
	r.wantLag(t, 0, 2)
	r.wantAge(t, oldest, 0, 3600)
}

// transaction writes a record in a transaction and returns what ends it: Kafka writes the marker after it has answered.
func (r *lagRig) transaction(t *testing.T, at time.Time) (end func(kgo.TransactionEndTry)) {
	t.Helper()
	cl := r.cluster.Client(t, kgo.TransactionalID(r.cluster.Name("sensor")))
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: r.topic, Timestamp: at, Value: []byte("x")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	return func(try kgo.TransactionEndTry) {
		if err := cl.EndTransaction(t.Context(), try); err != nil {
			t.Fatal(err)
		}
		kafkatest.Eventually(t, "the marker", func() bool {
			stable, err1 := r.adm.ListCommittedOffsets(t.Context(), r.topic)
			end, err2 := r.adm.ListEndOffsets(t.Context(), r.topic)
			return err1 == nil && err2 == nil && stable[r.topic][0].Offset == end[r.topic][0].Offset
		})
	}
}

func TestATransactionThatHangsShowsByItsAge(t *testing.T) {
	t.Parallel()
	r := newLagRig(t, kafkatest.Start(t), 1)
	r.assigned("s-0", map[string][]int32{r.topic: {0}})
	end := r.transaction(t, time.Now())
	now := time.Now().Add(-5 * time.Minute)
	r.lookAt(t, now)
	r.wantAge(t, hung, 0, 300)
	r.cluster.Write(t, &kgo.Record{Topic: r.topic, Value: []byte("behind it")})
	r.lookAt(t, now.Add(4*time.Minute))
	r.wantAge(t, hung, 0, 300)
	r.wantLag(t, 0, 0) // nobody could read it
	end(kgo.TryAbort)
	r.lookAt(t, now.Add(5*time.Minute))
	r.wantAge(t, hung, 0, 0)
	r.wantLag(t, 0, 3)
}

func TestAReplicaThatKeepsUpReadsNothing(t *testing.T) {
	t.Parallel()
	r := newLagRig(t, kafkatest.Embedded(t), 1)
	r.assigned("s-0", map[string][]int32{r.topic: {0}})
	now := time.Now()
	r.lookAt(t, now)
	fetched := 0
	r.cluster.Broker.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		r.cluster.Broker.KeepControl()
		fetched++
		return nil, nil, false
	})
	for i := range int64(4) {
		// Behind by one record each time, which came since the last look; its clock is a month late.
		r.cluster.Write(t, &kgo.Record{Topic: r.topic, Timestamp: now.AddDate(0, -1, 0), Value: []byte("x")})
		r.commit(t, 0, i)
		now = now.Add(lagEvery)
		r.lookAt(t, now)
		r.wantLag(t, 0, 1)
		r.wantAge(t, oldest, 0, 0)
	}
	if fetched > 0 {
		t.Errorf("%d fetches, want none", fetched)
	}
}

// A worker that hangs commits nothing, and its age must grow although nothing is read anew; without Kafka it grows too.
func TestTheAgeGrowsWhileNothingMoves(t *testing.T) {
	t.Parallel()
	r := newLagRig(t, kafkatest.Embedded(t), 1)
	r.assigned("s-0", map[string][]int32{r.topic: {0}})
	now := time.Now()
	r.cluster.Write(t, &kgo.Record{Topic: r.topic, Timestamp: now.Add(-time.Minute), Value: []byte("x")})
	r.lookAt(t, now)
	first := r.value(t, oldest, 0)
	if first < 60 {
		t.Fatalf("age = %v, want 60 or more", first)
	}
	fault := r.cluster.Broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Err: kerr.BrokerNotAvailable, Count: -1})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := r.look(ctx, r.adm, now); err == nil {
		t.Error("look = nil, want the error of ListOffsets")
	}
	fault.Remove()
	if got := r.value(t, oldest, 0); got <= first {
		t.Errorf("age = %v after %v, want it to have grown", got, first)
	}
	if got := r.value(t, lagRecords, 0); got != 1 {
		t.Errorf("lag = %v, want that of the last look", got)
	}
}

func TestFailedLooksAreCountedAndEndNothing(t *testing.T) {
	t.Parallel()
	r := newLagRig(t, kafkatest.Embedded(t), 1)
	r.every = 20 * time.Millisecond
	r.assigned("s-0", map[string][]int32{r.topic: {0}})
	fault := r.cluster.Broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetFetch}, Err: kerr.GroupAuthorizationFailed, Count: -1})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.run(ctx) }()
	kafkatest.Eventually(t, "two failed looks", func() bool { return testutil.ToFloat64(r.failed) >= 2 })
	r.wantLag(t, 0, -1)
	fault.Remove()
	kafkatest.Eventually(t, "a look", func() bool { return r.value(t, lagRecords, 0) == 0 })
	cancel()
	if err := <-done; err != nil {
		t.Errorf("run = %v, want nil", err)
	}
}
