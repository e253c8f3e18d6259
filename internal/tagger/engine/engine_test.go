package engine_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/engine"
	"ttpworker/internal/tagger/taggertest"
)

const template = `rule_id: %s
rule_version: 1
name: sample
description: For a test.
applies_to: [command]
match: {pattern: '%s'}
emits:
  - {tactic: TA0006, technique_id: T1003, sub_technique_id: T1003.008, confidence: 0.9}
evidence_fields: [command_text, list, map]
`

func parse(tb testing.TB, text string) *rule.Rule {
	tb.Helper()
	r, err := rule.NewParser(rule.DefaultMaxBytes).Parse("x.yaml", []byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func ruleOf(tb testing.TB, id, pattern string) *rule.Rule {
	tb.Helper()
	return parse(tb, fmt.Sprintf(template, id, pattern))
}

func allEnabled(string) tagger.Standing { return tagger.DefaultStanding() }

func event(payload string) *tagger.TaggerEvent {
	return &tagger.TaggerEvent{SourceKind: "command", SourceID: "x", Payload: []byte(payload)}
}

func TestTagOfTheContract(t *testing.T) {
	t.Parallel()
	e := engine.New([]*rule.Rule{ruleOf(t, "R0014", "shadow")}, allEnabled)
	tags, err := e.AppendTags(nil, event(`{"command_text":"cat /etc/shadow"}`))
	if err != nil || len(tags) != 1 {
		t.Fatalf("AppendTags = %d tags, %v, want 1", len(tags), err)
	}
	one := 1
	want := tagger.Tag{
		ID: tagger.TagID(event("{}"), "R0014", &tagger.Emit{Tactic: "TA0006", TechniqueID: "T1003", SubTechniqueID: "T1003.008"}), SourceKind: "command",
		SourceID: "x", Tactic: "TA0006", TechniqueID: "T1003", SubTechniqueID: "T1003.008", Confidence: 0.9, ConfidenceBase: 0.9, RuleID: "R0014",
		RuleVersion: &one, RuleDigest: ruleOf(t, "R0014", "shadow").Digest, RuleState: tagger.Enabled,
		Evidence: []byte(`{"command_text":"cat /etc/shadow"}`), AttackRelease: "19.1", MITREURL: "https://attack.mitre.org/techniques/T1003/008/",
	}
	if diff := cmp.Diff(want, tags[0]); diff != "" {
		t.Errorf("tag (-want +got):\n%s", diff)
	}
	if got := tags[0].ID.String(); got != "5bf7bf99-d026-5137-bf29-c076c5554b8f" {
		t.Errorf("tag id = %s, want that of the contract", got)
	}
}

func TestPayloadThatIsNoObjectIsAnError(t *testing.T) {
	t.Parallel()
	e := engine.New([]*rule.Rule{ruleOf(t, "R1", "evil")}, allEnabled)
	var events []tagger.TaggerEvent
	for _, payload := range []string{"", "null", "[]", `"evil"`, "{", `{"command_text":"evil"} {}`, `{"command_text":"evil"},`} {
		dst := []tagger.Tag{{RuleID: "before"}}
		tags, err := e.AppendTags(dst, event(payload))
		if err == nil || !strings.HasPrefix(err.Error(), `payload of command "x": `) {
			t.Errorf("AppendTags(%q) = %v, want an error that names the event", payload, err)
		}
		if len(tags) != 1 || tags[0].RuleID != "before" {
			t.Errorf("AppendTags(%q) = %d tags, want dst as it was", payload, len(tags))
		}
		events = append(events, *event(payload))
	}
	taggertest.Run(t, e, events...)
}

func TestWhiteSpaceAroundThePayloadIsNothing(t *testing.T) {
	t.Parallel()
	e := engine.New([]*rule.Rule{ruleOf(t, "R1", "evil")}, allEnabled)
	if tags, err := e.AppendTags(nil, event(" \n{\"command_text\":\"evil\"}\r\n\t ")); err != nil || len(tags) != 1 {
		t.Errorf("AppendTags = %d tags, %v, want 1", len(tags), err)
	}
}

func TestEvidenceIsCutOnACharacter(t *testing.T) {
	t.Parallel()
	e := engine.New([]*rule.Rule{ruleOf(t, "R1", "^evil")}, allEnabled)
	evil := func(n int) string { return "evil" + strings.Repeat("x", n-len("evil")) }
	long := slices.Repeat([]any{"aaaaaa"}, 3000)
	for _, tt := range []struct {
		name    string
		payload map[string]any
		want    map[string]any
	}{
		{
			name: "list over 16 KiB is the beginning of its JSON", payload: map[string]any{"command_text": "evil", "list": long},
			want: map[string]any{"command_text": "evil", "list": "[" + strings.Repeat(`"aaaaaa",`, 455), "_cut": []any{"list"}},
		},
		{name: "4096 bytes stay", payload: map[string]any{"command_text": evil(4096)}, want: map[string]any{"command_text": evil(4096)}},
		{
			name: "4097 bytes do not", payload: map[string]any{"command_text": evil(4097)},
			want: map[string]any{"command_text": evil(4096), "_cut": []any{"command_text"}},
		},
		{
			name: "a character of two bytes over the border goes", payload: map[string]any{"command_text": evil(4095) + "\u00e4"},
			want: map[string]any{"command_text": evil(4095), "_cut": []any{"command_text"}},
		},
		{
			name: "a character of four bytes over the border goes", payload: map[string]any{"command_text": evil(4093) + "\U0001f40d"},
			want: map[string]any{"command_text": evil(4093), "_cut": []any{"command_text"}},
		},
		{
			name: "a character that ends at the border stays", payload: map[string]any{"command_text": evil(4092) + "\U0001f40dx"},
			want: map[string]any{"command_text": evil(4092) + "\U0001f40d", "_cut": []any{"command_text"}},
		},
		{
			name: "texts below lists and mappings, keys sorted and named once",
			payload: map[string]any{
				"command_text": "evil", "map": map[string]any{"a": map[string]any{"b": evil(5000)}}, "list": []any{evil(4097), 1, evil(4096), evil(9000)},
			},
			want: map[string]any{
				"command_text": "evil", "map": map[string]any{"a": map[string]any{"b": evil(4096)}},
				"list": []any{evil(4096), 1.0, evil(4096), evil(4096)}, "_cut": []any{"list", "map"},
			},
		},
		{
			name: "what the payload calls _cut is not shown", payload: map[string]any{"command_text": "evil", "_cut": []any{"x"}},
			want: map[string]any{"command_text": "evil"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			payload, err := json.Marshal(tt.payload)
			if err != nil {
				t.Fatal(err)
			}
			tags, err := e.AppendTags(nil, event(string(payload)))
			if err != nil || len(tags) != 1 {
				t.Fatalf("AppendTags = %d tags, %v, want 1", len(tags), err)
			}
			var got map[string]any
			if err := json.Unmarshal(tags[0].Evidence, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("evidence (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatIsCutFromTheEvidenceIsStillSearched(t *testing.T) {
	t.Parallel()
	e := engine.New([]*rule.Rule{ruleOf(t, "R1", "evil$")}, allEnabled)
	payload := fmt.Sprintf(`{"command_text":"%sevil"}`, strings.Repeat("x", 100_000))
	if tags, err := e.AppendTags(nil, event(payload)); err != nil || len(tags) != 1 {
		t.Errorf("AppendTags = %d tags, %v, want 1", len(tags), err)
	}
}

func TestNewAsksForEachRuleOnceAndKeepsNothing(t *testing.T) {
	t.Parallel()
	rules := []*rule.Rule{ruleOf(t, "R2", "evil"), ruleOf(t, "R1", "evil")}
	asked := map[string]int{}
	e := engine.New(rules, func(id string) tagger.Standing { asked[id]++; return tagger.DefaultStanding() })
	if diff := cmp.Diff(map[string]int{"R1": 1, "R2": 1}, asked); diff != "" {
		t.Errorf("rules asked for (-want +got):\n%s", diff)
	}
	if rules[0].ID != "R2" {
		t.Error("New sorted the caller's slice")
	}
	rules[0], rules[1] = nil, nil
	if tags, err := e.AppendTags(nil, event(`{"command_text":"evil"}`)); err != nil || len(tags) != 2 {
		t.Errorf("AppendTags = %d tags, %v, want 2", len(tags), err)
	}
	if diff := cmp.Diff(map[string]int{"R1": 1, "R2": 1}, asked); diff != "" {
		t.Errorf("rules asked for after tagging (-want +got):\n%s", diff)
	}
}

func TestEngineWithoutRulesClaimsNothing(t *testing.T) {
	t.Parallel()
	off := func(string) tagger.Standing { return tagger.Standing{State: tagger.Disabled} }
	for name, e := range map[string]*engine.Engine{
		"no rules": engine.New(nil, allEnabled), "all disabled": engine.New([]*rule.Rule{ruleOf(t, "R1", "evil")}, off),
	} {
		if got := e.Kinds(); len(got) != 0 {
			t.Errorf("%s: Kinds() = %q, want none", name, got)
		}
		if tags, err := e.AppendTags(nil, event("no JSON")); err != nil || len(tags) != 0 {
			t.Errorf("%s: AppendTags = %d tags, %v, want none: the payload is nobody's", name, len(tags), err)
		}
	}
}

// FuzzEvidence wants of any payload no panic, and evidence that is a JSON object of texts of at most 4096 bytes.
func FuzzEvidence(f *testing.F) {
	for _, seed := range []string{`{}`, `{"command_text":"x","list":[1,{"a":"b"}],"map":{"":null}}`, `{"a":`, `null`, `{"command_text":"\ud800"}`} {
		f.Add([]byte(seed))
	}
	f.Add(fmt.Appendf(nil, `{"command_text":"%s"}`, strings.Repeat("\u20ac", 1400)))
	e := engine.New([]*rule.Rule{parse(f, strings.Replace(fmt.Sprintf(template, "R1", "."), "match: {", "match: {field: [command_text, list, map], ", 1))}, allEnabled)
	f.Fuzz(func(t *testing.T, payload []byte) {
		ev := &tagger.TaggerEvent{SourceKind: "command", SourceID: "x", Payload: payload}
		tags, err := e.AppendTags(nil, ev)
		if err != nil {
			return
		}
		for i := range tags {
			var got map[string]any
			if err := json.Unmarshal(tags[i].Evidence, &got); err != nil {
				t.Fatalf("evidence = %q: %v", tags[i].Evidence, err)
			}
			checkTexts(t, got)
		}
	})
}

func checkTexts(t *testing.T, v any) {
	t.Helper()
	switch v := v.(type) {
	case string:
		if len(v) > 4096 || !utf8.ValidString(v) {
			t.Errorf("text of %d bytes in the evidence, want at most 4096, cut between characters", len(v))
		}
	case []any:
		for _, element := range v {
			checkTexts(t, element)
		}
	case map[string]any:
		for _, element := range v {
			checkTexts(t, element)
		}
	}
}

// A rule that asks for personal data of a mail is shown what may leave in its place.
func TestOfAMailNothingIsCopied(t *testing.T) {
	t.Parallel()
	r := parse(t, `rule_id: R1
rule_version: 1
name: sample
applies_to: [email, session]
match: {pattern: secret, field: subject}
emits:
  - {tactic: TA0001, technique_id: T1566, confidence: 0.9}
evidence_fields: [subject, rcpt_count]
`)
	e := engine.New([]*rule.Rule{r}, allEnabled)
	for kind, want := range map[string]string{
		"email":   `{"rcpt_count":2,"rcpt_domain_set":["example.net"]}`,
		"session": `{"rcpt_count":2,"subject":"secret"}`,
	} {
		tags, err := e.AppendTags(nil, &tagger.TaggerEvent{
			SourceKind: kind, SourceID: "x", Payload: []byte(`{"subject":"secret","rcpt_count":2,"rcpt_domains":["jane@example.net"]}`),
		})
		if err != nil || len(tags) != 1 {
			t.Fatalf("%s: AppendTags = %d tags, %v, want 1", kind, len(tags), err)
		}
		if got := string(tags[0].Evidence); got != want {
			t.Errorf("evidence of %s = %s, want %s", kind, got, want)
		}
	}
}
