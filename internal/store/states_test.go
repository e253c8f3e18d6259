package store_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
)

// A bench is States over a MemoryLog that run inside a synctest bubble.
type bench struct {
	*store.States
	log     *store.MemoryLog
	changes *store.Subscription
	reg     *prometheus.Registry
	stop    func() error

	mu    sync.Mutex
	lines bytes.Buffer
}

func (b *bench) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lines.Write(p)
}

func (b *bench) logged() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lines.String()
}

// run starts States over what records hold and waits until they have read it.
func run(t *testing.T, records ...store.State) *bench {
	t.Helper()
	b := &bench{log: store.NewMemoryLog(records...), reg: prometheus.NewRegistry()}
	m := store.NewMetrics(b.reg)
	changes := store.NewBroadcaster(m)
	b.changes = changes.Subscribe()
	known := func(id string) bool { return strings.HasPrefix(id, "R") }
	b.States = store.NewStates(b.log, known, changes, slog.New(slog.NewTextHandler(b, nil)), m)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	b.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := b.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	<-b.Ready()
	synctest.Wait()
	return b
}

// drained reads the changes that wait: "rule state" each.
func (b *bench) drained(t *testing.T) []string {
	t.Helper()
	synctest.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var got []string
	for {
		c, err := b.changes.Next(ctx)
		if err != nil {
			return got
		}
		got = append(got, c.RuleID+" "+string(c.State.State))
	}
}

// gauge is the value of a gauge without labels.
func (b *bench) gauge(t *testing.T, name string) float64 {
	t.Helper()
	families, err := b.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

func order(id, stateID string, s tagger.State) store.State {
	return store.State{RuleID: id, StateID: stateID, State: s, SetAt: time.Now().UTC()}
}

func expiring(o store.State, in time.Duration) store.State {
	o.ExpiresAt = time.Now().UTC().Add(in)
	return o
}

// revert is the keeper's record that reverts an order about R1.
func revert(of string) store.State {
	return store.State{
		RuleID: "R1", StateID: "revert-of-" + of, State: tagger.Enabled, Reason: store.ReasonExpired, Reverts: of,
		SetAt: time.Now().UTC(),
	}
}

// TestRecords reads a log and says which state is in force and what the keeper has to do.
func TestRecords(t *testing.T) {
	ceiling, tooHigh := 0.5, 1.5
	clipped := order("R1", "c", tagger.Clipped)
	clipped.ConfidenceMax = &ceiling
	overclipped := order("R1", "c", tagger.Clipped)
	overclipped.ConfidenceMax = &tooHigh
	for _, tt := range []struct {
		name    string
		records func() []store.State
		want    string // state_id in force of R1; "" = default
		expired []string
		buried  []string
		changes []string
	}{
		{name: "an empty log is the default", records: func() []store.State { return nil }},
		{
			name:    "the last order counts and is announced once",
			records: func() []store.State { return []store.State{order("R1", "a", tagger.Disabled), clipped} },
			want:    "c", changes: []string{"R1 clipped"},
		},
		{
			name: "an order that expired before it was read is the default and due for a revert",
			records: func() []store.State {
				return []store.State{order("R1", "a", tagger.Disabled), expiring(order("R1", "b", tagger.Shadow), -time.Second)}
			},
			expired: []string{"b"},
		},
		{
			name: "a revert of the last order gives the default",
			records: func() []store.State {
				return []store.State{expiring(order("R1", "a", tagger.Disabled), -time.Second), revert("a")}
			},
		},
		{
			name: "a revert of an order that a reader by a slow clock has in force counts too",
			records: func() []store.State {
				return []store.State{expiring(order("R1", "a", tagger.Disabled), time.Second), revert("a")}
			},
		},
		{
			name: "a revert behind a newer order is ignored, and the order due to be written again",
			records: func() []store.State {
				return []store.State{
					expiring(order("R1", "a", tagger.Disabled), -time.Second), order("R1", "b", tagger.Shadow), revert("a"),
				}
			},
			want: "b", buried: []string{"b"}, changes: []string{"R1 shadow"},
		},
		{
			name: "written again, it is no longer due",
			records: func() []store.State {
				return []store.State{order("R1", "b", tagger.Shadow), revert("a"), order("R1", "b", tagger.Shadow)}
			},
			want: "b", changes: []string{"R1 shadow"},
		},
		{
			name:    "a lone revert, all that compaction left, is the default",
			records: func() []store.State { return []store.State{revert("a")} },
		},
		{
			name: "an unknown state is kept out",
			records: func() []store.State {
				return []store.State{order("R1", "a", tagger.Disabled), order("R1", "b", "asleep")}
			},
			want: "a", changes: []string{"R1 disabled"},
		},
		{
			name:    "clipped without a ceiling is kept out",
			records: func() []store.State { return []store.State{order("R1", "a", tagger.Clipped)} },
		},
		{
			name:    "a ceiling that is none is kept out",
			records: func() []store.State { return []store.State{overclipped} },
		},
		{
			name:    "an order without state_id is kept out",
			records: func() []store.State { return []store.State{order("R1", "", tagger.Disabled)} },
		},
		{
			name:    "orders do not touch other rules, and are announced by rule id",
			records: func() []store.State { return []store.State{order("R2", "b", tagger.Shadow), clipped} },
			want:    "c", changes: []string{"R1 clipped", "R2 shadow"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := run(t, tt.records()...)
				if got := b.State("R1"); got.StateID != tt.want {
					t.Errorf("State(R1) = %+v, want state_id %q", got, tt.want)
				}
				expired, buried := b.Upkeep()
				if diff := cmp.Diff(tt.expired, stateIDs(expired)); diff != "" {
					t.Errorf("expired orders (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.buried, stateIDs(buried)); diff != "" {
					t.Errorf("buried orders (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.changes, b.drained(t)); diff != "" {
					t.Errorf("changes (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func stateIDs(states []store.State) []string {
	var ids []string
	for _, s := range states {
		ids = append(ids, s.StateID)
	}
	return ids
}

func TestExpiryNeedsNoRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, order("R2", "x", tagger.Shadow))
		if err := b.SetState(t.Context(), expiring(order("R1", "", tagger.Disabled), 2*time.Hour)); err != nil {
			t.Fatalf("SetState = %v", err)
		}
		b.drained(t)
		time.Sleep(2*time.Hour - time.Nanosecond)
		if got := b.State("R1").State; got != tagger.Disabled {
			t.Errorf("just before expires_at the state is %q, want disabled", got)
		}
		if got := b.drained(t); got != nil {
			t.Errorf("changes before expires_at: %q", got)
		}
		time.Sleep(time.Nanosecond)
		if got, want := b.State("R1"), store.Default("R1"); !cmp.Equal(got, want) {
			t.Errorf("at expires_at State(R1) = %+v, want the default", got)
		}
		if diff := cmp.Diff([]string{"R1 enabled"}, b.drained(t)); diff != "" {
			t.Errorf("changes at expires_at (-want +got):\n%s", diff)
		}
		if len(b.log.States()) != 2 {
			t.Errorf("the log has %d records, want the two orders alone: the revert is the keeper's", len(b.log.States()))
		}
		if got := b.State("R2").State; got != tagger.Shadow {
			t.Errorf("the other rule is %q, want shadow", got)
		}
		expired, _ := b.Upkeep()
		if len(expired) != 1 || expired[0].RuleID != "R1" {
			t.Errorf("Upkeep = %+v, want the expired order of R1", expired)
		}
	})
}

// TestTwoKeepers plays the race that buries an order: A expires, an operator sets B, and a keeper that had read
// only A writes its revert behind B. Compaction would keep the revert alone.
func TestTwoKeepers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t)
		due := func() bool {
			synctest.Wait()
			select {
			case <-b.UpkeepDue():
				return true
			default:
				return false
			}
		}
		awaiting := func(when string, want float64) {
			t.Helper()
			if got := b.gauge(t, "ttp_store_states_awaiting_keeper"); got != want {
				t.Errorf("%s: %v states await the keeper, want %v", when, got, want)
			}
		}
		if err := b.SetState(t.Context(), expiring(order("R1", "", tagger.Disabled), time.Minute)); err != nil {
			t.Fatal(err)
		}
		if due() {
			t.Error("upkeep is due for an order in force")
		}
		awaiting("in force", 0)
		time.Sleep(time.Minute)
		expired, _ := b.Upkeep()
		if !due() || len(expired) != 1 {
			t.Fatalf("an expired order gives no upkeep: %+v", expired)
		}
		awaiting("expired", 1)
		if err := b.SetState(t.Context(), order("R1", "", tagger.Shadow)); err != nil {
			t.Fatal(err)
		}
		due()
		b.drained(t)
		awaiting("set anew", 0)
		if err := b.log.Append(t.Context(), revert(expired[0].StateID)); err != nil {
			t.Fatal(err)
		}
		if !due() {
			t.Error("upkeep is not due for a buried order")
		}
		awaiting("buried", 1)
		_, buried := b.Upkeep()
		if len(buried) != 1 || buried[0].State != tagger.Shadow || b.State("R1").State != tagger.Shadow {
			t.Fatalf("buried = %+v, in force %+v, want shadow both", buried, b.State("R1"))
		}
		if err := b.log.Append(t.Context(), buried[0]); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if expired, buried := b.Upkeep(); len(expired)+len(buried) != 0 {
			t.Errorf("after the keeper's work Upkeep = %+v, %+v, want nothing", expired, buried)
		}
		awaiting("kept", 0)
		if got := b.drained(t); got != nil {
			t.Errorf("the keeper's records gave changes: %q", got)
		}
	})
}

func TestTombstone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, order("R1", "a", tagger.Disabled))
		b.drained(t)
		b.log.Remove("R1")
		b.log.Remove("R2")
		if diff := cmp.Diff([]string{"R1 enabled"}, b.drained(t)); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
		if got := b.Orders(); len(got) != 0 {
			t.Errorf("Orders() = %+v, want none", got)
		}
	})
}
