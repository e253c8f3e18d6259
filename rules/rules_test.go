package rules_test

import (
	"log/slog"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/pipeline"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/rules"
)

// leastTests is how many events a shipped rule must show that it finds, and how many that it does not.
const leastTests = 3

func TestThePackIsAFileSystem(t *testing.T) {
	if err := fstest.TestFS(rules.Pack(), "R0007_sqlmap_user_agent.yaml", "lists/scanners.yaml"); err != nil {
		t.Error(err)
	}
}

// silent reports whether a rule acknowledges that no event can show what it finds: it gives no tags of its own.
func silent(r *rule.Rule) bool {
	return slices.ContainsFunc(r.Allow, func(a rule.Allowance) bool { return a.Name == rule.NoPositiveTest })
}

func TestThePackLoadsAndPassesItsOwnTests(t *testing.T) {
	pack, err := rule.NewParser(rule.DefaultMaxBytes).Load(rules.Pack(), ".", "rules/ttp")
	if err != nil {
		t.Fatal(err)
	}
	if len(pack) == 0 {
		t.Fatal("the pack is empty")
	}
	monitor := tagger.NewMonitor(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	enabled := func(string) tagger.Standing { return tagger.DefaultStanding() }
	whole := pipeline.NewPlan(pack, enabled, monitor)
	for _, r := range pack {
		t.Run(r.ID, func(t *testing.T) {
			positive, negative := 0, 0
			for _, test := range r.Tests {
				if len(test.Expect) > 0 {
					positive++
				} else {
					negative++
				}
			}
			if silent(r) {
				positive = leastTests // none can show what it does to other rules
			}
			if positive < leastTests || negative < leastTests {
				t.Errorf("%d tests that match and %d that do not, want at least %d each", positive, negative, leastTests)
			}
			if err := rule.RunTests(r, whole); err != nil {
				t.Error(err)
			}
		})
	}
}
