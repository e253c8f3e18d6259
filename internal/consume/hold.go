package consume

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// holdPoll bounds a poll while a partition waits, so that it goes on soon after what it waits for.
const holdPoll = 50 * time.Millisecond

// A HoldError is returned by Outputs for a partition whose records cannot be read yet, though nothing is wrong with
// them. The transaction is aborted and the partition not polled until Until is closed; then its records come again, and
// may be held again. Meanwhile the others go on, and the group can take the partition away: whoever gets it comes to
// the same records.
type HoldError struct {
	Topic     string
	Partition int32
	Until     <-chan struct{}
	Usual     bool  // the wait is part of the work and no reason for a warning
	Err       error // what it waits for
}

// Error says what the partition waits for.
func (e *HoldError) Error() string { return e.Err.Error() }

// Unwrap gives it.
func (e *HoldError) Unwrap() error { return e.Err }

// partition is one of a topic.
type partition struct {
	topic  string
	number int32
}

func (p partition) set() map[string][]int32 { return map[string][]int32{p.topic: {p.number}} }

// hold pauses the partitions that errs are about, if they must wait, and reports whether the batch has failed for no
// other reason: first is the first of errs in time. The caller aborts the transaction.
//
// The next one is smaller: what a wait was for is not known for ever, and a batch with many of them would be given up
// again and again, if it met one more each time before it could be committed.
func (t *transactions) hold(first error, errs []error) bool {
	for _, err := range errs {
		if held, ok := errors.AsType[*HoldError](err); ok {
			t.pause(held)
		}
	}
	_, ok := errors.AsType[*HoldError](first)
	if ok {
		t.begun = false
		t.pace.halve()
	}
	return ok
}

// pause has one partition wait. It was polled, so it does not wait already.
func (t *transactions) pause(held *HoldError) {
	if len(t.held) == 0 {
		t.held = map[partition]<-chan struct{}{}
		level := slog.LevelWarn
		if held.Usual {
			level = slog.LevelInfo
		}
		t.member.log.Log(context.Background(), level, "a partition waits", "topic", held.Topic, "partition", held.Partition, "err", held.Err)
	}
	p := partition{held.Topic, held.Partition}
	t.held[p] = held.Until
	t.session.Client().PauseFetchPartitions(p.set())
	t.member.metrics.holds.Inc()
	t.member.metrics.held.Inc()
}

// release lets the partitions go on whose wait is over. One that was taken away meanwhile must be released, too, as the
// client keeps it paused for the day that it comes back.
func (t *transactions) release() {
	for p, until := range t.held {
		select {
		case <-until:
		default:
			continue
		}
		delete(t.held, p)
		t.member.metrics.held.Dec()
		t.session.Client().ResumeFetchPartitions(p.set())
		if len(t.held) == 0 {
			t.member.log.Info("no partition waits any more")
		}
	}
}

// forget is for a session that is over: what waits is met again by the next.
func (t *transactions) forget() {
	t.member.metrics.held.Sub(float64(len(t.held)))
	t.held = nil
}
