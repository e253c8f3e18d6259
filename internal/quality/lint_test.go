package quality_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"ttpworker/internal/quality"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger/lift"
)

const bothTests = `
tests:
  - {name: yes, payload: {command_text: evil}, expect: [T1003.008]}
  - {name: no, payload: {command_text: good}, expect: []}
`

// detect is the rest of a rule with one selection of command_text.
func detect(key, values string) string {
	return fmt.Sprintf("match: {detection: {a: {command_text%s: %s}, condition: a}}\n", key, values) + bothTests
}

// warned are the warnings as "file:line name", those of an overlap with the other rule behind them.
func warned(t *testing.T, rules []*rule.Rule, others ...error) []string {
	t.Helper()
	var out []string
	for _, w := range quality.Lint(rules, others) {
		e, ok := errors.AsType[*rule.Error](w)
		if !ok {
			out = append(out, w.Error())
			continue
		}
		text := fmt.Sprintf("%s:%d %s", e.File, e.Line, e.Name)
		if e.Name == rule.DuplicateDetection || e.Name == rule.Shadowed {
			_, rest, _ := strings.Cut(e.Err.Error(), `rule "`)
			id, _, _ := strings.Cut(rest, `"`)
			text += " " + id
		}
		out = append(out, text)
	}
	return out
}

func TestLintOfOverlaps(t *testing.T) {
	t.Parallel()
	higher := func(text string) string { return text + "description: x\n" }
	for _, tt := range []struct {
		name  string
		rules []string // R1, R2, ...
		want  []string
	}{
		{name: "unlike", rules: []string{detect("", "evil"), detect("", "good")}},
		{name: "the same", rules: []string{detect("", "[evil, bad]"), detect("", "[bad, EVIL]")}, want: []string{"R2.yaml:1 duplicate R1"}},
		{name: "the same patterns", rules: []string{"match: {pattern: evil}\n" + bothTests, higher("match: {pattern: evil}\n" + bothTests)}, want: []string{"R2.yaml:1 duplicate R1"}},
		{name: "a part of a list", rules: []string{detect("", "[evil, bad]"), detect("", "[evil, bad, worse]")}, want: []string{"R1.yaml:1 shadowed R2"}},
		{name: "a longer text", rules: []string{detect("|contains", "evil"), detect("|endswith", "devil")}, want: []string{"R2.yaml:1 shadowed R1"}},
		{
			name: "one another, but not the same", rules: []string{detect("|contains", "evil"), detect("|contains", "[evil, devil]")},
			want: []string{"R2.yaml:1 shadowed R1"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var rules []*rule.Rule
			for i, text := range tt.rules {
				rules = append(rules, parse(t, fmt.Sprintf("R%d", i+1), text))
			}
			if got := warned(t, rules); !slices.Equal(got, tt.want) {
				t.Errorf("Lint = %q, want %q", got, tt.want)
			}
		})
	}
}

// A rule that is surer than the one that finds all of it is not needless, nor is one that emits something else.
func TestSurerRulesAreNotShadowed(t *testing.T) {
	t.Parallel()
	wide := parse(t, "R1", detect("|contains", "evil"))
	for _, change := range [][2]string{
		{"confidence: 0.9", "confidence: 0.95"},
		{"technique_id: T1003, sub_technique_id: T1003.008", "technique_id: T1003"},
		{"applies_to: [command]", "applies_to: [command, payload]"},
	} {
		text := strings.ReplaceAll(fmt.Sprintf(head, "R2")+detect("|contains", "devil"), change[0], change[1])
		text = strings.ReplaceAll(text, "[T1003.008]", "[]")
		r, err := rule.NewParser(rule.DefaultMaxBytes).Parse("R2.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range warned(t, []*rule.Rule{wide, r}) {
			if strings.Contains(w, rule.Shadowed) {
				t.Errorf("with %s: %s", change[1], w)
			}
		}
	}
}

func TestLintOfTests(t *testing.T) {
	t.Parallel()
	const match = "match: {pattern: evil}\n"
	for rest, want := range map[string][]string{
		match:             {"R1.yaml:1 no-positive-test", "R1.yaml:1 no-negative-test"},
		match + bothTests: nil,
		match + "tests: [{name: a, payload: {command_text: evil}, expect: [T1003.008]}]\n": {"R1.yaml:1 no-negative-test"},
		match + "tests: [{name: a, payload: {command_text: good}, expect: []}]\n":          {"R1.yaml:1 no-positive-test"},
	} {
		got := slices.DeleteFunc(warned(t, []*rule.Rule{parse(t, "R1", rest)}), isSlow)
		if !slices.Equal(got, want) {
			t.Errorf("Lint of %q = %q, want %q", rest, got, want)
		}
	}
}

func TestAcknowledgedWarningsAreSilent(t *testing.T) {
	t.Parallel()
	const short = "match:\n  pattern:\n    - nc\n    - ls\n"
	unused := errors.New("about no rule")
	for _, tt := range []struct {
		name, rest string
		want       []string
	}{
		{name: "told", rest: short + bothTests, want: []string{"about no rule", "R1.yaml:9 short-literal", "R1.yaml:10 short-literal"}},
		{name: "allowed", rest: short + bothTests + "lint: {allow: short-literal}\n", want: []string{"about no rule"}},
		{
			name: "allowed in vain", rest: short + bothTests + "lint:\n  allow: [short-literal,\n    slow]\n",
			want: []string{"about no rule", "R1.yaml:17 unneeded-allow"},
		},
		{
			name: "another allowed", rest: short + bothTests + "lint: {allow: [no-literal]}\n",
			want: []string{"about no rule", "R1.yaml:9 short-literal", "R1.yaml:10 short-literal", "R1.yaml:15 unneeded-allow"},
		},
	} {
		if got := slices.DeleteFunc(warned(t, []*rule.Rule{parse(t, "R1", tt.rest)}, unused), isSlow); !slices.Equal(got, tt.want) {
			t.Errorf("%s: Lint = %q, want %q", tt.name, got, tt.want)
		}
	}
}

// All rules with lifters were told to look for the same: nothing.
func TestRulesWithLiftersAreNotCompared(t *testing.T) {
	t.Parallel()
	rules := quality.Detecting([]*rule.Rule{parse(t, "R1", detect("", "evil")), {ID: "R2", Match: rule.Match{Lift: &lift.Lift{}}}})
	if len(rules) != 1 || rules[0].ID != "R1" {
		t.Errorf("Detecting = %v, want R1", rules)
	}
}

// isSlow reports whether a warning is one of a measurement: a busy machine makes any rule slow.
func isSlow(warning string) bool { return strings.HasSuffix(warning, " "+rule.Slow) }
