package produce_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"ttpworker/internal/kafkatest"
	"ttpworker/internal/produce"
	"ttpworker/internal/rule"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

const (
	reloaded   = "ttp_rule_reloaded"
	stateTopic = "ttp_rule_state"
	ruleDir    = "/rules"
)

// A shelf is the rules of a test, the same for all replicas, without a directory.
type shelf struct {
	mu       sync.Mutex
	rules    map[string]*rule.Rule
	replicas []*memoryStore
}

// A memoryStore is one replica's view of the shelf: real states over the real topic, rules from memory.
type memoryStore struct {
	*store.States
	shelf   *shelf
	changes *store.Broadcaster

	mu      sync.Mutex
	health  error
	refused []string
}

func (s *memoryStore) Load(context.Context) ([]*rule.Rule, error) {
	s.shelf.mu.Lock()
	defer s.shelf.mu.Unlock()
	var rules []*rule.Rule
	for _, r := range s.shelf.rules {
		rules = append(rules, r)
	}
	return rules, nil
}

func (s *memoryStore) Subscribe() *store.Subscription { return s.changes.Subscribe() }

func (s *memoryStore) Healthy() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.health
}

func (s *memoryStore) RefusedPaths() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
}

func (s *shelf) put(t *testing.T, id string, version int) {
	t.Helper()
	text := fmt.Sprintf("rule_id: %s\nrule_version: %d\nname: n\napplies_to: [command]\nmatch: {pattern: x}\n"+
		"emits: [{tactic: TA0006, technique_id: T1003, confidence: 0.5}]\n", id, version)
	r, err := rule.NewParser(rule.DefaultMaxBytes).Parse(ruleDir+"/"+id+".yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules[id] = r
	for _, m := range s.replicas {
		m.changes.Publish(store.Change{Kind: store.Loaded, RuleID: id, Path: r.File.Path, Rule: r})
	}
}

func (s *shelf) remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.rules, id)
	for _, m := range s.replicas {
		m.changes.Publish(store.Change{Kind: store.Removed, RuleID: id})
	}
}

// A replica is a keeper that runs.
type replica struct {
	*produce.Keeper
	store *memoryStore
	reg   *prometheus.Registry
	die   func() // ends it at once, ownership and all
}

func newReplica(t *testing.T, c *kafkatest.Cluster, s *shelf, name string) *replica {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	enc, err := wire.NewEncoder(wire.SingleObject)
	if err != nil {
		t.Fatal(err)
	}
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	appender, err := c.NewAppender("test")
	if err != nil {
		t.Fatal(err)
	}
	metrics := store.NewMetrics(prometheus.NewRegistry())
	changes := store.NewBroadcaster(metrics)
	states := produce.NewStateLog(c.Cluster, appender, enc, dec, nil, c.Name(stateTopic), log)
	m := &memoryStore{
		States: store.NewStates(states, func(string) bool { return true }, changes, log, metrics), shelf: s, changes: changes,
	}
	s.mu.Lock()
	s.replicas = append(s.replicas, m)
	s.mu.Unlock()
	reg := prometheus.NewRegistry()
	r := &replica{store: m, reg: reg}
	r.Keeper = produce.NewKeeper(m, produce.NewCatalogue(c.Cluster, appender, enc, dec, nil, c.Name(reloaded), ruleDir, name, log), states, log, reg)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { check(t, m.Run(ctx)) })
	wg.Go(func() { check(t, r.Run(ctx)) })
	var once sync.Once
	r.die = func() {
		once.Do(func() {
			cancel()
			wg.Wait()
			appender.Close()
		})
	}
	t.Cleanup(r.die)
	<-m.Ready()
	return r
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
}

func setUp(t *testing.T) (*kafkatest.Cluster, *shelf, []*replica) {
	t.Helper()
	c := kafkatest.Start(t)
	c.CreateTopic(t, c.Name(reloaded), 1, "cleanup.policy=compact")
	c.CreateTopic(t, c.Name(stateTopic), 1, "cleanup.policy=compact")
	s := &shelf{rules: map[string]*rule.Rule{}}
	s.put(t, "R1", 1)
	s.put(t, "R2", 1)
	var replicas []*replica
	for i := range 3 {
		replicas = append(replicas, newReplica(t, c, s, fmt.Sprintf("replica-%d", i)))
	}
	return c, s, replicas
}

// catalogue reads the topic as "R1 v2 by replica-0" lines, "R1 gone" for a tombstone.
func catalogue(t *testing.T, c *kafkatest.Cluster) []string {
	t.Helper()
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, r := range c.ReadAll(t, c.Name(reloaded)) {
		if r.Value == nil {
			lines = append(lines, string(r.Key)+" gone")
			continue
		}
		w, err := dec.RuleReloaded(r.Value)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%s v%d by %s", w.RuleID, *w.RuleVersion, w.LoadedBy))
	}
	return lines
}

func wantCatalogue(t *testing.T, c *kafkatest.Cluster, want ...string) {
	t.Helper()
	kafkatest.Eventually(t, fmt.Sprintf("%d catalogue records", len(want)), func() bool { return len(catalogue(t, c)) >= len(want) })
	time.Sleep(100 * time.Millisecond) // whoever writes one too many does so about now
	if diff := cmp.Diff(want, catalogue(t, c)); diff != "" {
		t.Fatalf("catalogue (-want +got):\n%s", diff)
	}
}

func TestAStableKeeperWritesOneRecordPerEditAndTheOthersNone(t *testing.T) {
	t.Parallel()
	c, s, replicas := setUp(t)
	replicas[0].Own(true)
	want := []string{"R1 v1 by replica-0", "R2 v1 by replica-0"}
	wantCatalogue(t, c, want...)
	for v := 2; v < 5; v++ {
		s.put(t, "R1", v)
		want = append(want, fmt.Sprintf("R1 v%d by replica-0", v))
		wantCatalogue(t, c, want...)
	}
	s.put(t, "R1", 4) // the same bytes again
	s.remove("R2")
	wantCatalogue(t, c, append(want, "R2 gone")...)
	for i, r := range replicas {
		kafkatest.Eventually(t, fmt.Sprintf("replica %d to agree with the catalogue", i), func() bool {
			return gauge(t, r, "ttp_store_catalogue_differs") == 0
		})
	}
}

func gauge(t *testing.T, r *replica, name string) float64 {
	t.Helper()
	families, err := r.reg.Gather()
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

func TestAcrossAKeepersDeathAnEditIsWrittenOnceOrTwiceAlike(t *testing.T) {
	t.Parallel()
	c, s, replicas := setUp(t)
	replicas[0].Own(true)
	wantCatalogue(t, c, "R1 v1 by replica-0", "R2 v1 by replica-0")
	s.put(t, "R1", 2)
	replicas[0].die() // maybe before it wrote, maybe after
	replicas[1].Own(true)
	s.put(t, "R2", 2)
	kafkatest.Eventually(t, "the edits in the catalogue", func() bool { return counts(catalogue(t, c))["R2 v2"] > 0 })
	got := counts(catalogue(t, c))
	want := map[string]int{"R1 v1": 1, "R2 v1": 1, "R1 v2": got["R1 v2"], "R2 v2": 1}
	if n := got["R1 v2"]; n < 1 || n > 2 {
		t.Errorf("the edit across the death was written %d times, want 1 or 2", n)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("catalogue (-want +got):\n%s", diff)
	}
}

func counts(lines []string) map[string]int {
	n := map[string]int{}
	for _, l := range lines {
		var id, v string
		_, _ = fmt.Sscan(l, &id, &v)
		n[id+" "+v]++
	}
	return n
}

func TestANewTermReadsWhatOthersWroteInBetween(t *testing.T) {
	t.Parallel()
	c, s, replicas := setUp(t)
	replicas[0].Own(true)
	wantCatalogue(t, c, "R1 v1 by replica-0", "R2 v1 by replica-0")
	replicas[0].Own(false)
	replicas[1].Own(true)
	s.put(t, "R1", 2)
	wantCatalogue(t, c, "R1 v1 by replica-0", "R2 v1 by replica-0", "R1 v2 by replica-1")
	replicas[1].Own(false)
	replicas[0].Own(true)
	s.put(t, "R2", 2)
	wantCatalogue(t, c, "R1 v1 by replica-0", "R2 v1 by replica-0", "R1 v2 by replica-1", "R2 v2 by replica-0")
}

func TestNoTombstoneForARuleThatIsOnlyUnreadable(t *testing.T) {
	t.Parallel()
	c, s, replicas := setUp(t)
	replicas[0].Own(true)
	wantCatalogue(t, c, "R1 v1 by replica-0", "R2 v1 by replica-0")
	replicas[0].die()
	s.remove("R1")
	s.remove("R2")

	next := replicas[1].store
	next.mu.Lock()
	next.health, next.refused = errors.New("the directory is gone"), nil
	next.mu.Unlock()
	replicas[1].Own(true)
	wantCatalogue(t, c, "R1 v1 by replica-0", "R2 v1 by replica-0")
	replicas[1].die()

	last := replicas[2].store
	last.mu.Lock()
	last.refused = []string{ruleDir + "/R1.yaml"}
	last.mu.Unlock()
	replicas[2].Own(true)
	wantCatalogue(t, c, "R1 v1 by replica-0", "R2 v1 by replica-0", "R2 gone")
}

// Seen: a replica that started on a directory that was not mounted yet wrote a tombstone for every live rule.
func TestAKeeperThatNeverSawARuleTakesNoneForGone(t *testing.T) {
	t.Parallel()
	c, s, replicas := setUp(t)
	replicas[0].Own(true)
	wantCatalogue(t, c, "R1 v1 by replica-0", "R2 v1 by replica-0")
	replicas[0].die()
	empty := newReplica(t, c, &shelf{rules: map[string]*rule.Rule{}}, "empty")
	empty.Own(true)
	time.Sleep(300 * time.Millisecond) // it reads the catalogue and would write now
	wantCatalogue(t, c, "R1 v1 by replica-0", "R2 v1 by replica-0")
	empty.die()
	replicas[1].Own(true)
	s.remove("R1")
	s.remove("R2") // the last one, and seen to go
	wantCatalogue(t, c, "R1 v1 by replica-0", "R2 v1 by replica-0", "R1 gone", "R2 gone")
}

func TestAnExpiredOrderIsRevertedByOneRecordAndForEveryReplica(t *testing.T) {
	t.Parallel()
	c, _, replicas := setUp(t)
	replicas[1].Own(true)
	order := store.State{RuleID: "R1", State: tagger.Disabled, Reason: "test", ExpiresAt: time.Now().Add(300 * time.Millisecond)}
	if err := replicas[2].store.SetState(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	for i, r := range replicas {
		kafkatest.Eventually(t, fmt.Sprintf("R1 back to enabled on replica %d", i), func() bool {
			return r.store.State("R1").State == tagger.Enabled
		})
	}
	kafkatest.Eventually(t, "the revert record", func() bool { return len(c.ReadAll(t, c.Name(stateTopic))) == 2 })
	time.Sleep(200 * time.Millisecond) // a second revert would come now
	recs := c.ReadAll(t, c.Name(stateTopic))
	if len(recs) != 2 {
		t.Fatalf("%d state records, want the order and one revert", len(recs))
	}
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	set, err1 := dec.RuleState(recs[0].Value)
	revert, err2 := dec.RuleState(recs[1].Value)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if revert.Reverts != set.StateID || revert.Reason != store.ReasonExpired || revert.State != tagger.Enabled {
		t.Errorf("revert = %+v, want one of %s with state enabled and reason expired", revert, set.StateID)
	}
}

func TestKeeperMetricsAreWellNamed(t *testing.T) {
	reg := prometheus.NewRegistry()
	produce.NewKeeper(nil, nil, nil, nil, reg)
	problems, err := testutil.GatherAndLint(reg)
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
}
