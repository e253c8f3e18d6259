package consume_test

import (
	"testing"
	"time"

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
