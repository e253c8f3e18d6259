package consume_test

import (
	"context"
	"errors"
	"maps"
	"sync"
	"testing"
	"time"

	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
)

func TestAMemberWithANameTakesItsPlaceWhileTheHandlerGetsReady(t *testing.T) {
	t.Parallel()
	c := start(t)
	cfg := c.config("0")
	h := &copier{ready: make(chan struct{})}
	m := join(t, c, cfg, h, nil)
	write(t, c, 0, 90)
	kafkatest.Eventually(t, "the partitions to be assigned", func() bool { return m.Joined() })
	if n := h.ended.Load(); n != 0 {
		t.Errorf("%d batches before the handler is ready, want none", n)
	}
	close(h.ready)
	waitFor(t, c, 90)
}

func TestAMemberWithoutANameJoinsWhenTheHandlerIsReady(t *testing.T) {
	t.Parallel()
	c := start(t)
	cfg := c.config("")
	h := &copier{ready: make(chan struct{})}
	m := join(t, c, cfg, h, nil)
	write(t, c, 0, 90)
	time.Sleep(500 * time.Millisecond) // no sign says that it does not come
	if m.Joined() || len(assigned(t, c, cfg)) > 0 {
		t.Error("it has joined before the handler is ready")
	}
	if time.Since(m.LastTurn()) > 2*time.Second {
		t.Errorf("the last turn was at %s, want the loop to turn while it waits", m.LastTurn())
	}
	close(h.ready)
	waitFor(t, c, 90)
}

// What a handler that does not get ready would keep from the group is its partitions: for as long as a session lasts, and
// not once more because its name has a place.
func TestAMemberWhoseHandlerDoesNotGetReadyLeavesItsPartitionsToOthers(t *testing.T) {
	t.Parallel()
	c := start(t)
	slow := &copier{ready: make(chan struct{})}
	cfg := c.config("0")
	cfg.SessionTimeout = 4 * time.Second
	m := join(t, c, cfg, slow, nil)
	kafkatest.Eventually(t, "the partitions to be assigned", func() bool { return m.Joined() })
	began := time.Now()
	other := &copier{}
	join(t, c, c.config("1"), other, nil)
	write(t, c, 0, 90)
	waitFor(t, c, 90) // all of it, though half of the partitions were the first one's
	if took := time.Since(began); took > 2*cfg.SessionTimeout {
		t.Errorf("the other had all partitions after %s, want them well before %s", took, 2*cfg.SessionTimeout)
	}
	close(slow.ready)
	kafkatest.Eventually(t, "both to have partitions", func() bool { return len(assigned(t, c, c.config(""))) == 2 })
	write(t, c, 90, 90)
	waitFor(t, c, 180)
	check(t, c, 180)
}

// A moody handler is a copier that may lose its readiness, and then has every partition wait.
type moody struct {
	copier

	mu   sync.Mutex
	open chan struct{}
}

func (h *moody) Begin() consume.Batch { return h }

func (h *moody) Ready() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.open
}

func (h *moody) lose() (regain func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open = make(chan struct{})
	return func() { close(h.open) }
}

func (h *moody) Outputs(ctx context.Context, dst, recs []kafka.Record) ([]kafka.Record, error) {
	ready := h.Ready()
	select {
	case <-ready:
		return h.copier.Outputs(ctx, dst, recs)
	default:
		return dst, &consume.HoldError{Topic: recs[0].Topic, Partition: recs[0].Partition, Until: ready, Err: errors.New("not now")}
	}
}

// A handler that is not ready any more takes no record, and gets by without a rebalance if that is soon over.
func TestAMemberWhoseHandlerIsNotReadyForAMomentKeepsItsPartitions(t *testing.T) {
	t.Parallel()
	c := start(t)
	h := &moody{open: always}
	cfg := c.config("0")
	cfg.SessionTimeout = 10 * time.Second
	join(t, c, cfg, h, nil)
	write(t, c, 0, 90)
	waitFor(t, c, 90)
	member := assigned(t, c, cfg)
	regain := h.lose()
	write(t, c, 90, 90)
	kafkatest.Eventually(t, "a batch to be given up", func() bool { return h.ended.Load() > h.committed.Load() })
	time.Sleep(500 * time.Millisecond) // no sign says that nothing comes
	if n := committedOffsets(t, c); n != 90 {
		t.Errorf("offsets of %d records while the handler is not ready, want 90", n)
	}
	regain()
	waitFor(t, c, 180)
	check(t, c, 180)
	if now := assigned(t, c, cfg); !maps.Equal(now, member) {
		t.Errorf("partitions by member = %v, want still %v", now, member)
	}
}

// When it takes longer, other members have the partitions.
func TestAMemberWhoseHandlerIsNotReadyAnyMoreLeavesItsPartitionsToOthers(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"0", ""} {
		t.Run("replica "+name, func(t *testing.T) {
			t.Parallel()
			c := start(t)
			h := &moody{open: always}
			cfg := c.config(name)
			join(t, c, cfg, h, nil)
			join(t, c, c.config("1"), &copier{}, nil)
			kafkatest.Eventually(t, "both to have partitions", func() bool { return len(assigned(t, c, cfg)) == 2 })
			write(t, c, 0, 90)
			waitFor(t, c, 90)
			regain := h.lose()
			write(t, c, 90, 90)
			waitFor(t, c, 180) // all of it
			regain()
			kafkatest.Eventually(t, "both to have partitions again", func() bool { return len(assigned(t, c, cfg)) == 2 })
			write(t, c, 180, 90)
			waitFor(t, c, 270)
			check(t, c, 270)
		})
	}
}
