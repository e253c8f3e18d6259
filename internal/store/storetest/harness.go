package storetest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"ttpworker/internal/rule"
	"ttpworker/internal/store"
)

// patience is how long a test waits for what must happen: long, so that a busy machine is no failure.
const patience = 30 * time.Second

// A Harness is a new store, neither loaded nor running, over rules that the tests write. It parses with Parse.
type Harness struct {
	Store      store.Store
	Put        func(path, text string) // writes a rule in one step, new or over the old one
	Remove     func(path string)
	PutList    func(path, text string) // writes a file of shared lists likewise
	RemoveList func(path string)
	Log        *store.MemoryLog // the store's state log
}

// start runs the store until the test ends, or until the returned function is called, and waits until it is ready.
func (h Harness) start(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Store.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v, want nil when its context ends", err)
		}
	})
	t.Cleanup(stop)
	select {
	case <-h.Store.Ready():
	case <-time.After(patience):
		t.Fatal("the store is not ready")
	}
	return stop
}

// load calls Load.
func (h Harness) load(t *testing.T) []*rule.Rule {
	t.Helper()
	rules, err := h.Store.Load(t.Context())
	if err != nil {
		t.Fatalf("Load = %v", err)
	}
	return rules
}

// set gives an order and fails the test if it is not accepted.
func (h Harness) set(t *testing.T, s store.State) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := h.Store.SetState(ctx, s); err != nil {
		t.Fatalf("SetState(%+v) = %v", s, err)
	}
}

// next reads one change.
func next(t *testing.T, sub *store.Subscription) store.Change {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := sub.Next(ctx)
	if err != nil {
		t.Fatalf("Next = %v", err)
	}
	return c
}

// until reads changes up to and including want, as line says it, and returns them as line says them.
func until(t *testing.T, sub *store.Subscription, want string) []string {
	t.Helper()
	var got []string
	for {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		c, err := sub.Next(ctx)
		cancel()
		if err != nil {
			t.Fatalf("Next = %v; waiting for %q, got so far %q", err, want, got)
		}
		got = append(got, line(c))
		if got[len(got)-1] == want {
			return got
		}
	}
}

// line is a change in one line: kind, rule, and the version or state that is now in force.
func line(c store.Change) string {
	s := string(c.Kind) + " " + c.RuleID
	switch {
	case c.Rule != nil && c.Rule.Version != nil:
		s += " " + strconv.Itoa(*c.Rule.Version)
	case c.Kind == store.StateChanged:
		s += " " + string(c.State.State)
	}
	return s
}

// names lists rules as line does.
func names(rules []*rule.Rule) []string {
	var out []string
	for _, r := range rules {
		out = append(out, line(store.Change{Kind: store.Loaded, RuleID: r.ID, Rule: r}))
	}
	return out
}

// nothingWaits fails if a subscription holds changes.
func nothingWaits(t *testing.T, sub *store.Subscription) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if c, err := sub.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a change that should not be: %q, %v", line(c), err)
	}
}
