package consume_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
)

// A holder is a copier that cannot read records of the value "wait" before it is opened.
type holder struct {
	copier

	mu   sync.Mutex
	open chan struct{}
	met  map[int32]int // how often, by partition
}

func newHolder() *holder { return &holder{open: make(chan struct{}), met: map[int32]int{}} }

func (h *holder) Begin() consume.Batch { return h }

func (h *holder) Outputs(ctx context.Context, dst, recs []kafka.Record) ([]kafka.Record, error) {
	closed := false
	select {
	case <-h.open:
		closed = true
	default:
	}
	i := slices.IndexFunc(recs, func(r kafka.Record) bool { return string(r.Value) == "wait" })
	if i >= 0 && !closed {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.met[recs[i].Partition]++
		return dst, &consume.HoldError{Topic: recs[i].Topic, Partition: recs[i].Partition, Until: h.open, Err: errors.New("not yet")}
	}
	return h.copier.Outputs(ctx, dst, recs)
}

func (h *holder) times(partition int32) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.met[partition]
}

func (c *cluster) waitRecord(partition int32) *kgo.Record {
	return &kgo.Record{Topic: c.in, Partition: partition, Value: []byte("wait")}
}

// One partition waits; the others go on, the loop turns, the member keeps its place for longer than a session lasts,
// and afterwards everything comes out once and in order.
func TestAPartitionWaitsAndTheOthersGoOn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		delivery kafka.Delivery
		first    int // records before the one that waits: 0 = nothing is committed when it is met
	}{
		{"from the first record on", kafka.ExactlyOnce, 0},
		{"in the middle", kafka.ExactlyOnce, 30},
		{"from the first record on, without transactions", kafka.AtLeastOnce, 0},
		{"in the middle, without transactions", kafka.AtLeastOnce, 30},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := start(t)
			h := newHolder()
			cfg := c.config("0")
			cfg.Delivery = tt.delivery
			m := join(t, c, cfg, h, nil)
			write(t, c, 0, tt.first)
			waitFor(t, c, tt.first)
			c.Write(t, c.waitRecord(1))
			kafkatest.Eventually(t, "the partition to be held", func() bool { return h.times(1) > 0 })
			began := time.Now()
			for i := 0; time.Since(began) < cfg.SessionTimeout+cfg.SessionTimeout/2; i++ {
				write(t, c, tt.first+i*30, 30)
				if since := time.Since(m.LastTurn()); since > time.Second {
					t.Errorf("the loop has not turned for %s", since)
				}
				time.Sleep(100 * time.Millisecond)
			}
			if got := h.times(1); got != 1 {
				t.Errorf("the record was met %d times before it could be read, want once", got)
			}
			total := len(c.ReadAll(t, c.in))
			kafkatest.Eventually(t, "the other partitions", func() bool {
				return len(c.ReadAll(t, c.out)) == tt.first/partitions+2*(total-1)/partitions
			})
			for _, r := range c.ReadAll(t, c.out) {
				if r.Partition == 1 && string(r.Value) == "wait" {
					t.Fatal("the record that waits has come out")
				}
			}
			close(h.open)
			waitFor(t, c, total)
			if err := m.stop(); err != nil {
				t.Fatalf("Run = %v, want nil", err)
			}
			check(t, c, total)
		})
	}
}

// The group takes a partition that waits away like any other, and whoever gets it reads it when it can.
func TestAPartitionThatWaitsCanBeTakenAway(t *testing.T) {
	t.Parallel()
	c := start(t)
	first, second := newHolder(), newHolder()
	write(t, c, 0, 30)
	c.Write(t, c.waitRecord(0), c.waitRecord(1), c.waitRecord(2))
	a := join(t, c, c.config("a"), first, nil)
	kafkatest.Eventually(t, "all partitions to be held", func() bool { return first.times(0) > 0 && first.times(1) > 0 && first.times(2) > 0 })
	b := join(t, c, c.config("b"), second, nil)
	kafkatest.Eventually(t, "a partition to be held by the other member", func() bool { return second.times(0)+second.times(1)+second.times(2) > 0 })
	write(t, c, 30, 30)
	close(second.open) // what the second member has goes on, what the first has waits
	kafkatest.Eventually(t, "the second member's partition", func() bool { return len(c.ReadAll(t, c.out)) >= 21 })
	close(first.open)
	waitFor(t, c, 63)
	if err := errors.Join(a.stop(), b.stop()); err != nil {
		t.Fatalf("Run = %v, want nil", err)
	}
	check(t, c, 63)
}

func TestAStopDoesNotWaitForAPartitionThatWaits(t *testing.T) {
	t.Parallel()
	c := start(t)
	h := newHolder()
	c.Write(t, c.waitRecord(0))
	write(t, c, 0, 30)
	m := join(t, c, c.config("0"), h, nil)
	kafkatest.Eventually(t, "the partition to be held", func() bool { return h.times(0) > 0 })
	waitFor(t, c, 20)
	began := time.Now()
	if err := m.stop(); err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("stopping took %s", took)
	}
	for _, r := range c.ReadAll(t, c.out) {
		if r.Partition == 0 || strings.Contains(string(r.Value), "wait") {
			t.Errorf("%s of partition %d has come out", r.Value, r.Partition)
		}
	}
	again := join(t, c, c.config("0"), &copier{}, nil) // who can read it finds it where it was
	waitFor(t, c, 31)
	if err := again.stop(); err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
	check(t, c, 31)
}

// A gated is a holder that stands still at records of the value "gate" until it is let through.
type gated struct {
	*holder
	at, through chan struct{}
}

func (g *gated) Begin() consume.Batch { return g }

func (g *gated) Outputs(ctx context.Context, dst, recs []kafka.Record) ([]kafka.Record, error) {
	for i := range recs {
		if string(recs[i].Value) == "gate" {
			select {
			case g.at <- struct{}{}:
				<-g.through
			default: // it comes again
			}
		}
	}
	return g.holder.Outputs(ctx, dst, recs)
}

// A poll that has one partition wait aborts the transaction, what earlier polls have read of the partition of a bomb
// included. To go on behind the bomb then is to lose that.
func TestABombInThePollThatHasAnotherPartitionWaitLosesNothing(t *testing.T) {
	t.Parallel()
	for _, delivery := range []kafka.Delivery{kafka.ExactlyOnce, kafka.AtLeastOnce} {
		t.Run(string(delivery), func(t *testing.T) {
			t.Parallel()
			c := start(t)
			h := &gated{holder: newHolder(), at: make(chan struct{}, 1), through: make(chan struct{})}
			h.at <- struct{}{} // closed until the transaction is open
			cfg := c.config("0")
			cfg.Delivery = delivery
			cfg.CommitInterval = 5 * time.Second
			m := join(t, c, cfg, h, nil)
			write(t, c, 0, 3) // the first transaction ends at once
			waitFor(t, c, 3)
			<-h.at
			write(t, c, 3, 30)
			time.Sleep(300 * time.Millisecond) // they are in the open transaction
			gate := &kgo.Record{Topic: c.in, Partition: 2, Value: []byte("gate")}
			c.Write(t, gate)
			<-h.at
			h.at <- struct{}{}
			cl := c.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.ZstdCompression()),
				kgo.ProducerBatchMaxBytes(90<<20))
			bomb := &kgo.Record{Topic: c.in, Partition: 0, Value: make([]byte, 80<<20)}
			if err := cl.ProduceSync(t.Context(), bomb, c.waitRecord(1)).FirstErr(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(500 * time.Millisecond) // both are fetched
			close(h.through)
			kafkatest.Eventually(t, "the partition to be held", func() bool { return h.times(1) > 0 })
			close(h.open)
			write(t, c, 33, 3)
			waitFor(t, c, 3+30+1+1+1+3)
			values := map[string]bool{}
			for _, r := range c.ReadAll(t, c.out) {
				if string(r.Key) != "unreadable" && values[string(r.Value)] {
					t.Errorf("record %s came out twice", r.Value)
				}
				values[string(r.Value)] = true
			}
			if len(values) != 3+30+1+1+1+3 {
				t.Errorf("%d different records came out, want %d", len(values), 39)
			}
			if err := m.stop(); err != nil {
				t.Errorf("Run = %v, want nil", err)
			}
		})
	}
}

// A forgetful is a copier that must look each record up, all of a step at once, and forgets what it knew of others.
type forgetful struct {
	copier

	known []string
}

func (f *forgetful) Begin() consume.Batch { return f }

func (f *forgetful) Outputs(ctx context.Context, dst, recs []kafka.Record) ([]kafka.Record, error) {
	const most = 20
	for i := range recs {
		if slices.Contains(f.known, string(recs[i].Value)) {
			continue
		}
		for _, r := range recs[i:] {
			f.known = append(f.known, string(r.Value))
		}
		f.known = f.known[max(len(f.known)-most, 0):]
		return dst, &consume.HoldError{Topic: recs[i].Topic, Partition: recs[i].Partition, Until: always, Err: errors.New("not yet")}
	}
	return f.copier.Outputs(ctx, dst, recs)
}

// A batch that is more than what can be known at a time is given up until it is small enough.
func TestABatchOfManyWaitsGetsBy(t *testing.T) {
	t.Parallel()
	c := start(t)
	join(t, c, c.config("0"), &forgetful{}, nil)
	recs := make([]*kgo.Record, 60)
	for i := range recs {
		recs[i] = &kgo.Record{Topic: c.in, Partition: 1, Value: fmt.Append(nil, i)}
	}
	c.Write(t, recs...)
	waitFor(t, c, 60)
	check(t, c, 60)
}
