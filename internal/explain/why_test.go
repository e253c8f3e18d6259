package explain_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/explain"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/rules"
)

func parse(t *testing.T, text string) *rule.Rule {
	t.Helper()
	r, err := rule.NewParser(rule.DefaultMaxBytes).Parse("r.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const shadowRule = `rule_id: R1
rule_version: 1
name: n
applies_to: [command]
match:
  detection:
    file: {segments|contains: [/etc/shadow, /etc/gshadow]}
    man: {command_text|startswith: 'man '}
    condition: file and not man
emits: [{tactic: TA0006, technique_id: T1003, confidence: 0.9}]
evidence_fields: [command_text]
`

func command(text string) *tagger.TaggerEvent {
	payload, _ := json.Marshal(map[string]string{"command_text": text})
	return &tagger.TaggerEvent{SourceKind: "command", SourceID: "c-1", Payload: payload}
}

// What is said of each rule of the pack, and of each Sigma rule of testdata, on each of its own examples is what the engine
// says, and has a reason.
func TestWhatIsSaidIsWhatTheEngineDoes(t *testing.T) {
	t.Parallel()
	p := rule.NewParser(rule.DefaultMaxBytes)
	all, err := p.Load(rules.Pack(), ".", "pack")
	if err != nil {
		t.Fatal(err)
	}
	sigma, err := p.Load(os.DirFS("../../testdata/sigma"), "rules", "s")
	if err != nil {
		t.Fatal(err)
	}
	examples, lifted, filtered := 0, 0, 0 // a few of each rule: an engine is made for each
	for _, r := range append(all, sigma...) {
		tests := r.Tests
		if len(tests) == 0 {
			tests = []rule.Test{{Kind: r.Kinds[0], Payload: []byte(`{"user":"backup"}`)}}
		}
		for _, test := range tests[:min(len(tests), 8)] {
			ev := &tagger.TaggerEvent{SourceKind: test.Kind, SourceID: "x", IdentityUUID: test.IdentityUUID, Payload: test.Payload}
			why, tags, err := explain.Evaluate(r, ev, tagger.DefaultStanding())
			if err != nil {
				t.Fatal(err)
			}
			examples++
			filtered += len(why.Filters)
			switch {
			case why.Matches != (len(tags) > 0):
				t.Errorf("%s, %q: matches %t, %d tags", r.ID, test.Name, why.Matches, len(tags))
			case why.Lifter != nil:
				lifted++
			case why.Applies && len(why.Checks) == 0:
				t.Errorf("%s, %q: no reason", r.ID, test.Name)
			}
		}
	}
	if examples < 500 || lifted == 0 || filtered == 0 {
		t.Errorf("%d examples, %d of lifters, %d filters: want some of each", examples, lifted, filtered)
	}
}

func TestEvaluateSaysWhere(t *testing.T) {
	t.Parallel()
	r := parse(t, shadowRule)
	why, tags, err := explain.Evaluate(r, command("id; cat /etc/SHADOW"), tagger.DefaultStanding())
	if err != nil || len(tags) != 1 {
		t.Fatalf("Evaluate = %d tags, %v", len(tags), err)
	}
	want := explain.Why{
		Form: explain.Detection, Applies: true, Matches: true, Filters: []explain.Filter{},
		Checks: []explain.Check{
			{
				Selection: "file", Kind: "value", Wants: []string{"segments|contains: /etc/shadow"}, Line: 7, Column: 32, Holds: true,
				Fields: []explain.Field{{Field: "segments", Derived: true, Present: true, Values: []explain.Value{
					{Path: "segments.1", Type: "text", Text: "cat /etc/SHADOW", Bytes: 15, From: 4, To: 15},
				}}},
			},
			{
				Selection: "man", Kind: "value", Wants: []string{"command_text|startswith: man "}, Line: 8, Column: 36, Negated: true,
				Fields: []explain.Field{{Field: "command_text", Present: true, Values: []explain.Value{
					{Path: "command_text", Type: "text", Text: "id; cat /etc/SHADOW", Bytes: 19},
				}}},
			},
		},
	}
	if diff := cmp.Diff(want, why); diff != "" {
		t.Errorf("why (-want +got):\n%s", diff)
	}
	why, tags, err = explain.Evaluate(r, &tagger.TaggerEvent{SourceKind: "email", Payload: []byte(`{}`)}, tagger.DefaultStanding())
	if err != nil || why.Applies || why.Matches || len(tags) > 0 {
		t.Errorf("on another kind: %+v, %d tags, %v", why, len(tags), err)
	}
	if _, _, err := explain.Evaluate(r, &tagger.TaggerEvent{SourceKind: "command", SourceID: "x", Payload: []byte(`[]`)}, tagger.DefaultStanding()); err == nil {
		t.Error("a payload that is no object is no error")
	}
}

func TestAlternativesFailTogether(t *testing.T) {
	t.Parallel()
	values := make([]string, 15)
	for i := range values {
		values[i] = strings.Repeat("x", i+1)
	}
	text := strings.Replace(shadowRule, "[/etc/shadow, /etc/gshadow]", "["+strings.Join(values, ", ")+"]", 1)
	why, _, err := explain.Evaluate(parse(t, text), command("id"), tagger.DefaultStanding())
	if err != nil || len(why.Checks) != 1 || len(why.Checks[0].Wants) != 10 || why.Checks[0].MoreWants != 5 {
		t.Errorf("why = %+v, %v, want one check with 10 wants and 5 more", why, err)
	}
}

// Texts of a megabyte are cut around what matched, on characters.
func TestLongTextsAreCut(t *testing.T) {
	t.Parallel()
	r := parse(t, strings.Replace(shadowRule, "segments|", "command_text|", 1))
	long := strings.Repeat("\u00e4", 5000) + "/etc/shadow" + strings.Repeat("\u00f6", 5000)
	why, _, err := explain.Evaluate(r, command(long), tagger.DefaultStanding())
	if err != nil {
		t.Fatal(err)
	}
	v := why.Checks[0].Fields[0].Values[0]
	if v.Text[v.From:v.To] != "/etc/shadow" || v.Skipped != 10_000-1024 || v.Bytes != len(long) || len(v.Text) > 4096 ||
		strings.Trim(v.Text, "\u00e4\u00f6") != "/etc/shadow" {
		t.Errorf("value of %d bytes, %d skipped, cut to %d, matched %q", v.Bytes, v.Skipped, len(v.Text), v.Text[v.From:v.To])
	}
}
