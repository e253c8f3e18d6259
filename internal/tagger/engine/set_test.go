package engine_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/engine"
)

// detectionTemplate has an id, a kind and a text.
const detectionTemplate = `rule_id: %s
rule_version: 1
name: sample
description: For a test.
applies_to: [%s, credential]
match:
  detection:
    selection:
      command_text|contains: '%s'
    filter:
      user: root
    condition: selection and not filter
emits:
  - {tactic: TA0006, technique_id: T1003, sub_technique_id: T1003.008, confidence: 0.9}
evidence_fields: [command_text, user]
`

// A set that changed step by step gives the tags and the digest of one that was made at once, and the engines it has
// made on the way stay as they were.
func TestSetIsWhatItsRulesAreWhateverTheWay(t *testing.T) {
	t.Parallel()
	texts := []string{"evil", "wicked", "vil", "id"}
	orders := []tagger.State{tagger.Enabled, tagger.Disabled, tagger.Shadow}
	var pool []*rule.Rule
	for i := range 4 {
		for k, text := range texts {
			id := fmt.Sprintf("R%d", i)
			pool = append(pool, ruleOf(t, id, text), parse(t, fmt.Sprintf(detectionTemplate, id, []string{"command", "payload"}[k%2], text)))
		}
	}
	events := []*tagger.TaggerEvent{event(`{"command_text":"evil wicked id"}`), event(`{"command_text":"vil","user":"root"}`), event(`{"x":1}`)}
	for _, ev := range slices.Clone(events) {
		other := *ev
		other.SourceKind = "payload"
		events = append(events, &other)
	}
	rapid.Check(t, func(t *rapid.T) {
		set, rules, standing := engine.NewSet(nil, nil), map[string]*rule.Rule{}, map[string]tagger.Standing{}
		of := func(id string) tagger.Standing { return standing[id] }
		var made []*engine.Engine
		var said []string
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			r := rapid.SampledFrom(pool).Draw(t, "rule")
			if rapid.IntRange(0, 3).Draw(t, "what") == 0 {
				set.Remove(r.ID)
				delete(rules, r.ID)
			} else {
				if old := rules[r.ID]; old != nil && rapid.Bool().Draw(t, "order only") {
					r = old
				}
				standing[r.ID] = tagger.Standing{State: rapid.SampledFrom(orders).Draw(t, "order")}
				set.Put(r, standing[r.ID])
				rules[r.ID] = r
			}
			e := set.Engine()
			at := slices.Collect(maps.Values(rules))
			want := tagsOf(engine.New(at, of), events)
			if diff := cmp.Diff(want, tagsOf(e, events)); diff != "" {
				t.Fatalf("tags of the set (-made at once +changed):\n%s", diff)
			}
			if got, want := set.Digest(), engine.PlanDigest(at, of); got != want {
				t.Fatalf("Digest() = %s, want %s", got, want)
			}
			made, said = append(made, e), append(said, want)
		}
		for i, e := range made {
			if diff := cmp.Diff(said[i], tagsOf(e, events)); diff != "" {
				t.Fatalf("engine %d has changed (-then +now):\n%s", i, diff)
			}
		}
	})
}

func tagsOf(e *engine.Engine, events []*tagger.TaggerEvent) string {
	var b strings.Builder
	fmt.Fprintln(&b, e.Kinds())
	for _, ev := range events {
		tags, err := e.AppendTags(nil, ev)
		fmt.Fprintln(&b, len(tags), err)
		for i := range tags {
			fmt.Fprintln(&b, tags[i].RuleID, tags[i].RuleDigest, tags[i].RuleState, string(tags[i].Evidence))
		}
	}
	return b.String()
}

func TestAlwaysNamesTheRulesWithoutANecessaryCondition(t *testing.T) {
	t.Parallel()
	bare := strings.Replace(fmt.Sprintf(detectionTemplate, "R2", "command", "evil"), "condition: selection and not filter", "condition: not filter", 1)
	e := engine.New([]*rule.Rule{ruleOf(t, "R1", "evil"), parse(t, bare)}, allEnabled)
	if diff := cmp.Diff([]string{"R2"}, e.Always()); diff != "" {
		t.Errorf("Always() (-want +got):\n%s", diff)
	}
	if got := e.IndexBytes(); got < 1<<10 || got > 1<<20 {
		t.Errorf("IndexBytes() = %d, want some kilobytes", got)
	}
}
