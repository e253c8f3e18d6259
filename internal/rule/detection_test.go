package rule_test

import (
	"strings"
	"testing"
)

const withDetection = `rule_id: R9001
rule_version: 1
name: sample
applies_to: [command]
match:
  detection:
    names:
      command_text|contains: ['evil', 'wicked']
      user: root
    condition: names
emits:
  - {tactic: TA0006, technique_id: T1003, sub_technique_id: T1003.008, confidence: 0.9}
evidence_fields: [command_text]
`

func TestDetectionInPlaceOfAPattern(t *testing.T) {
	t.Parallel()
	r, err := parser().Parse("x.yaml", []byte(withDetection))
	if err != nil {
		t.Fatalf("Parse = %v", err)
	}
	if r.Match.Patterns != nil || r.Match.Fields != nil {
		t.Errorf("Match = %+v, want no patterns", r.Match)
	}
	if r.Match.Detection == nil {
		t.Error("Match.Detection is nil")
	}
}

func TestDetectionFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, before, after, want string }{
		{
			name: "beside a pattern", before: "match:\n", after: "match:\n  pattern: evil\n",
			want: `x.yaml:8:5: rule "R9001": match has a pattern and a detection: give one of them`,
		},
		{
			name: "with a field", before: "match:\n", after: "match:\n  field: user\n",
			want: `x.yaml:6:10: rule "R9001": match.field goes with match.pattern: a detection names its fields`,
		},
		{
			name: "an empty list", before: "match:\n", after: "match:\n  lists: {x: []}\n",
			want: `x.yaml:6:14: rule "R9001": list "x" is empty`,
		},
		{
			name: "a list that is a mapping", before: "match:\n", after: "match:\n  lists: {x: {a: b}}\n",
			want: `x.yaml:6:14: rule "R9001": want a text or a list of texts, got a mapping`,
		},
		{name: "a text", before: withDetection[strings.Index(withDetection, "  detection:"):strings.Index(withDetection, "emits:")], after: "  detection: names\n", want: `x.yaml:6:14: rule "R9001": want a mapping of selections and a condition, got "names"`},
		{
			name: "a selection given twice", before: "    condition", after: "    names: {a: b}\n    condition",
			want: `x.yaml:10:5: rule "R9001": key "names" is given twice, first in line 7`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(withDetection, tt.before, tt.after, 1)
			if _, err := parser().Parse("x.yaml", []byte(text)); err == nil || err.Error() != tt.want {
				t.Errorf("Parse(%s) =\n%v\nwant\n%s", text, err, tt.want)
			}
		})
	}
	const lists = `x.yaml:6:10: rule "R9001": match.lists goes with match.detection`
	if _, err := parser().Parse("x.yaml", []byte(edit(t, "match: {", "match:\n  {lists: {a: b}, "))); err == nil || !strings.Contains(err.Error(), "match.lists goes with match.detection") {
		t.Errorf("Parse of lists beside a pattern = %v, want %s", err, lists)
	}
}

// Faults of the language stand where they are in the file.
func TestDetectionFaultsOfTheLanguage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, before, after, at string }{
		{name: "unknown modifier", before: "|contains", after: "|containz", at: "x.yaml:8:7: "},
		{name: "unknown selection", before: "condition: names", after: "condition: nmaes", at: "x.yaml:10:"},
		{name: "no condition", before: "    condition: names\n", at: "x.yaml:7:5: "},
		{name: "bad regular expression", before: "user: root", after: "user|re: '('", at: "x.yaml:9:"},
		{name: "unknown list", before: "user: root", after: "user|expand: '%nobody%'", at: "x.yaml:9:"},
	} {
		_, err := parser().Parse("x.yaml", []byte(strings.Replace(withDetection, tt.before, tt.after, 1)))
		if err == nil || !strings.HasPrefix(err.Error(), tt.at) || !strings.Contains(err.Error(), `rule "R9001": `) {
			t.Errorf("%s: Parse = %v, want a fault at %s", tt.name, err, tt.at)
		}
	}
}

func TestDigestOfADetection(t *testing.T) {
	t.Parallel()
	base := digestOf(t, withDetection)
	for _, tt := range []struct{ name, before, after string }{
		{name: "quotes", before: "'evil'", after: `"evil"`},
		{name: "the order of keys", before: "      command_text|contains: ['evil', 'wicked']\n      user: root\n", after: "      user: root\n      command_text|contains: ['evil', 'wicked']\n"},
		{name: "block style", before: "['evil', 'wicked']", after: "\n        - evil\n        - wicked"},
		{name: "a comment", before: "user: root", after: "user: root # them"},
		{name: "an alias", before: "name: sample", after: "name: &x sample"},
	} {
		if got := digestOf(t, strings.Replace(withDetection, tt.before, tt.after, 1)); got != base {
			t.Errorf("digest after %s = %s, want it as before, %s", tt.name, got, base)
		}
	}
	seen := map[string]string{base: "no edit"}
	for _, tt := range []struct{ name, before, after string }{
		{name: "a value", before: "evil", after: "vile"},
		{name: "a number in place of a text", before: "root", after: "0"},
		{name: "a text that looks like it", before: "root", after: "'0'"},
		{name: "null", before: "root", after: "~"},
		{name: "a modifier", before: "|contains", after: "|endswith"},
		{name: "the order of values", before: "'evil', 'wicked'", after: "'wicked', 'evil'"},
		{name: "the condition", before: "condition: names", after: "condition: not names"},
		{name: "a selection", before: "    condition", after: "    more: {a: b}\n    condition"},
	} {
		got := digestOf(t, strings.Replace(withDetection, tt.before, tt.after, 1))
		if other, twice := seen[got]; twice {
			t.Errorf("%s gives the same digest as %s", tt.name, other)
		}
		seen[got] = tt.name
	}
}

func TestDigestFoldsTheListsInThatAreUsed(t *testing.T) {
	t.Parallel()
	with := func(lists string) string {
		return strings.NewReplacer("match:\n", "match:\n  lists: "+lists+"\n", "user: root", "user|expand: '%admins%'").Replace(withDetection)
	}
	a, b, c := digestOf(t, with("{admins: [root]}")), digestOf(t, with("{admins: [root, toor]}")), digestOf(t, with("{admins: [root], other: [x]}"))
	if a == b || a != c {
		t.Errorf("digests = %s, %s with another value, %s with another list; want only the second to differ", a, b, c)
	}
}

func TestDigestFoldsTheFieldsInThatAreUsed(t *testing.T) {
	t.Parallel()
	with := func(fields string) string {
		r, err := parserWith(t, "- {logsource: {}, source_kind: command, fields: {"+fields+"}}").Parse("s.yml", []byte(sigma))
		if err != nil {
			t.Fatal(err)
		}
		return r.Digest
	}
	a, b, c := with("CommandLine: command_text"), with("CommandLine: cmd"), with("CommandLine: command_text, Image: image")
	if a == b || a != c {
		t.Errorf("digests = %s, %s with another path, %s with another field; want only the second to differ", a, b, c)
	}
}
