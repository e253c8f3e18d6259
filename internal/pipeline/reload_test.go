package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"ttpworker/internal/pipeline"
	"ttpworker/internal/rule"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

// A memoryStore is a rule store without a directory: real states over a log in memory, rules by hand.
type memoryStore struct {
	*store.States
	changes *store.Broadcaster
	loaded  []*rule.Rule
	fault   error // of Load
	onLoad  func()
}

func newMemoryStore(log store.StateLog, loaded ...*rule.Rule) *memoryStore {
	m := store.NewMetrics(prometheus.NewRegistry())
	changes := store.NewBroadcaster(m)
	known := func(string) bool { return true }
	return &memoryStore{
		States: store.NewStates(log, known, changes, slog.New(slog.DiscardHandler), m), changes: changes, loaded: loaded,
	}
}

func (s *memoryStore) Load(context.Context) ([]*rule.Rule, error) {
	if s.onLoad != nil {
		s.onLoad()
	}
	return slices.Clone(s.loaded), s.fault
}

func (s *memoryStore) Subscribe() *store.Subscription { return s.changes.Subscribe() }

func (s *memoryStore) load(r *rule.Rule) {
	s.changes.Publish(store.Change{Kind: store.Loaded, RuleID: r.ID, Path: r.File.Path, Rule: r})
}

// A reloading is a reloader that runs beside its store, in the bubble of synctest.
type reloading struct {
	*rig
	store   *memoryStore
	archive ledger
	log     bytes.Buffer
	stop    func()
	ended   chan error // what Run returned

	mu   sync.Mutex
	told []string // "loaded R1", when told
}

func startReloader(t *testing.T, s *memoryStore) *reloading {
	t.Helper()
	r := &reloading{rig: newRig(t, wire.DefaultLimits(), 0, nil), store: s, ended: make(chan error, 1)}
	r.archive.plans = r.plans
	told := func(c store.Change, swapped time.Time) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.told = append(r.told, string(c.Kind)+" "+c.RuleID)
		if swapped.After(time.Now()) || swapped.IsZero() {
			t.Errorf("told of a swap at %s", swapped)
		}
	}
	log := slog.New(slog.NewTextHandler(&r.log, nil))
	reloader := pipeline.NewReloader(s, r.plans, &r.archive, nil, newMonitor(), told, log, r.reg)
	ctx, cancel := context.WithCancel(t.Context())
	states := make(chan error, 1)
	go func() { states <- s.Run(ctx) }()
	go func() { r.ended <- reloader.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-states, <-r.ended); err != nil {
			t.Errorf("Run = %v, want nil at the end of its context", err)
		}
	})
	t.Cleanup(r.stop)
	synctest.Wait()
	return r
}

func (r *reloading) heard() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.told)
}

// want compares the plan with one of rules under the store's states, and the number of swaps.
func (r *reloading) want(t *testing.T, what string, swaps int, want ...*rule.Rule) {
	t.Helper()
	standing := func(id string) tagger.Standing { return r.store.State(id).Standing() }
	plan := pipeline.NewPlan(want, standing, newMonitor())
	if got := r.plans.Current(); got == nil || got.Digest != plan.Digest || got.Rules != len(want) {
		t.Errorf("%s: plan %+v, want %d rules and digest %s", what, got, len(want), plan.Digest)
	}
	if got := value(t, r.reg, "ttp_pipeline_plan_swaps_total"); got != float64(swaps) {
		t.Errorf("%s: %v swaps, want %d", what, got, swaps)
	}
	if got := value(t, r.reg, "ttp_engine_rules"); got != float64(len(want)) {
		t.Errorf("%s: ttp_engine_rules = %v, want %d", what, got, len(want))
	}
}

func TestEachChangeIsOnePlan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one, two := parse(t, "R1", 1, "x"), parse(t, "R2", 1, "y")
		s := newMemoryStore(store.NewMemoryLog(), one, two)
		r := startReloader(t, s)
		r.want(t, "at first", 1, one, two)

		edited, three := parse(t, "R1", 2, "x"), parse(t, "R3", 1, "z")
		s.load(edited)
		synctest.Wait()
		r.want(t, "after an edit", 2, edited, two)
		s.load(three)
		synctest.Wait()
		r.want(t, "with a new rule", 3, edited, two, three)
		s.load(three)
		synctest.Wait()
		r.want(t, "the same file again", 3, edited, two, three)
		s.changes.Publish(store.Change{Kind: store.Removed, RuleID: "R2", Path: "R2.yaml"})
		synctest.Wait()
		r.want(t, "with a rule gone", 4, edited, three)
		if err := s.SetState(t.Context(), store.State{RuleID: "R1", State: tagger.Disabled}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		r.want(t, "with a rule disabled", 5, edited, three)

		want := []string{"loaded R1", "loaded R3", "removed R2", "state R1"}
		if diff := cmp.Diff(want, r.heard()); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		r.stop()
		for _, part := range []string{
			`msg="rules loaded" rules=2`, "msg=reloaded rule=R1", "version=2", "path=R1.yaml", `msg="rule removed" rule=R2`,
			`msg="rule state changed" rule=R1`, "state=disabled",
		} {
			if !strings.Contains(r.log.String(), part) {
				t.Errorf("log =\n%s\nwant %s in it", r.log.String(), part)
			}
		}
	})
}

// I4: a failed reload changes a metric and a log line, nothing else.
// A filter that a Sigma rule gets, or loses, changes the rule and not its file.
func TestAChangedFilterIsAPlanOfItsOwn(t *testing.T) {
	const text = "title: a\nid: S1\nlogsource: {category: dns}\ndetection: {a: {query: x}, condition: a}\n"
	const filter = "title: f\nlogsource: {category: dns}\nfilter: {rules: any, a: {query: y}, condition: not a}\n"
	var files []*rule.Rule
	for _, data := range []string{text, filter} {
		f, err := rule.NewParser(rule.DefaultMaxBytes).Parse("s.yml", []byte(data))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	rules, _ := rule.Resolve(files)
	plain, filtered := files[0], rules[0]
	synctest.Test(t, func(t *testing.T) {
		r := startReloader(t, newMemoryStore(store.NewMemoryLog(), plain))
		r.store.load(filtered)
		synctest.Wait()
		r.want(t, "with the filter", 2, filtered)
		r.store.load(filtered)
		synctest.Wait()
		r.want(t, "once more", 2, filtered)
		r.store.load(plain)
		synctest.Wait()
		r.want(t, "without it", 3, plain)
	})
}

func TestARefusedFileChangesAMetricAndALogLineOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one := parse(t, "R1", 1, "x")
		s := newMemoryStore(store.NewMemoryLog(), one)
		r := startReloader(t, s)
		before := r.plans.Current()
		fault := &rule.Error{File: "R1.yaml", Line: 3, Col: 7, Rule: "R1", Err: errors.New("bad regular expression")}
		s.changes.Publish(store.Change{Kind: store.Refused, RuleID: "R1", Path: "R1.yaml", Err: fault})
		synctest.Wait()
		if r.plans.Current() != before {
			t.Error("the plan is another one")
		}
		r.want(t, "after the refusal", 1, one)
		if got := value(t, r.reg, "ttp_pipeline_rule_refusals_total"); got != 1 {
			t.Errorf("refusals counted = %v, want 1", got)
		}
		r.stop()
		if text := r.log.String(); strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "R1.yaml:3:7") {
			t.Errorf("log =\n%s\nwant one WARN with file, line and column", text)
		}
	})
}

func TestAChangeIsToldWhenNoBatchWorksUnderAnOlderPlan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newMemoryStore(store.NewMemoryLog(), parse(t, "R1", 1, "x"))
		r := startReloader(t, s)
		open := r.Begin()
		s.load(parse(t, "R1", 2, "x"))
		synctest.Wait()
		if got := *r.plans.Current(); got.Digest == open.Metadata() {
			t.Error("the new plan waits for an open batch, want it in force at once")
		}
		next := r.Begin()
		if got := r.heard(); len(got) != 0 {
			t.Errorf("told %q while a batch works under the older plan", got)
		}
		open.End(true)
		synctest.Wait()
		if diff := cmp.Diff([]string{"loaded R1"}, r.heard()); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		next.End(true)
	})
}

func TestStoppingDoesNotWaitForOpenBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newMemoryStore(store.NewMemoryLog(), parse(t, "R1", 1, "x"))
		r := startReloader(t, s)
		open := r.Begin()
		defer open.End(false)
		s.load(parse(t, "R1", 2, "x"))
		synctest.Wait()
		r.stop()
		if got := r.heard(); len(got) != 0 {
			t.Errorf("told %q of a change that was not in effect", got)
		}
	})
}

// A slowLog is a state log that is read to its end when let is closed.
type slowLog struct {
	*store.MemoryLog
	let chan struct{}
}

func (l slowLog) Follow(ctx context.Context, apply func(string, *store.State), caughtUp func()) error {
	<-l.let
	return l.MemoryLog.Follow(ctx, apply, caughtUp)
}

// A plan before the states are read would tag by rules that an operator has switched off.
func TestThereIsNoPlanBeforeTheStatesAreRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one := parse(t, "R1", 1, "x")
		order := store.State{RuleID: "R1", StateID: "a", State: tagger.Disabled}
		log := slowLog{store.NewMemoryLog(order), make(chan struct{})}
		r := startReloader(t, newMemoryStore(log, one))
		if r.plans.Current() != nil {
			t.Fatal("a plan before the states are read")
		}
		close(log.let)
		synctest.Wait()
		<-r.plans.Ready()
		if kinds := r.plans.Current().Kinds(); len(kinds) != 0 {
			t.Errorf("the plan claims %q, want nothing: its only rule is disabled", kinds)
		}
	})
}

// The store announces the states it found when it has read them all, and the first plan knows them already.
func TestAStateFromBeforeTheFirstPlanIsNoPlanOfItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one := parse(t, "R1", 1, "x")
		order := store.State{RuleID: "R1", StateID: "a", State: tagger.Clipped, ConfidenceMax: new(0.5)}
		r := startReloader(t, newMemoryStore(store.NewMemoryLog(order), one))
		r.want(t, "at first", 1, one)
		if got := r.plans.Current().Standing("R1"); !got.Equal(order.Standing()) {
			t.Errorf("Standing of R1 in the first plan = %+v, want the order's", got)
		}
		if got := r.plans.Current().Standing("R2"); !got.Equal(tagger.DefaultStanding()) {
			t.Errorf("Standing of a rule that the plan does not have = %+v, want the default", got)
		}
	})
}

// What happens between Subscribe and Load is in both: it must take effect, and once.
func TestAChangeBeforeTheFirstLoadIsNotLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one, two, gone := parse(t, "R1", 2, "x"), parse(t, "R2", 1, "y"), parse(t, "R3", 1, "z")
		s := newMemoryStore(store.NewMemoryLog(), one, gone)
		s.onLoad = func() {
			s.load(one) // Load has it already
			s.load(two) // Load has it not
			s.changes.Publish(store.Change{Kind: store.Removed, RuleID: "R3"})
		}
		r := startReloader(t, s)
		r.want(t, "at first", 2, one, two) // what waits together is one plan
	})
}

func TestAnOrderThatExpiresIsAPlanOfItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one := parse(t, "R1", 1, "x")
		s := newMemoryStore(store.NewMemoryLog(), one)
		r := startReloader(t, s)
		order := store.State{RuleID: "R1", State: tagger.Shadow, ExpiresAt: time.Now().Add(2 * time.Hour)}
		if err := s.SetState(t.Context(), order); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		r.want(t, "in shadow", 2, one)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		r.want(t, "after two hours", 3, one)
		if got := r.plans.Current().Digest; got != newPlan(one).Digest {
			t.Error("the plan is not that of an enabled rule")
		}
	})
}

func TestTheReloaderEndsWithItsStore(t *testing.T) {
	t.Parallel()
	away := errors.New("no such directory")
	s := newMemoryStore(store.NewMemoryLog())
	s.fault = away
	reloader := func(s store.Store) *pipeline.Reloader {
		return pipeline.NewReloader(s, pipeline.NewPlans(), nil, nil, newMonitor(), nil, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	}
	if err := reloader(s).Run(t.Context()); !errors.Is(err, away) || !strings.HasPrefix(fmt.Sprint(err), "loading rules: ") {
		t.Errorf("Run over a store that cannot load = %v, want loading rules: %v", err, away)
	}
	synctest.Test(t, func(t *testing.T) {
		r := startReloader(t, newMemoryStore(store.NewMemoryLog()))
		r.store.changes.Close()
		err := <-r.ended
		if r.ended <- err; err != nil {
			t.Errorf("Run over a closed store = %v, want nil: the store says why it closed", err)
		}
	})
}

func TestReloadMetricsAreWellNamed(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	pipeline.NewReloader(nil, pipeline.NewPlans(), nil, nil, nil, nil, nil, reg)
	problems, err := testutil.GatherAndLint(reg)
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
}
