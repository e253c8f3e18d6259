package produce_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ttpworker/internal/kafkatest"
	"ttpworker/internal/produce"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

func newStateLog(t *testing.T, c *kafkatest.Cluster, log *slog.Logger) *produce.StateLog {
	t.Helper()
	appender, err := c.NewAppender("test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(appender.Close)
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return produce.NewStateLog(c.Cluster, appender, encoder(t, wire.SingleObject), dec, nil, c.Name(stateTopic), log)
}

// withStates creates the state topic on c.
func withStates(t *testing.T, c *kafkatest.Cluster) *kafkatest.Cluster {
	t.Helper()
	c.CreateTopic(t, c.Name(stateTopic), 1, "cleanup.policy=compact")
	return c
}

func order(ruleID, stateID string, s tagger.State) store.State {
	return store.State{RuleID: ruleID, StateID: stateID, State: s, SetBy: "test", SetAt: at}
}

// An applied is one call of apply; a nil State is a tombstone.
type applied struct {
	RuleID string
	State  *store.State
}

func TestStateLogGivesBackWhatWasAppended(t *testing.T) {
	t.Parallel()
	c := withStates(t, kafkatest.Start(t))
	l := newStateLog(t, c, slog.New(slog.DiscardHandler))
	full := store.State{
		RuleID: "R1", StateID: "a", State: tagger.Clipped, ConfidenceMax: new(0.4), Reason: "too \"loud\"", SetBy: "ops", SetAt: at,
		ExpiresAt: at.Add(time.Hour), Reverts: "z",
	}
	bare := order("R2", "b", tagger.Disabled)
	for _, s := range []store.State{full, bare} {
		if err := l.Append(t.Context(), s); err != nil {
			t.Fatalf("Append = %v", err)
		}
	}
	c.Write(t, &kgo.Record{Topic: c.Name(stateTopic), Key: []byte("R1")})
	want := []applied{{"R1", &full}, {"R2", &bare}, {"R1", nil}}
	var got []applied
	if err := l.ReadAll(t.Context(), func(id string, s *store.State) { got = append(got, applied{id, s}) }); err != nil {
		t.Fatalf("ReadAll = %v", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ReadAll (-want +got):\n%s", diff)
	}

	got = nil
	ctx, cancel := context.WithCancel(t.Context())
	if err := l.Follow(ctx, func(id string, s *store.State) { got = append(got, applied{id, s}) }, cancel); err != nil {
		t.Fatalf("Follow = %v, want nil at the end of its context", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Follow (-want +got):\n%s", diff)
	}
}

// One bad record must neither stop the worker nor pass for an order, least of all for the tombstone of one.
func TestAStateRecordThatCannotBeReadIsIgnoredWithAWarning(t *testing.T) {
	t.Parallel()
	for name, value := range map[string][]byte{
		"no framing":    []byte("garbage"),
		"empty":         {},
		"cut short":     {0xC3, 0x01, 1, 2},
		"another thing": []byte(`{"rule_id":7}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := withStates(t, kafkatest.Start(t))
			var lines bytes.Buffer
			l := newStateLog(t, c, slog.New(slog.NewTextHandler(&lines, nil)))
			first, last := order("R1", "a", tagger.Disabled), order("R2", "b", tagger.Shadow)
			if err := l.Append(t.Context(), first); err != nil {
				t.Fatal(err)
			}
			c.Write(t, &kgo.Record{Topic: c.Name(stateTopic), Key: []byte("R1"), Value: value})
			if err := l.Append(t.Context(), last); err != nil {
				t.Fatal(err)
			}
			var got []applied
			if err := l.ReadAll(t.Context(), func(id string, s *store.State) { got = append(got, applied{id, s}) }); err != nil {
				t.Fatalf("ReadAll = %v", err)
			}
			if diff := cmp.Diff([]applied{{"R1", &first}, {"R2", &last}}, got); diff != "" {
				t.Errorf("ReadAll (-want +got):\n%s", diff)
			}
			if text := lines.String(); strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "rule=R1 offset=1") {
				t.Errorf("log = %q, want one WARN with rule and offset", text)
			}
		})
	}
}

// The key says whose state a reader of the compacted topic sees, the value whom the operator meant. Where they
// differ nobody can tell, so the store refuses the record; for that it has to see both.
func TestAStateUnderAnotherRulesKeyIsHandedOnAsItIs(t *testing.T) {
	t.Parallel()
	c := withStates(t, kafkatest.Start(t))
	l := newStateLog(t, c, slog.New(slog.DiscardHandler))
	rec, err := produce.RuleStateRecord(encoder(t, wire.JSON), c.Name(stateTopic), order("R2", "a", tagger.Disabled))
	if err != nil {
		t.Fatal(err)
	}
	rec.Key = []byte("R1")
	c.Write(t, rec.ToClient())
	err = l.ReadAll(t.Context(), func(id string, s *store.State) {
		if id != "R1" || s.RuleID != "R2" {
			t.Errorf("apply(%q, state of %q), want R1 and R2", id, s.RuleID)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// runStates runs the states of one replica over l until the test ends or stop is called.
func runStates(t *testing.T, l *produce.StateLog) (s *store.States, stop func()) {
	t.Helper()
	m := store.NewMetrics(prometheus.NewRegistry())
	s = store.NewStates(l, func(string) bool { return true }, store.NewBroadcaster(m), slog.New(slog.DiscardHandler), m)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
	t.Cleanup(stop)
	<-s.Ready()
	return s, stop
}

func TestReplicasOverTheTopicAgreeAndARestartFindsTheOrders(t *testing.T) {
	t.Parallel()
	c := withStates(t, kafkatest.Start(t))
	log := slog.New(slog.DiscardHandler)
	one, stop := runStates(t, newStateLog(t, c, log))
	other, _ := runStates(t, newStateLog(t, c, log))
	want := store.State{
		RuleID: "R1", State: tagger.Clipped, ConfidenceMax: new(0.25), Reason: "r", SetBy: "ops",
		ExpiresAt: time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond),
	}
	if err := one.SetState(t.Context(), want); err != nil {
		t.Fatalf("SetState = %v", err)
	}
	if diff := cmp.Diff(want, one.State("R1"), cmpopts.IgnoreFields(store.State{}, "StateID", "SetAt")); diff != "" {
		t.Errorf("State when SetState has returned (-want +got):\n%s", diff)
	}
	kafkatest.Eventually(t, "the other replica to see the order", func() bool { return other.State("R1").StateID != "" })
	if diff := cmp.Diff(one.State("R1"), other.State("R1")); diff != "" {
		t.Errorf("State of the replicas (-one +other):\n%s", diff)
	}
	if diff := cmp.Diff(store.Default("R2"), other.State("R2")); diff != "" {
		t.Errorf("State of another rule (-want +got):\n%s", diff)
	}
	stop()
	again, _ := runStates(t, newStateLog(t, c, log))
	if diff := cmp.Diff(other.State("R1"), again.State("R1")); diff != "" {
		t.Errorf("State after a restart (-want +got):\n%s", diff)
	}
	c.Write(t, &kgo.Record{Topic: c.Name(stateTopic), Key: []byte("R1")})
	kafkatest.Eventually(t, "the tombstone to take effect", func() bool { return again.State("R1") == store.Default("R1") })
}

func TestAnOrderThatTheBrokerRefusesChangesNothing(t *testing.T) {
	t.Parallel()
	c := withStates(t, kafkatest.Embedded(t)) // it is told to refuse
	s, _ := runStates(t, newStateLog(t, c, slog.New(slog.DiscardHandler)))
	c.Broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: c.Name(stateTopic), Err: kerr.TopicAuthorizationFailed})
	err := s.SetState(t.Context(), store.State{RuleID: "R1", State: tagger.Disabled})
	if !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Errorf("SetState = %v, want the broker's refusal", err)
	}
	if got := s.State("R1"); got != store.Default("R1") {
		t.Errorf("State = %+v, want the default", got)
	}
	if recs := c.ReadAll(t, c.Name(stateTopic)); len(recs) != 0 {
		t.Errorf("%d records in the topic, want none", len(recs))
	}
}
