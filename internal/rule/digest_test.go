package rule_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"ttpworker/internal/rule"
)

// goldenDigest is the digest of simple. It changes only together with the meaning of a digest, and then every tag of
// every rule shows another one: say so in the commit, and raise engine.Semantics if results change too.
const goldenDigest = "c2a3c7334fca3dc7460fb6e7d40ba23aa00249f721c3bad16ab3b1d85c7881a0"

func digestOf(t *testing.T, text string) string {
	t.Helper()
	r, err := parser().Parse("x.yaml", []byte(text))
	if err != nil {
		t.Fatalf("Parse(%s) = %v, want no error", text, err)
	}
	return r.Digest
}

func TestDigestOfOneRuleIsFixed(t *testing.T) {
	t.Parallel()
	// The canonical JSON, by hand.
	const canonical = `{"applies_to":["command"],` +
		`"emits":[{"confidence":0.9,"sub_technique_id":"T1003.008","tactic":"TA0006","technique_id":"T1003"}],` +
		`"evidence_fields":["command_text"],"match":{"field":["command_text"],"pattern":["evil"]},"name":"sample","rule_id":"R9001","rule_version":1}`
	sum := sha256.Sum256([]byte(canonical))
	if got := hex.EncodeToString(sum[:]); got != goldenDigest {
		t.Errorf("SHA-256 of the canonical JSON = %s, want %s", got, goldenDigest)
	}
	if got := digestOf(t, simple); got != goldenDigest {
		t.Errorf("digest = %s, want %s", got, goldenDigest)
	}
}

func TestDigestIgnoresWhatTaggingDoesNotDependOn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, before, after string }{
		{name: "a comment", before: "rule_id", after: "# a comment\nrule_id"},
		{name: "the description", before: "A sample.", after: "Another text."},
		{name: "no description", before: "description: A sample.\n"},
		{name: "a test", before: "{name: plain, payload: {command_text: evil}, expect: [T1003.008]}", after: "{name: x, payload: {}, expect: []}"},
		{name: "no tests", before: "tests:\n  - {name: plain, payload: {command_text: evil}, expect: [T1003.008]}\n"},
		{name: "an author", before: "name: sample", after: "name: sample\nauthor: a person"},
		{name: "references", before: "name: sample", after: "name: sample\nreferences: ['https://example.org/']"},
		{name: "quotes", before: "name: sample", after: "name: 'sample'"},
		{name: "a list of one", before: "pattern: evil", after: "pattern: [evil]"},
		{name: "the default written out", before: "pattern: evil", after: "pattern: evil, field: command_text"},
		{name: "another spelling of a number", before: "confidence: 0.9", after: "confidence: 0.90"},
		{name: "the order of keys", before: "rule_version: 1\nname: sample\n", after: "name: sample\nrule_version: 1\n"},
		{name: "a Windows line end", before: "\n", after: "\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := edit(t, tt.before, tt.after)
			if got := digestOf(t, text); got != goldenDigest {
				t.Errorf("digest after the edit = %s, want it as before, %s", got, goldenDigest)
			}
			r, err := parser().Parse("x.yaml", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256([]byte(text))
			if r.File.SHA256 != hex.EncodeToString(sum[:]) || r.File.Text != text {
				t.Errorf("File = %+v, want the text and its hash", r.File)
			}
		})
	}
}

func TestDigestShowsEveryOtherEdit(t *testing.T) {
	t.Parallel()
	seen := map[string]string{goldenDigest: "no edit"}
	for _, tt := range []struct{ name, before, after string }{
		{name: "rule_id", before: "R9001", after: "R9002"},
		{name: "rule_version", before: "rule_version: 1", after: "rule_version: 2"},
		{name: "name", before: "name: sample", after: "name: other"},
		{name: "another kind", before: "[command]", after: "[payload]"},
		{name: "one more kind", before: "[command]", after: "[command, payload]"},
		{name: "pattern", before: "pattern: evil", after: "pattern: Evil"},
		{name: "one more pattern", before: "pattern: evil", after: "pattern: [evil, more]"},
		{name: "patterns in another order", before: "pattern: evil", after: "pattern: [more, evil]"},
		{name: "pattern with signs of HTML", before: "pattern: evil", after: "pattern: '<evil>&'"},
		{name: "field", before: "pattern: evil", after: "pattern: evil, field: user"},
		{name: "one more field", before: "pattern: evil", after: "pattern: evil, field: [command_text, user]"},
		{name: "field with a comma", before: "pattern: evil", after: "pattern: evil, field: ['command_text,user']"},
		{name: "technique", before: "technique_id: T1003, sub_technique_id: T1003.008", after: "technique_id: T1110, sub_technique_id: T1110.001"},
		{name: "sub-technique", before: "T1003.008", after: "T1003.007"},
		{name: "no sub-technique", before: "sub_technique_id: T1003.008, ", after: ""},
		{name: "confidence", before: "confidence: 0.9", after: "confidence: 0.91"},
		{name: "one more emit", before: "emits:", after: "emits:\n  - {tactic: TA0007, technique_id: T1082, confidence: 0.9}"},
		{name: "evidence", before: "evidence_fields: [command_text]", after: "evidence_fields: [user]"},
		{name: "more evidence", before: "evidence_fields: [command_text]", after: "evidence_fields: [command_text, user]"},
		{name: "no evidence", before: "evidence_fields: [command_text]", after: "evidence_fields: []"},
	} {
		text := edit(t, tt.before, tt.after)
		text, _, _ = strings.Cut(text, "tests:") // they would have to follow the edit
		got := digestOf(t, text)
		if other, twice := seen[got]; twice {
			t.Errorf("%s gives the same digest as %s: %s", tt.name, other, got)
		}
		seen[got] = tt.name
	}
}

func TestDigestOfAbsentEvidenceIsThatOfNone(t *testing.T) {
	t.Parallel()
	none := digestOf(t, edit(t, "evidence_fields: [command_text]", "evidence_fields: []"))
	for _, after := range []string{"", "evidence_fields: ~"} {
		if got := digestOf(t, edit(t, "evidence_fields: [command_text]", after)); got != none {
			t.Errorf("digest with %q = %s, want that of an empty list, %s", after, got, none)
		}
	}
}

func TestOriginCarriesDigestAndStanding(t *testing.T) {
	t.Parallel()
	r, err := parser().Parse("x.yaml", []byte(simple))
	if err != nil {
		t.Fatal(err)
	}
	got := r.Origin(standingForTest, "19.1")
	if got.RuleID != "R9001" || *got.RuleVersion != 1 || got.RuleDigest != goldenDigest || got.AttackRelease != "19.1" || got.Standing != standingForTest {
		t.Errorf("Origin = %+v, want what the rule and the standing say", got)
	}
}

func TestIsFileName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"a.yaml": true, "R0014_etc_shadow_read.yml": true, "_.yaml": true,
		"": false, ".yaml": false, "a.yaml~": false, ".a.yaml.swp": false, "a.yaml.bak": false, "a b.yaml": false, "a-b.yaml": false,
		"a.b.yaml": false, "a.YAML": false, "a.json": false, "\u00e4.yaml": false, "a.yaml\n": false, "4913": false, "#a.yaml#": false, "dir/a.yaml": false,
	} {
		if got := rule.IsFileName(name); got != want {
			t.Errorf("IsFileName(%q) = %v, want %v", name, got, want)
		}
	}
}
