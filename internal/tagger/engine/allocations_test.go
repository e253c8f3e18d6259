//go:build !race

// The race detector has pools forget at random: what an event costs is counted without it, by make allocations.

package engine_test

import (
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/engine"
)

// TestAllocationsOfRulesThatDoNotMatch holds the budget of the hot path: the payload is parsed once, whatever the
// number of rules.
func TestAllocationsOfRulesThatDoNotMatch(t *testing.T) {
	allocations := func(n int) float64 {
		e, ev := engineOf(t, n), event(benignPayload)
		var dst []tagger.Tag
		return testing.AllocsPerRun(100, func() { dst, _ = e.AppendTags(dst[:0], ev) })
	}
	const slack = 20 // a garbage collection empties the pools of regexp
	if few, many := allocations(1), allocations(500); many > few+slack {
		t.Errorf("an event costs %v allocations with 1 rule and %v with 500, want about as many", few, many)
	}
}

// TestAllocations holds the budget of the hot path: none where nothing matches, and on a match what the tag keeps (its
// evidence) and at most four besides.
func TestAllocations(t *testing.T) {
	rules := []*rule.Rule{ruleOf(t, "R1", `\bevil\s+-x`), parse(t, fmt.Sprintf(detectionTemplate, "R2", "command", "evil"))}
	set := engine.NewSet(nil, engine.NewFires(prometheus.NewRegistry())) // as in a worker: matches are counted
	for _, r := range rules {
		set.Put(r, tagger.DefaultStanding())
	}
	e := set.Engine()
	dst := make([]tagger.Tag, 0, 8)
	for _, tt := range []struct {
		name, payload string
		most          float64
	}{
		{"no match", benignPayload, 0},
		{"no match, escapes and other alphabets", `{"command_text":"C:\\temp\\\u00e4 \u00c4\u017f \u212a","user":"b\u00f6"}`, 0},
		{"two rules, two tags", `{"command_text":"evil -x /etc/passwd","uid":1000,"user":"mallory"}`, 2 + 4},
	} {
		ev := event(tt.payload)
		got := testing.AllocsPerRun(200, func() { dst, _ = e.AppendTags(dst[:0], ev) })
		if got > tt.most {
			t.Errorf("%s: %v allocations, want at most %v", tt.name, got, tt.most)
		}
		t.Logf("%s: %v allocations, %d tags", tt.name, got, len(dst))
	}
}
