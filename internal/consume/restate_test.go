package consume_test

import (
	"maps"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
)

// positions are what the group has committed of the input, by partition; nil if the broker does not tell.
func positions(t *testing.T, c *cluster) map[int32]kafka.Position {
	t.Helper()
	all, err := c.Positions(t.Context(), c.group)
	if err != nil {
		return nil
	}
	out := map[int32]kafka.Position{}
	for p, at := range all {
		out[p.Number] = at
	}
	return out
}

// awaitPositions waits until the group's commits are at these offsets, by partition, and name this plan.
func awaitPositions(t *testing.T, c *cluster, plan string, offsets ...int64) {
	t.Helper()
	want := map[int32]kafka.Position{}
	for p, at := range offsets {
		want[int32(p)] = kafka.Position{Offset: at, Metadata: plan}
	}
	var got map[int32]kafka.Position
	for end := time.Now().Add(kafkatest.Patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if got = positions(t, c); maps.Equal(got, want) {
			return
		}
	}
	t.Fatalf("the group's commits (-want +got):\n%s", cmp.Diff(want, got))
}

func (c *copier) under(plan string) { c.plan.Store(&plan) }

// Partitions without records say what plan they are under, from the first on and after every change, and nothing is
// committed while nothing changes.
func TestPartitionsWithoutRecordsFollowThePlan(t *testing.T) {
	t.Parallel()
	for _, delivery := range []kafka.Delivery{kafka.ExactlyOnce, kafka.AtLeastOnce} {
		t.Run(string(delivery), func(t *testing.T) {
			t.Parallel()
			c := start(t)
			cfg := c.config("0")
			cfg.Delivery = delivery
			for range 2 {
				c.Write(t, &kgo.Record{Topic: c.in, Partition: 2, Value: []byte("gone")})
			}
			var upTo kadm.Offsets
			upTo.AddOffset(c.in, 2, 2, -1)
			if _, err := kadm.NewClient(c.Client(t)).DeleteRecords(t.Context(), upTo); err != nil {
				t.Fatal(err)
			}
			h := &copier{}
			m := join(t, c, cfg, h, nil)
			awaitPositions(t, c, "plan-1", 0, 0, 2)
			c.Write(t, &kgo.Record{Topic: c.in, Partition: 1, Value: []byte("1")})
			awaitPositions(t, c, "plan-1", 0, 1, 2)
			before := h.ended.Load()
			time.Sleep(2500 * time.Millisecond) // more than two turns
			if after := h.ended.Load(); after != before {
				t.Errorf("%d transactions while nothing changed", after-before)
			}
			h.under("plan-2")
			began := time.Now()
			awaitPositions(t, c, "plan-2", 0, 1, 2)
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %s, want a second or two", took)
			}
			c.Write(t, &kgo.Record{Topic: c.in, Partition: 1, Value: []byte("2")})
			awaitPositions(t, c, "plan-2", 0, 2, 2)
			if err := m.stop(); err != nil {
				t.Fatalf("Run = %v, want nil", err)
			}
			// A member under another plan gets partitions that were committed by somebody else.
			other := &copier{}
			other.under("plan-3")
			m = join(t, c, cfg, other, nil)
			awaitPositions(t, c, "plan-3", 0, 2, 2)
			if err := m.stop(); err != nil {
				t.Fatalf("Run = %v, want nil", err)
			}
			// And one under the same plan has nothing to say.
			same := &copier{}
			same.under("plan-3")
			m = join(t, c, cfg, same, nil)
			kafkatest.Eventually(t, "the member to join", m.Joined)
			time.Sleep(2500 * time.Millisecond)
			if n := same.ended.Load(); n != 0 {
				t.Errorf("%d transactions of a member that nothing is new for", n)
			}
		})
	}
}

// The partition of a record that waits says under what plan it will be tagged, and stays where it is.
func TestAPartitionThatWaitsFollowsThePlan(t *testing.T) {
	t.Parallel()
	for _, delivery := range []kafka.Delivery{kafka.ExactlyOnce, kafka.AtLeastOnce} {
		t.Run(string(delivery), func(t *testing.T) {
			t.Parallel()
			c := start(t)
			h := newHolder()
			cfg := c.config("0")
			cfg.Delivery = delivery
			join(t, c, cfg, h, nil)
			write(t, c, 0, 30)
			waitFor(t, c, 30) // a batch with a record that waits is given up as a whole
			c.Write(t, c.waitRecord(1))
			kafkatest.Eventually(t, "the partition to be held", func() bool { return h.times(1) > 0 })
			h.under("plan-2")
			awaitPositions(t, c, "plan-2", 10, 10, 10)
			close(h.open)
			awaitPositions(t, c, "plan-2", 10, 11, 10)
			check(t, c, 31)
		})
	}
}

// Plans change all the time while members come and go: no offset ever goes back, nothing is lost or doubled, and in the end
// all partitions are under the last plan.
func TestPlansThatChangeWhileMembersComeAndGo(t *testing.T) {
	t.Parallel()
	c := start(t)
	stays := &copier{}
	join(t, c, c.config(""), stays, nil)
	var plans atomic.Int64
	next := func(hs ...*copier) {
		plan := "plan-" + strconv.FormatInt(plans.Add(1)+1, 10)
		for _, h := range hs {
			h.under(plan)
		}
	}
	last := map[int32]int64{}
	const rounds, parts, each = 5, 8, 12
	for i := range rounds {
		comes := &copier{}
		other := join(t, c, c.config(""), comes, nil)
		for k := range parts {
			next(stays, comes)
			if k%2 == 0 { // every other partition is idle for a while
				write(t, c, (i*parts+k)/2*each, each)
			}
			for p, at := range positions(t, c) {
				if at.Offset < last[p] {
					t.Errorf("the offset of partition %d went from %d back to %d", p, last[p], at.Offset)
				}
				last[p] = at.Offset
			}
			time.Sleep(40 * time.Millisecond)
		}
		if err := other.stop(); err != nil {
			t.Fatalf("Run of the member that left = %v, want nil", err)
		}
	}
	const n = rounds * parts / 2 * each
	waitFor(t, c, n)
	next(stays)
	awaitPositions(t, c, stays.Metadata(), n/partitions, n/partitions, n/partitions)
	check(t, c, n)
}

// What was passed over is committed with its partition, though nothing comes behind it.
func TestABatchThatWasPassedOverIsNotMetAgain(t *testing.T) {
	t.Parallel()
	c := start(t)
	m := join(t, c, c.config("0"), &copier{}, nil)
	cl := c.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.ZstdCompression()),
		kgo.ProducerBatchMaxBytes(90<<20))
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: c.in, Partition: 1, Value: make([]byte, 80<<20)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	awaitPositions(t, c, "plan-1", 0, 1, 0)
	if err := m.stop(); err != nil {
		t.Fatalf("Run = %v, want nil", err)
	}
	join(t, c, c.config("0"), &copier{}, nil)
	c.Write(t, &kgo.Record{Topic: c.in, Partition: 1, Value: []byte("next")})
	awaitPositions(t, c, "plan-1", 0, 2, 0)
	if got := len(values(t, c)); got != 2 {
		t.Errorf("%d records came out, want the note of the batch and the next", got)
	}
}
