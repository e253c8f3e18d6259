package pipeline_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/rule"
	"ttpworker/internal/store"
)

// An edit of a Sigma filter is a change of thousands of rules: they get into force together, by one plan, and are told
// in their order.
func TestChangesThatWaitTogetherAreOnePlan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newMemoryStore(store.NewMemoryLog(), parse(t, "R0", 1, "x"))
		r := startReloader(t, s)
		want, heard, changes := []*rule.Rule{}, []string{}, []store.Change{}
		for i := range 50 {
			rl := parse(t, fmt.Sprintf("R%d", i), 2, "y")
			want = append(want, rl)
			heard = append(heard, "loaded "+rl.ID)
			changes = append(changes, store.Change{Kind: store.Loaded, RuleID: rl.ID, Path: rl.File.Path, Rule: rl})
		}
		s.changes.Publish(changes...)
		synctest.Wait()
		r.want(t, "after fifty edits at once", 2, want...)
		if diff := cmp.Diff(heard, r.heard()); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	})
}

// While there was no rule there is no plan: a rule that goes before the first one has come changes nothing.
func TestARemovalBeforeTheFirstRuleIsNoPlan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newMemoryStore(store.NewMemoryLog())
		r := startReloader(t, s)
		s.changes.Publish(store.Change{Kind: store.Removed, RuleID: "R1"})
		synctest.Wait()
		if plan := r.plans.Current(); plan != nil {
			t.Errorf("plan of %d rules, want none yet", plan.Rules)
		}
		one := parse(t, "R1", 1, "x")
		s.load(one)
		synctest.Wait()
		r.want(t, "with the first rule", 1, one)
	})
}
