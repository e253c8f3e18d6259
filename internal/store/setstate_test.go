package store_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
)

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
		{name: "no rule", in: store.State{State: tagger.Disabled}, want: `rule_id "": 1 to 128`},
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

		// A newer order of the rule that lies before ours in the log is not ours.
		runCtx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(runCtx) }()
		result := make(chan error, 1)
		go func() { result <- s.SetState(t.Context(), order("R1", "", tagger.Disabled)) }()
		synctest.Wait()
		time.Sleep(time.Second)
		if err := log.MemoryLog.Append(t.Context(), order("R1", "newer", tagger.Shadow)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		select {
		case err := <-result:
			t.Errorf("SetState = %v before its own order was read back", err)
		default:
		}

		go func() { result <- s.SetState(t.Context(), order("R2", "", tagger.Disabled)) }()
		synctest.Wait()
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
		for range 2 {
			if err := <-result; !errors.Is(err, store.ErrUnconfirmed) || !errors.Is(err, store.ErrClosed) {
				t.Errorf("SetState when Run ends = %v, want ErrUnconfirmed and ErrClosed", err)
			}
		}
	})
}

func TestTroubleIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := run(t, order("X9", "a", tagger.Disabled), order("R1", "b", "asleep"), order("R1", "b", "asleep"), revert("q"))
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
