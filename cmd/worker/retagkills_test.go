package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ttpworker/internal/kafkatest"
	"ttpworker/internal/retag"
)

var jobLine = regexp.MustCompile(`job ([0-9a-f]{16})`)

// retag retags history, all of it without more arguments, with kills at random, and returns how many there were. At times a second process shares the work.
// The broker in the process keeps a member for ever that dies while it joins beside others: there a process begins when the
// one before is out of the group, and only Apache Kafka shows two.
func (h *history) retag(t *testing.T, most int, more ...string) (kills int) {
	t.Helper()
	args := []string{"retag", "--output", "json", "--wait", "20s"}
	if h.rand.IntN(3) == 0 {
		args = append(args, "--memory", "1")
	}
	again := args // with the id of the job, which has decided what its range is
	if i := slices.Index(more, "--rules"); i >= 0 {
		again = append(slices.Clone(args), more[i:]...)
	}
	args = append(slices.Clone(args), more...)
	var shared chan outcome
	for {
		var kill time.Duration
		if kills < most {
			kill = time.Duration(100+h.rand.IntN(900)) * time.Millisecond
		}
		out := h.worker(t, kill, args...)
		// One that ends as it is killed has been through: then it is the deadline that is told of.
		killed := kill > 0 && (errors.Is(out.err, context.DeadlineExceeded) || out.err != nil && out.err.Error() == "signal: killed")
		// The process before was killed when it was through, or the one that shares the job is.
		finished := slices.Contains(args, "--job") && strings.Contains(out.stderr, retag.ErrNoJob.Error())
		switch {
		case out.err == nil || finished:
			if shared != nil {
				if other := <-shared; other.err != nil && !strings.Contains(other.stderr, retag.ErrNoJob.Error()) {
					t.Fatalf("the process that shares the job: %v\n%s", other.err, other.stderr)
				}
			}
			return kills
		case !killed:
			t.Fatalf("worker %v: %v\n%s", args, out.err, out.stderr)
		}
		kills++
		embedded := os.Getenv(kafkatest.Variable) == ""
		if embedded {
			time.Sleep(historySession + historySession/4)
		}
		if job := jobLine.FindStringSubmatch(out.stderr); job != nil && args[len(args)-2] != "--job" {
			args = append(slices.Clone(again), "--job", job[1])
			if h.rand.IntN(2) == 0 && !embedded {
				shared = make(chan outcome, 1)
				go func() { shared <- h.worker(t, 0, slices.Clone(args)...) }() // awaited above
			}
		}
	}
}

// underLoad does something while events are written, and returns when the live worker has read them all.
func (h *history) underLoad(t *testing.T, do func()) {
	t.Helper()
	live := rand.New(rand.NewPCG(h.rand.Uint64(), 1)) //nolint:gosec // a test
	ctx, stop := context.WithCancel(t.Context())
	loaded := make(chan struct{})
	go func() { // ends with ctx, awaited below
		defer close(loaded)
		for ctx.Err() == nil {
			h.write(t, live, 1+live.IntN(20))
			time.Sleep(10 * time.Millisecond)
		}
	}()
	defer func() {
		stop()
		<-loaded
		if !t.Failed() {
			h.await(t, true)
		}
	}()
	do()
}
