package quality_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"ttpworker/internal/quality"
	"ttpworker/internal/rule"
)

const head = `rule_id: %s
rule_version: 1
name: sample
applies_to: [command]
emits:
  - {tactic: TA0006, technique_id: T1003, sub_technique_id: T1003.008, confidence: 0.9}
`

func parse(t *testing.T, id, rest string) *rule.Rule {
	t.Helper()
	r, err := rule.NewParser(rule.DefaultMaxBytes).Parse(id+".yaml", []byte(fmt.Sprintf(head, id)+rest))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCover(t *testing.T) {
	t.Parallel()
	tests := func(texts ...string) string {
		var b strings.Builder
		b.WriteString("tests:\n")
		for _, text := range texts {
			fmt.Fprintf(&b, "  - {name: x, payload: {command_text: '%s', user: root}, expect: []}\n", text)
		}
		return b.String()
	}
	for _, tt := range []struct {
		name, rule string
		branches   int
		missing    []string
	}{
		{name: "a pattern, no test", rule: "match: {pattern: evil}\n", branches: 1, missing: []string{"7:18 evil"}},
		{name: "a pattern, a test", rule: "match: {pattern: evil}\n" + tests("evil"), branches: 1},
		{name: "patterns", rule: "match:\n  pattern:\n    - evil\n    - bad\n" + tests("evil", "good"), branches: 2, missing: []string{"10:7 bad"}},
		{
			name: "lists", rule: "match:\n  lists: {who: [root, toor]}\n  detection: {a: {user|expand: '%who%'}, condition: a}\n" + tests("x"),
			branches: 3, missing: []string{"9:32 %who%: toor"},
		},
		{
			name: "a detection", rule: "match: {detection: {a: {command_text|contains: [evil, bad]}, b: {user: root}, condition: a and not b}}\n" + tests("evil"),
			branches: 4, missing: []string{"7:21 a", "7:49 command_text|contains: evil", "7:55 command_text|contains: bad"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := quality.Cover(parse(t, "R1", tt.rule))
			if err != nil {
				t.Fatal(err)
			}
			var missing []string
			for _, b := range c.Missing {
				missing = append(missing, fmt.Sprintf("%d:%d %s", b.Line, b.Col, b.Text))
			}
			if c.Branches != tt.branches || !slices.Equal(missing, tt.missing) {
				t.Errorf("Cover = %d branches, missing %q, want %d, %q", c.Branches, missing, tt.branches, tt.missing)
			}
		})
	}
}
