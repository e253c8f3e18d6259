package pipeline_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/kafka"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

// emitting reads a rule that finds word in commands and emits one technique.
func emitting(t testing.TB, id, word, technique string) *rule.Rule {
	t.Helper()
	text := fmt.Sprintf("rule_id: %s\nrule_version: 1\nname: n\napplies_to: [command]\nmatch: {pattern: %s}\n"+
		"emits: [{tactic: TA0006, technique_id: %s, confidence: 0.9}]\n", id, word, technique)
	r, err := rule.NewParser(rule.DefaultMaxBytes).Parse(id+".yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// shadowed returns standings with some rules in state shadow.
func shadowed(ids ...string) func(string) tagger.Standing {
	return func(id string) tagger.Standing {
		s := tagger.DefaultStanding()
		if slices.Contains(ids, id) {
			s.State = tagger.Shadow
		}
		return s
	}
}

// trialsOf are the series of shadow tags.
func trialsOf(t *testing.T, reg prometheus.Gatherer) []string {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, f := range families {
		if f.GetName() != "ttp_pipeline_shadow_tags_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			slices.Reverse(labels)
			lines = append(lines, fmt.Sprintf("%s %v", strings.Join(labels, " "), m.GetCounter().GetValue()))
		}
	}
	slices.Sort(lines)
	return lines
}

// A rule on trial shows what it would add to the rules that are trusted, for as long as it is one.
func TestShadowTagsAreCountedByWhatElseTheirEventsHave(t *testing.T) {
	t.Parallel()
	rules := []*rule.Rule{
		emitting(t, "TRIED", "tried", "T1003"), emitting(t, "TOO", "too", "T1003"), emitting(t, "IDLE", "nothing", "T1003"),
		emitting(t, "SAME", "same", "T1003"), emitting(t, "OTHER", "other", "T1110"),
	}
	r := newRig(t, wire.DefaultLimits(), 0, pipeline.NewPlan(rules, shadowed("TRIED", "TOO", "IDLE"), newMonitor()))
	if got := trialsOf(t, r.reg); len(got) > 0 {
		t.Errorf("before the first event: %q, want none", got)
	}
	tag := func(commands ...string) {
		t.Helper()
		b := r.Begin()
		var recs []kafka.Record
		for i, c := range commands {
			recs = append(recs, record(int64(i), event(strconv.Itoa(i), c)))
		}
		if _, err := b.Outputs(t.Context(), nil, recs); err != nil {
			t.Fatal(err)
		}
		b.End(true)
	}
	tag("tried", "tried too", "tried same", "tried same other", "tried other", "same other", "nobody")
	want := []string{
		"TOO event 0", "TOO none 1", "TOO technique 0",
		"TRIED event 1", "TRIED none 2", "TRIED technique 2",
	}
	if diff := cmp.Diff(want, trialsOf(t, r.reg)); diff != "" {
		t.Errorf("shadow tags (-want +got):\n%s", diff)
	}
	tag("tried", "tried other")
	if got := value(t, r.reg, "ttp_pipeline_shadow_tags_total", "none", "TRIED"); got != 3 {
		t.Errorf("tags of TRIED alone = %v, want 3: they add up", got)
	}

	r.plans.Swap(pipeline.NewPlan(rules[1:], shadowed("TOO"), newMonitor())) // TRIED is gone
	if diff := cmp.Diff(want[:3], trialsOf(t, r.reg)); diff != "" {
		t.Errorf("without TRIED (-want +got):\n%s", diff)
	}
	r.plans.Swap(pipeline.NewPlan(rules, shadowed("TRIED"), newMonitor())) // and back, and TOO is trusted
	tag("tried too")
	want = []string{"TRIED event 0", "TRIED none 0", "TRIED technique 1"}
	if diff := cmp.Diff(want, trialsOf(t, r.reg)); diff != "" {
		t.Errorf("with TOO trusted (-want +got):\n%s", diff)
	}
}
