package engine_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/engine"
)

// wantFires fails unless exactly these series are there, "R1 3" each.
func wantFires(t *testing.T, reg prometheus.Gatherer, what string, want ...string) {
	t.Helper()
	var text strings.Builder
	if len(want) > 0 {
		text.WriteString("# HELP ttp_engine_rule_fires_total Events that a loaded rule matched, whatever its state and whatever became of their batch; " +
			"no series for a rule that has matched none.\n# TYPE ttp_engine_rule_fires_total counter\n")
	}
	for _, w := range want {
		id, n, _ := strings.Cut(w, " ")
		fmt.Fprintf(&text, "ttp_engine_rule_fires_total{rule=%q} %s\n", id, n)
	}
	if err := testutil.GatherAndCompare(reg, strings.NewReader(text.String()), "ttp_engine_rule_fires_total"); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

func TestFiresAreCountedPerRuleWhileItIsLoaded(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	set := engine.NewSet(nil, engine.NewFires(reg))
	tag := func(times int) {
		t.Helper()
		e := set.Engine()
		for range times {
			if _, err := e.AppendTags(nil, event(`{"command_text":"evil"}`)); err != nil {
				t.Fatal(err)
			}
		}
	}
	r1 := ruleOf(t, "R1", "evil")
	set.Put(r1, tagger.DefaultStanding())
	set.Put(ruleOf(t, "R2", "good"), tagger.DefaultStanding())
	wantFires(t, reg, "nothing has matched")
	tag(2)
	wantFires(t, reg, "R1 has matched, R2 never", "R1 2")
	set.Put(r1, tagger.Standing{State: tagger.Shadow})
	tag(1)
	wantFires(t, reg, "another order", "R1 3")
	set.Put(ruleOf(t, "R1", "evi"), tagger.DefaultStanding())
	set.Put(ruleOf(t, "R2", "vil"), tagger.DefaultStanding())
	tag(1)
	wantFires(t, reg, "other versions", "R1 4", "R2 1")
	set.Put(r1, tagger.Standing{State: tagger.Disabled})
	tag(1)
	wantFires(t, reg, "disabled", "R1 4", "R2 2")
	set.Put(r1, tagger.DefaultStanding())
	tag(1)
	wantFires(t, reg, "enabled again", "R1 5", "R2 3")
	old := set.Engine()
	set.Remove("R1")
	if _, err := old.AppendTags(nil, event(`{"command_text":"evil"}`)); err != nil { // a batch that is still open
		t.Fatal(err)
	}
	tag(1)
	wantFires(t, reg, "R1 is gone", "R2 5")
	set.Put(r1, tagger.DefaultStanding())
	wantFires(t, reg, "R1 is back", "R2 5")
	tag(1)
	wantFires(t, reg, "and starts anew", "R1 1", "R2 6")
}

func TestFiresAreCountedFromManySides(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	set := engine.NewSet(nil, engine.NewFires(reg))
	set.Put(ruleOf(t, "R1", "evil"), tagger.DefaultStanding())
	e := set.Engine()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 250 {
				if _, err := e.AppendTags(nil, event(`{"command_text":"evil"}`)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	wantFires(t, reg, "after 4 times 250 events", "R1 1000")
}
