package rule_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
)

var update = flag.Bool("update", false, "rewrite the expected errors beside testdata/*.bad.yaml")

func parser() rule.Parser { return rule.NewParser(rule.DefaultMaxBytes) }

// TestBadFiles wants of each testdata/<name>.bad.yaml the faults that <name>.bad.txt lists.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	for name, data := range badFiles(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := parser().Parse(name, data)
			if r != nil || err == nil {
				t.Fatalf("Parse = %v, %v, want no rule and an error", r, err)
			}
			checkPlaced(t, err)
			golden, got := strings.TrimSuffix(name, ".yaml")+".txt", err.Error()+"\n"
			if *update {
				if err := os.WriteFile(filepath.Join("testdata", golden), []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := fs.ReadFile(os.DirFS("testdata"), golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("faults of %s (-want +got):\n%s", name, diff)
			}
		})
	}
}

// badFiles returns the content of testdata/*.bad.yaml by name.
func badFiles(tb testing.TB) map[string][]byte {
	tb.Helper()
	dir := os.DirFS("testdata")
	names, err := fs.Glob(dir, "*.bad.yaml")
	if err != nil || len(names) < 30 {
		tb.Fatalf("%d bad files, %v, want all that there are", len(names), err)
	}
	out := map[string][]byte{}
	for _, name := range names {
		if out[name], err = fs.ReadFile(dir, name); err != nil {
			tb.Fatal(err)
		}
	}
	return out
}

// checkPlaced wants err to be a *rule.Error with a place, or several joined, in file order.
func checkPlaced(t *testing.T, err error) {
	t.Helper()
	faults := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		faults = joined.Unwrap()
	}
	line, col := 0, 0
	for _, fault := range faults {
		e, ok := errors.AsType[*rule.Error](fault)
		if !ok || e.Line < 1 || e.Col < 1 {
			t.Errorf("fault %v is a %T, want a *rule.Error with a place", fault, fault)
			continue
		}
		if e.Line < line || e.Line == line && e.Col < col {
			t.Errorf("fault %v stands before the one told before it", e)
		}
		line, col = e.Line, e.Col
	}
}

func TestParseRefusesTooLargeFiles(t *testing.T) {
	t.Parallel()
	huge := []byte("rule_id: R9001\ndescription: " + strings.Repeat("x", 10<<20))
	_, err := parser().Parse("huge.yaml", huge)
	if want := fmt.Sprintf("huge.yaml:1:1: file has %d bytes, more than the limit of 393216", len(huge)); err == nil || err.Error() != want {
		t.Errorf("Parse(10 MB) = %v, want %s", err, want)
	}
}

// TestParseEndsSoonOnWideFiles is about lists whose items are compared with each other: a full file of them must not
// take minutes.
func TestParseEndsSoonOnWideFiles(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in, want string
	}{
		{name: "emits", in: "emits: [" + strings.Repeat("{},", 40000) + "]", want: "1:8: list has 40000 items, more than the limit of 1000"},
		{name: "kinds", in: "applies_to: [" + strings.Repeat("a,", 50000) + "]", want: "1:13: list has 50000 items, more than the limit of 1000"},
		{
			name: "evidence", in: "evidence_fields: [" + strings.Repeat("a,", 50000) + "]",
			want: "1:18: list has 50000 items, more than the limit of 1000",
		},
		{
			name: "patterns", in: "match: {pattern: [" + strings.Repeat("a,", 50000) + "]}",
			want: "1:18: list has 50000 items, more than the limit of 1000",
		},
		{name: "tests", in: "tests: [" + strings.Repeat("{},", 30000) + "]", want: "wide.yaml: 89906 more faults"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := parser().Parse("wide.yaml", []byte(tt.in))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Parse = %.2000v, want %q in it", err, tt.want)
			}
			if n := strings.Count(err.Error(), "\n"); n > 101 {
				t.Errorf("%d lines of faults, want at most 101", n)
			}
		})
	}
}

const full = `# Everything that a rule may say.
rule_id: R9001.x-1
rule_version: 2
name: sample
description: A sample.
applies_to: [http_request, command, payload, session]
match:
  pattern: ['evil', '(?i)wicked']
  field: [command_text, headers.host]
emits:
  - {tactic: TA0006, technique_id: T1003, sub_technique_id: T1003.008, confidence: 0.95}
  - {tactic: TA0007, technique_id: T1082, sub_technique_id: null, confidence: 0}
  - {tactic: TA0006, technique_id: T1110, confidence: 1}
evidence_fields: [command_text, user.name]
references: ['https://example.org/']
author: a person
tests:
  - name: as it should be
    kind: command
    payload: {command_text: evil, n: 1.50}
    expect: [T1110, T1003.008, T1082, T1110]
  - name: of the first kind, silent
    payload: {}
    expect: []
`

func TestParseResolvesEverything(t *testing.T) {
	t.Parallel()
	got, err := parser().Parse("dir/full.yaml", []byte(full))
	if err != nil {
		t.Fatal(err)
	}
	two := 2
	want := &rule.Rule{
		ID: "R9001.x-1", Version: &two, Name: "sample", Description: "A sample.",
		Kinds: []string{"http_request", "command", "payload", "session"},
		Match: rule.Match{Fields: map[string][]string{
			"http_request": {"command_text", "headers.host"}, "command": {"command_text", "headers.host"},
			"payload": {"command_text", "headers.host"}, "session": {"command_text", "headers.host"},
		}},
		Emits: []tagger.Emit{
			{
				Tactic: "TA0006", TechniqueID: "T1003", SubTechniqueID: "T1003.008", Confidence: 0.95,
				MITREURL: "https://attack.mitre.org/techniques/T1003/008/",
			},
			{Tactic: "TA0007", TechniqueID: "T1082", MITREURL: "https://attack.mitre.org/techniques/T1082/"},
			{Tactic: "TA0006", TechniqueID: "T1110", Confidence: 1, MITREURL: "https://attack.mitre.org/techniques/T1110/"},
		},
		EvidenceFields: []string{"command_text", "user.name"}, References: []string{"https://example.org/"}, Author: "a person",
		Tests: []rule.Test{
			{
				Name: "as it should be", Kind: "command", Payload: []byte(`{"command_text":"evil","n":1.50}`),
				Expect: []string{"T1003.008", "T1082", "T1110"}, Line: 18,
			},
			{Name: "of the first kind, silent", Kind: "http_request", Payload: []byte(`{}`), Expect: []string{}, Line: 22},
		},
		File: rule.File{Path: "dir/full.yaml", Text: full},
	}
	diff := cmp.Diff(
		want, got, cmpopts.IgnoreUnexported(rule.Rule{}), cmpopts.IgnoreFields(rule.Rule{}, "Digest"),
		cmpopts.IgnoreFields(rule.File{}, "SHA256"), cmpopts.IgnoreFields(rule.Match{}, "Patterns"), cmpopts.EquateEmpty(),
	)
	if diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
	if got := fmt.Sprint(got.Match.Patterns); got != "[evil (?i)wicked]" {
		t.Errorf("patterns = %s, want [evil (?i)wicked]", got)
	}
}

func TestParseResolvesDefaultFields(t *testing.T) {
	t.Parallel()
	for kinds, want := range map[string]map[string][]string{
		"command": {"command": {"command_text"}}, "http_request": {"http_request": {"raw_url"}}, "payload": {"payload": {"payload_text"}},
		"[payload, command, http_request]": {"payload": {"payload_text"}, "command": {"command_text"}, "http_request": {"raw_url"}},
	} {
		r, err := parser().Parse("x.yaml", []byte(edit(t, "applies_to: [command]", "applies_to: "+kinds)))
		if err != nil {
			t.Errorf("Parse(applies_to: %s) = %v, want no error", kinds, err)
			continue
		}
		if diff := cmp.Diff(want, r.Match.Fields); diff != "" {
			t.Errorf("fields of applies_to: %s (-want +got):\n%s", kinds, diff)
		}
	}
}

// simple is a rule with one of everything.
const simple = `rule_id: R9001
rule_version: 1
name: sample
description: A sample.
applies_to: [command]
match: {pattern: evil}
emits:
  - {tactic: TA0006, technique_id: T1003, sub_technique_id: T1003.008, confidence: 0.9}
evidence_fields: [command_text]
tests:
  - {name: plain, payload: {command_text: evil}, expect: [T1003.008]}
`

// edit replaces a text that is in simple.
func edit(t *testing.T, before, after string) string {
	t.Helper()
	if !strings.Contains(simple, before) {
		t.Fatalf("no %q in the rule to edit", before)
	}
	return strings.Replace(simple, before, after, 1)
}
