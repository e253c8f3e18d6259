package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
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

func order(id, stateID string, s tagger.State) store.State {
	return store.State{RuleID: id, StateID: stateID, State: s, SetAt: time.Now().UTC()}
}

func expiring(o store.State, in time.Duration) store.State {
	o.ExpiresAt = time.Now().UTC().Add(in)
	return o
}

func revert(id, of string) store.State {
	return store.State{
		RuleID: id, StateID: "revert-of-" + of, State: tagger.Enabled, Reason: store.ReasonExpired, Reverts: of,
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
				return []store.State{expiring(order("R1", "a", tagger.Disabled), -time.Second), revert("R1", "a")}
			},
		},
		{
			name: "a revert of an order that a reader by a slow clock has in force counts too",
			records: func() []store.State {
				return []store.State{expiring(order("R1", "a", tagger.Disabled), time.Second), revert("R1", "a")}
			},
		},
		{
			name: "a revert behind a newer order is ignored, and the order due to be written again",
			records: func() []store.State {
				return []store.State{
					expiring(order("R1", "a", tagger.Disabled), -time.Second), order("R1", "b", tagger.Shadow), revert("R1", "a"),
				}
			},
			want: "b", buried: []string{"b"}, changes: []string{"R1 shadow"},
		},
		{
			name: "written again, it is no longer due",
			records: func() []store.State {
				return []store.State{order("R1", "b", tagger.Shadow), revert("R1", "a"), order("R1", "b", tagger.Shadow)}
			},
			want: "b", changes: []string{"R1 shadow"},
		},
		{
			name:    "a lone revert, all that compaction left, is the default",
			records: func() []store.State { return []store.State{revert("R1", "a")} },
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
		if err := b.SetState(t.Context(), expiring(order("R1", "", tagger.Disabled), time.Minute)); err != nil {
			t.Fatal(err)
		}
		if due() {
			t.Error("upkeep is due for an order in force")
		}
		time.Sleep(time.Minute)
		expired, _ := b.Upkeep()
		if !due() || len(expired) != 1 {
			t.Fatalf("an expired order gives no upkeep: %+v", expired)
		}
		if err := b.SetState(t.Context(), order("R1", "", tagger.Shadow)); err != nil {
			t.Fatal(err)
		}
		due()
		b.drained(t)
		if err := b.log.Append(t.Context(), revert("R1", expired[0].StateID)); err != nil {
			t.Fatal(err)
		}
		if !due() {
			t.Error("upkeep is not due for a buried order")
		}
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
		if got := b.States.States(); len(got) != 0 {
			t.Errorf("States() = %+v, want none", got)
		}
	})
}

func TestSetState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t)
		ceiling := 0.4
		in := store.State{
			RuleID: "R1", State: tagger.Clipped, ConfidenceMax: &ceiling, Reason: "noisy", SetBy: "ops",
			ExpiresAt: time.Now().Add(time.Hour + 7*time.Nanosecond).In(time.FixedZone("x", 3600)),
		}
		before := time.Now().UTC()
		if err := b.SetState(t.Context(), in); err != nil {
			t.Fatalf("SetState = %v", err)
		}
		ceiling = 0.9 // the caller's variable is not the store's
		got := b.State("R1")
		if id, err := uuid.Parse(got.StateID); err != nil || id.Version() != 4 {
			t.Errorf("state_id = %q, want a UUIDv4", got.StateID)
		}
		want := in
		want.StateID, want.ConfidenceMax, want.SetAt = got.StateID, new(0.4), before
		want.ExpiresAt = before.Add(time.Hour)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("State(R1) (-want +got):\n%s", diff)
		}
		if got := value(t, b.reg, "ttp_store_states", "clipped"); got != 1 {
			t.Errorf("ttp_store_states{state=clipped} = %v, want 1", got)
		}
	})
}

// value reads one gauge or counter by its name and only label.
func value(t *testing.T, reg prometheus.Gatherer, name, label string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && m.GetLabel()[0].GetValue() == label {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	t.Fatalf("no metric %s{%s}", name, label)
	return 0
}

func TestSetStateRefuses(t *testing.T) {
	half := 0.5
	for _, tt := range []struct {
		name string
		in   store.State
		want string
	}{
		{name: "no rule", in: store.State{State: tagger.Disabled}, want: "rule_id is empty"},
		{name: "no state", in: store.State{RuleID: "R1"}, want: `unknown state ""`},
		{name: "clipped without ceiling", in: store.State{RuleID: "R1", State: tagger.Clipped}, want: "needs confidence_max"},
		{
			name: "a ceiling on disabled", in: store.State{RuleID: "R1", State: tagger.Disabled, ConfidenceMax: &half},
			want: "confidence_max goes with clipped and shadow",
		},
		{
			name: "over before it began",
			in:   store.State{RuleID: "R1", State: tagger.Disabled, ExpiresAt: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)},
			want: "expires_at 1999-01-01T00:00:00Z is in the past",
		},
		{name: "a revert", in: store.State{RuleID: "R1", State: tagger.Enabled, Reverts: "x"}, want: "reverts is for the keeper"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := run(t)
				err := b.SetState(t.Context(), tt.in)
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("SetState = %v, want %q", err, tt.want)
				}
				if n := len(b.log.States()); n != 0 {
					t.Errorf("%d records were written", n)
				}
			})
		})
	}
}

func TestSetStateFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, order("R1", "a", tagger.Shadow))
		b.drained(t)
		broken := errors.New("broker is away")
		b.log.FailAppends(func(store.State) error { return broken })
		if err := b.SetState(t.Context(), order("R1", "", tagger.Disabled)); !errors.Is(err, broken) {
			t.Errorf("SetState = %v, want the log's error", err)
		}
		if got := b.State("R1").StateID; got != "a" {
			t.Errorf("state_id in force = %q, want the old one", got)
		}
		if got := b.drained(t); got != nil {
			t.Errorf("changes = %q, want none", got)
		}
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
		if err := b.SetState(t.Context(), order("R1", "", tagger.Disabled)); !errors.Is(err, store.ErrClosed) {
			t.Errorf("SetState after Run = %v, want ErrClosed", err)
		}
	})
}

// A lagging log takes orders and never shows them.
type laggingLog struct{ *store.MemoryLog }

func (laggingLog) Append(context.Context, store.State) error { return nil }

func TestSetStateIsNotReadBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := store.NewMetrics(prometheus.NewRegistry())
		log := laggingLog{store.NewMemoryLog()}
		s := store.NewStates(log, func(string) bool { return true }, store.NewBroadcaster(m), slog.New(slog.DiscardHandler), m)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := s.SetState(ctx, order("R1", "", tagger.Disabled))
		if !errors.Is(err, store.ErrUnconfirmed) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("SetState = %v, want ErrUnconfirmed and DeadlineExceeded", err)
		}

		// A newer order of the rule releases a SetState whose own record compaction took away.
		runCtx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(runCtx) }()
		result := make(chan error, 1)
		go func() { result <- s.SetState(t.Context(), order("R1", "", tagger.Disabled)) }()
		synctest.Wait()
		time.Sleep(time.Second)
		newer := order("R1", "newer", tagger.Shadow)
		if err := log.MemoryLog.Append(t.Context(), newer); err != nil {
			t.Fatal(err)
		}
		if err := <-result; err != nil {
			t.Errorf("SetState overtaken by a newer order = %v", err)
		}

		go func() { result <- s.SetState(t.Context(), order("R2", "", tagger.Disabled)) }()
		synctest.Wait()
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
		if err := <-result; !errors.Is(err, store.ErrUnconfirmed) || !errors.Is(err, store.ErrClosed) {
			t.Errorf("SetState when Run ends = %v, want ErrUnconfirmed and ErrClosed", err)
		}
	})
}

func TestTroubleIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, order("X9", "a", tagger.Disabled), order("R1", "b", "asleep"), order("R1", "b", "asleep"), revert("R1", "q"))
		b.CheckRules()
		if got := b.State("X9").State; got != tagger.Disabled {
			t.Errorf("state of an unknown rule = %q, want it kept", got)
		}
		lines := b.logged()
		for text, want := range map[string]int{"rule that is not loaded\" rule=X9": 1, "state record ignored\" rule=R1": 1} {
			if got := strings.Count(lines, text); got != want {
				t.Errorf("%d lines with %q, want %d:\n%s", got, text, want, lines)
			}
		}
		for cause, want := range map[string]float64{"invalid": 2, "stale": 1} {
			if got := value(t, b.reg, "ttp_store_state_records_ignored_total", cause); got != want {
				t.Errorf("ignored{cause=%s} = %v, want %v", cause, got, want)
			}
		}
	})
}

// A brokenLog cannot be followed.
type brokenLog struct {
	*store.MemoryLog
	err error
}

func (l brokenLog) Follow(context.Context, func(string, *store.State), func()) error { return l.err }

func TestRunEndsWithTheLog(t *testing.T) {
	for _, cause := range []error{errors.New("no such topic"), nil} {
		t.Run(fmt.Sprint(cause), func(t *testing.T) {
			m := store.NewMetrics(prometheus.NewRegistry())
			log := brokenLog{MemoryLog: store.NewMemoryLog(), err: cause}
			s := store.NewStates(log, func(string) bool { return true }, store.NewBroadcaster(m), slog.New(slog.DiscardHandler), m)
			if err := s.Run(t.Context()); err == nil || cause != nil && !errors.Is(err, cause) {
				t.Errorf("Run = %v, want an error with the log's", err)
			}
		})
	}
}
