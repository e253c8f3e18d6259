package storetest

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
)

func (h trial) roundTrips() {
	t := h.t
	h.Put("a.yaml", Text("R1", 1))
	h.load(t)
	h.start(t)
	sub := h.Store.Subscribe()
	want := store.State{
		RuleID: "R1", State: tagger.Clipped, ConfidenceMax: new(0.25), Reason: "too \"loud\"", SetBy: "ops@example.org",
		ExpiresAt: time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond),
	}
	h.set(t, want)
	got := h.Store.State("R1")
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(store.State{}, "StateID", "SetAt")); diff != "" {
		t.Errorf("State (-want +got):\n%s", diff)
	}
	if got.StateID == "" || time.Since(got.SetAt) > time.Hour || !got.SetAt.Equal(got.SetAt.Truncate(time.Microsecond)) {
		t.Errorf("state_id %q, set_at %s, want both filled in, microseconds", got.StateID, got.SetAt)
	}
	if diff := cmp.Diff(store.Change{Kind: store.StateChanged, RuleID: "R1", State: got}, next(t, sub)); diff != "" {
		t.Errorf("change (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]store.State{got}, h.Log.States()); diff != "" {
		t.Errorf("the log (-want +got):\n%s", diff)
	}
}

func (h trial) isolates() {
	t := h.t
	h.Put("a.yaml", Text("R1", 1))
	h.Put("b.yaml", Text("R2", 1))
	h.load(t)
	h.start(t)
	sub := h.Store.Subscribe()
	h.set(t, store.State{RuleID: "R1", State: tagger.Disabled})
	h.set(t, store.State{RuleID: "R10", State: tagger.Shadow})
	if diff := cmp.Diff(store.Default("R2"), h.Store.State("R2")); diff != "" {
		t.Errorf("State of the other rule (-want +got):\n%s", diff)
	}
	want := []string{"state R1 disabled", "state R10 shadow"}
	if diff := cmp.Diff(want, until(t, sub, "state R10 shadow")); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	h.Put("a.yaml", Text("R1", 2)) // a new version is under the same order
	until(t, sub, "loaded R1 2")
	if got := h.Store.State("R1").State; got != tagger.Disabled {
		t.Errorf("state after an edit of the rule = %q, want disabled", got)
	}
}

func (h trial) expires() {
	t := h.t
	h.start(t)
	sub := h.Store.Subscribe()
	h.set(t, store.State{RuleID: "R1", State: tagger.Disabled, ExpiresAt: time.Now().Add(500 * time.Millisecond)})
	if got := until(t, sub, "state R1 enabled"); len(got) > 1 && got[0] != "state R1 disabled" { // 1: read late, the last word only
		t.Errorf("changes = %q, want disabled, then enabled", got)
	}
	if diff := cmp.Diff(store.Default("R1"), h.Store.State("R1")); diff != "" {
		t.Errorf("State after expires_at (-want +got):\n%s", diff)
	}
	if n := len(h.Log.States()); n != 1 {
		t.Errorf("the log has %d records, want the order alone", n)
	}
}

func (h trial) alreadyExpired() {
	t := h.t
	h.append(t, store.State{RuleID: "R1", StateID: "a", State: tagger.Shadow})
	h.append(t, store.State{RuleID: "R1", StateID: "b", State: tagger.Disabled, ExpiresAt: time.Now().Add(-time.Second)})
	sub := h.Store.Subscribe()
	h.start(t)
	if diff := cmp.Diff(store.Default("R1"), h.Store.State("R1")); diff != "" {
		t.Errorf("State (-want +got):\n%s", diff)
	}
	nothingWaits(t, sub)
}

// append puts a record into the log past SetState.
func (h Harness) append(t *testing.T, s store.State) {
	t.Helper()
	if err := h.Log.Append(t.Context(), s); err != nil {
		t.Fatalf("Append = %v", err)
	}
}

func (h trial) unknownRule() {
	t := h.t
	h.load(t)
	h.start(t)
	sub := h.Store.Subscribe()
	h.set(t, store.State{RuleID: "R9", State: tagger.Disabled})
	h.Put("a.yaml", Text("R9", 1))
	until(t, sub, "loaded R9 1")
	if got := h.Store.State("R9").State; got != tagger.Disabled {
		t.Errorf("state of a rule that came after its order = %q, want disabled", got)
	}
}

func (h trial) failsCleanly() {
	t := h.t
	h.start(t)
	h.set(t, store.State{RuleID: "R1", State: tagger.Shadow, Reason: "before"})
	before := h.Store.State("R1")
	sub := h.Store.Subscribe()
	check := func(what string, err error, cause error, text string) {
		t.Helper()
		if err == nil || cause != nil && !errors.Is(err, cause) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: SetState = %v, want an error with %q", what, err, text)
		}
		if diff := cmp.Diff(before, h.Store.State("R1")); diff != "" {
			t.Errorf("%s: State (-want +got):\n%s", what, diff)
		}
		nothingWaits(t, sub)
	}
	check("unknown state", h.Store.SetState(t.Context(), store.State{RuleID: "R1", State: "asleep"}), nil, "asleep")
	past := store.State{RuleID: "R1", State: tagger.Disabled, ExpiresAt: time.Now().Add(-time.Second)}
	check("expired order", h.Store.SetState(t.Context(), past), nil, "in the past")
	away := errors.New("broker is away")
	h.Log.FailAppends(func(store.State) error { return away })
	check("broken log", h.Store.SetState(t.Context(), store.State{RuleID: "R1", State: tagger.Disabled}), away, "R1")
	h.Log.FailAppends(nil)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	check("ended context", h.Store.SetState(ended, store.State{RuleID: "R1", State: tagger.Disabled}), context.Canceled, "R1")
}

// follows has another replica, here bare states, give an order: the store sees it, as it sees its own.
func (h trial) follows() {
	t := h.t
	h.start(t)
	sub := h.Store.Subscribe()
	m := store.NewMetrics(prometheus.NewRegistry())
	known := func(string) bool { return true }
	replica := store.NewStates(h.Log, known, store.NewBroadcaster(m), slog.New(slog.DiscardHandler), m)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- replica.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run of the replica = %v", err)
		}
	})
	if err := replica.SetState(ctx, store.State{RuleID: "R1", State: tagger.Disabled}); err != nil {
		t.Fatalf("SetState of the replica = %v", err)
	}
	until(t, sub, "state R1 disabled")
	if diff := cmp.Diff(replica.State("R1"), h.Store.State("R1")); diff != "" {
		t.Errorf("State (-replica +store):\n%s", diff)
	}
}
