package engine_test

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/engine"
)

func TestPlanDigestChangesExactlyWhenItMust(t *testing.T) {
	t.Parallel()
	a, b := ruleOf(t, "R1", "evil"), ruleOf(t, "R2", "wicked")
	commented := parse(t, "# comment\n"+strings.Replace(b.File.Text, "For a test.", "Another text.", 1))
	half, third := 0.5, 1.0/3
	order := func(id string, s tagger.Standing) func(string) tagger.Standing {
		return func(ruleID string) tagger.Standing {
			if ruleID == id {
				return s
			}
			return tagger.DefaultStanding()
		}
	}
	base := engine.PlanDigest([]*rule.Rule{a, b}, allEnabled)
	if len(base) != 64 || strings.Trim(base, "0123456789abcdef") != "" {
		t.Errorf("PlanDigest = %q, want 64 lower-case hexadecimal digits", base)
	}

	for _, tt := range []struct {
		name     string
		rules    []*rule.Rule
		standing func(string) tagger.Standing
	}{
		{name: "once more", rules: []*rule.Rule{a, b}, standing: allEnabled},
		{name: "rules in another order", rules: []*rule.Rule{b, a}, standing: allEnabled},
		{name: "a comment and a description", rules: []*rule.Rule{a, commented}, standing: allEnabled},
		{name: "an order about a rule that is not there", rules: []*rule.Rule{a, b}, standing: order("R3", tagger.Standing{State: tagger.Disabled})},
		{name: "the default ordered", rules: []*rule.Rule{a, b}, standing: order("R1", tagger.Standing{State: tagger.Enabled})},
	} {
		if got := engine.PlanDigest(tt.rules, tt.standing); got != base {
			t.Errorf("%s: PlanDigest = %s, want it as before, %s", tt.name, got, base)
		}
	}

	seen := map[string]string{base: "the plan as it was"}
	for _, tt := range []struct {
		name     string
		rules    []*rule.Rule
		standing func(string) tagger.Standing
	}{
		{name: "no rules", standing: allEnabled},
		{name: "one rule less", rules: []*rule.Rule{a}, standing: allEnabled},
		{name: "one rule more", rules: []*rule.Rule{a, b, ruleOf(t, "R3", "evil")}, standing: allEnabled},
		{name: "another pattern", rules: []*rule.Rule{a, ruleOf(t, "R2", "worse")}, standing: allEnabled},
		{name: "another id", rules: []*rule.Rule{a, ruleOf(t, "R4", "wicked")}, standing: allEnabled},
		{name: "disabled", rules: []*rule.Rule{a, b}, standing: order("R1", tagger.Standing{State: tagger.Disabled})},
		{name: "the other disabled", rules: []*rule.Rule{a, b}, standing: order("R2", tagger.Standing{State: tagger.Disabled})},
		{name: "shadow", rules: []*rule.Rule{a, b}, standing: order("R1", tagger.Standing{State: tagger.Shadow})},
		{name: "shadow with a ceiling", rules: []*rule.Rule{a, b}, standing: order("R1", tagger.Standing{State: tagger.Shadow, ConfidenceMax: &half})},
		{name: "clipped", rules: []*rule.Rule{a, b}, standing: order("R1", tagger.Standing{State: tagger.Clipped, ConfidenceMax: &half})},
		{name: "clipped lower", rules: []*rule.Rule{a, b}, standing: order("R1", tagger.Standing{State: tagger.Clipped, ConfidenceMax: &third})},
	} {
		got := engine.PlanDigest(tt.rules, tt.standing)
		if other, twice := seen[got]; twice {
			t.Errorf("%s gives the same digest as %s", tt.name, other)
		}
		seen[got] = tt.name
	}
}

// TestPlanDigestIsFixed is about replicas of two builds: they must agree on a plan that they share. It changes only
// with engine.Semantics, the ATT&CK release or the rule's digest.
func TestPlanDigestIsFixed(t *testing.T) {
	t.Parallel()
	const want = "f7efc23a65ceddf218533313bd875c8680709b6aa7bbd7b2d3eb432aa9a6fc06"
	rules := []*rule.Rule{ruleOf(t, "R1", "evil")}
	sum := sha256.Sum256([]byte("[\"19.1\",5]\n[\"R1\",\"" + rules[0].Digest + "\",\"enabled\",null]\n"))
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("SHA-256 of the plan written by hand = %s, want %s", got, want)
	}
	if got := engine.PlanDigest(slices.Clone(rules), allEnabled); got != want {
		t.Errorf("PlanDigest = %s, want %s", got, want)
	}
}
