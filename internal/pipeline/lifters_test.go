package pipeline_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"ttpworker/internal/pipeline"
	"ttpworker/internal/rule"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
)

// counting reads version v of a rule about many failed logins: by a lifter, or by a detection with the same threshold.
func counting(t testing.TB, id string, v int, byLifter bool, threshold int) *rule.Rule {
	t.Helper()
	match := fmt.Sprintf("{kind: 'lifter:credential_auth_brute_generic', parameters: {fail_threshold: %d}}", threshold)
	if !byLifter {
		match = fmt.Sprintf("{detection: {many: {fail_count|gte: %d}, condition: many}}", threshold)
	}
	text := fmt.Sprintf("rule_id: %s\nrule_version: %d\nname: n\napplies_to: [auth_attempt]\nmatch: %s\n"+
		"emits: [{tactic: TA0006, technique_id: T1110, confidence: 0.9}]\n", id, v, match)
	r, err := rule.NewParser(rule.DefaultMaxBytes).Parse(id+".yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// fired are the rules of the tags of an event with that many failed logins, each with its state.
func fired(t *testing.T, tg tagger.Tagger, count string) []string {
	t.Helper()
	tags, err := tg.AppendTags(nil, &tagger.TaggerEvent{SourceKind: "auth_attempt", SourceID: "e", Payload: []byte(`{"fail_count":` + count + `}`)})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for i := range tags {
		out = append(out, fmt.Sprintf("%s v%d %s", tags[i].RuleID, *tags[i].RuleVersion, tags[i].RuleState))
	}
	return out
}

func wantFired(t *testing.T, what string, tg tagger.Tagger, count string, want ...string) {
	t.Helper()
	if got := fired(t, tg, count); !slices.Equal(got, want) {
		t.Errorf("%s: %s failed logins give %q, want %q", what, count, got, want)
	}
}

// A rule that was a detection may come back as a lifter and the other way round, under its id, its order and its counter.
func TestARuleChangesBetweenDetectionAndLifter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		other := counting(t, "R2", 1, true, 1)
		s := newMemoryStore(store.NewMemoryLog(), counting(t, "R1", 1, false, 5), other)
		r := startReloader(t, s)
		wantFired(t, "a detection", r.plans.Current(), `"5"`, "R1 v1 enabled")
		wantFired(t, "a detection beside a lifter", r.plans.Current(), "5", "R1 v1 enabled", "R2 v1 enabled")

		lifted := counting(t, "R1", 2, true, 5)
		s.load(lifted)
		synctest.Wait()
		r.want(t, "as a lifter", 2, lifted, other)
		wantFired(t, "a lifter", r.plans.Current(), `"5"`)
		wantFired(t, "two lifters", r.plans.Current(), "5", "R1 v2 enabled", "R2 v1 enabled")

		if err := s.SetState(t.Context(), store.State{RuleID: "R1", State: tagger.Shadow}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		wantFired(t, "a lifter on trial", r.plans.Current(), "5", "R1 v2 shadow", "R2 v1 enabled")
		if err := s.SetState(t.Context(), store.State{RuleID: "R2", State: tagger.Disabled}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		wantFired(t, "a lifter that is off", r.plans.Current(), "5", "R1 v2 shadow")

		back := counting(t, "R1", 3, false, 5)
		s.load(back)
		synctest.Wait()
		r.want(t, "as a detection again", 5, back, other)
		wantFired(t, "a detection again", r.plans.Current(), `"5"`, "R1 v3 shadow")
		if got := testutil.CollectAndCount(r.reg, "ttp_engine_rule_fires_total"); got != 2 {
			t.Errorf("%d rules are counted, want 2", got)
		}
		s.changes.Publish(store.Change{Kind: store.Removed, RuleID: "R1", Path: "R1.yaml"})
		synctest.Wait()
		wantFired(t, "with the rule gone", r.plans.Current(), "5")
	})
}

// Neither tagger is told to be idle while the other has rules; with no rule at all one is.
func TestATaggerWithoutRulesIsNotRegistered(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		rules []*rule.Rule
		idle  int
	}{
		{"a lifter", rules(counting(t, "R1", 1, true, 5)), 0},
		{"a detection", rules(counting(t, "R1", 1, false, 5)), 0},
		{"both", rules(counting(t, "R1", 1, true, 5), counting(t, "R2", 1, false, 5)), 0},
		{"none", nil, 1},
	} {
		var log bytes.Buffer
		pipeline.NewPlan(tt.rules, allEnabled, tagger.NewMonitor(slog.New(slog.NewTextHandler(&log, nil)), prometheus.NewRegistry()))
		if got := strings.Count(log.String(), "stays idle"); got != tt.idle {
			t.Errorf("%s: log %q, want %d idle taggers", tt.name, log.String(), tt.idle)
		}
	}
}

func TestParametersAndOrdersOfLiftersArePartOfThePlansDigest(t *testing.T) {
	t.Parallel()
	one := newPlan(counting(t, "R1", 1, true, 5)).Digest
	for name, plan := range map[string]*pipeline.Plan{
		"another threshold": newPlan(counting(t, "R1", 1, true, 6)),
		"a detection":       newPlan(counting(t, "R1", 1, false, 5)),
		"under an order": pipeline.NewPlan(rules(counting(t, "R1", 1, true, 5)), func(string) tagger.Standing {
			return tagger.Standing{State: tagger.Disabled}
		}, newMonitor()),
	} {
		if plan.Digest == one {
			t.Errorf("%s: the plan has the same digest", name)
		}
	}
}
