package engine_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"ttpworker/internal/match"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/engine"
)

// sigmaDir has Sigma rules of our own with their events: see its README.
const sigmaDir = "../../../testdata/sigma"

// A sigmaEvent is a line of testdata/sigma/events.
type sigmaEvent struct {
	SourceKind string          `json:"source_kind"`
	Payload    json.RawMessage `json:"payload"`
	Match      bool            `json:"match"`
	Why        string          `json:"why"`
	Emits      []string        `json:"emits"` // of the first line: "tactic technique confidence", - for null
}

// TestSigmaRules holds the index of all rules, and the reference of each, to the events beside the rule.
func TestSigmaRules(t *testing.T) {
	t.Parallel()
	rules := sigmaRules(t)
	if len(rules) < 46 {
		t.Errorf("%d rules, want the whole set", len(rules))
	}
	e := engine.New(rules, allEnabled)
	eventFiles, err := fs.Glob(os.DirFS(sigmaDir), "events/*")
	if err != nil || len(eventFiles) != len(rules) {
		t.Errorf("%d files of events, %v, want one for each of %d rules", len(eventFiles), err, len(rules))
	}
	for _, r := range rules {
		name := strings.TrimSuffix(path.Base(r.File.Path), ".yml")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			events := sigmaEvents(t, name)
			matches := 0
			for i := range events {
				if events[i].Match {
					matches++
				}
				checkSigmaEvent(t, e, r, i+1, &events[i], events[0].Emits)
			}
			if matches < 2 || len(events)-matches < 2 {
				t.Errorf("%d events match and %d do not, want two of each", matches, len(events)-matches)
			}
			if err := rule.RunTests(r, e); err != nil {
				t.Error(err)
			}
		})
	}
}

// sigmaRules loads the rules, with the filters merged in.
func sigmaRules(t *testing.T) []*rule.Rule {
	t.Helper()
	rules, err := rule.NewParser(rule.DefaultMaxBytes).Load(os.DirFS(sigmaDir), "rules", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		for _, w := range r.Warnings {
			t.Errorf("%v, want no warning", w)
		}
	}
	return rules
}

func sigmaEvents(t *testing.T, name string) []sigmaEvent {
	t.Helper()
	data, err := fs.ReadFile(os.DirFS(sigmaDir), "events/"+name+".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var events []sigmaEvent
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	for dec.More() {
		var ev sigmaEvent
		if err := dec.Decode(&ev); err != nil {
			t.Fatalf("line %d: %v", len(events)+1, err)
		}
		if ev.Why == "" {
			t.Errorf("line %d says no why", len(events)+1)
		}
		events = append(events, ev)
	}
	if len(events) == 0 || !events[0].Match || len(events[0].Emits) == 0 {
		t.Fatal("the first line does not match or says no emits")
	}
	return events
}

func checkSigmaEvent(t *testing.T, e *engine.Engine, r *rule.Rule, line int, ev *sigmaEvent, emits []string) {
	t.Helper()
	if !ev.Match {
		emits = nil
	}
	tags, err := e.AppendTags(nil, &tagger.TaggerEvent{SourceKind: ev.SourceKind, SourceID: "x", Payload: ev.Payload})
	if err != nil {
		t.Fatalf("line %d: AppendTags(%s) = %v", line, ev.Payload, err)
	}
	var got []string
	for i := range tags {
		if tag := &tags[i]; tag.RuleID == r.ID {
			got = append(got, fmt.Sprintf("%s %s %v", cmp.Or(tag.Tactic, "-"), cmp.Or(tag.Technique(), "-"), tag.Confidence))
		}
	}
	if diff := gocmp.Diff(emits, got); diff != "" {
		t.Errorf("line %d (%s): tags of %s (-want +got):\n%s", line, ev.Why, ev.Payload, diff)
	}
	doc, err := match.ParseDocument(ev.Payload)
	if err != nil {
		t.Fatalf("line %d: ParseDocument(%s) = %v", line, ev.Payload, err)
	}
	if matches := slices.Contains(r.Kinds, ev.SourceKind) && r.Match.Detection.Match(doc); matches != ev.Match {
		t.Errorf("line %d (%s): the reference says %t of %s, want %t", line, ev.Why, matches, ev.Payload, ev.Match)
	}
}

// TestSigmaRulesUseEveryModifier compares the modifiers of the rules with those that the documentation lists: a new one
// needs a rule here.
func TestSigmaRulesUseEveryModifier(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, r := range sigmaRules(t) {
		for _, m := range regexp.MustCompile(`(?m)^[ -]*'?[\w.@-]*((\|[a-z0-9]+)+)'?:`).FindAllStringSubmatch(r.File.Text, -1) {
			for name := range strings.SplitSeq(m[1][1:], "|") {
				used[name] = true
			}
		}
	}
	if diff := gocmp.Diff(documentedModifiers(t), slices.Sorted(maps.Keys(used))); diff != "" {
		t.Errorf("modifiers of docs/rules.md and of testdata/sigma/rules (-documented +used):\n%s", diff)
	}
}

// documentedModifiers are the names in the first column of the table of modifiers, sorted.
func documentedModifiers(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n| modifier | the value |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	var names []string
	for row := range strings.Lines(table) {
		column, _, _ := strings.Cut(strings.TrimPrefix(row, "|"), "|")
		for _, m := range regexp.MustCompile("`([a-z0-9]+)`").FindAllStringSubmatch(column, -1) {
			names = append(names, m[1])
		}
	}
	slices.Sort(names)
	return names
}

// TestBadSigmaRules wants the errors of testdata/sigma/bad; -update rewrites them.
func TestBadSigmaRules(t *testing.T) {
	t.Parallel()
	dir := os.DirFS(sigmaDir)
	files, err := fs.Glob(dir, "bad/*.yml")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d files, %v, want all that there are", len(files), err)
	}
	for _, file := range files {
		data, err := fs.ReadFile(dir, file)
		if err != nil {
			t.Fatal(err)
		}
		_, err = rule.NewParser(rule.DefaultMaxBytes).Parse(path.Base(file), data)
		if err == nil {
			t.Errorf("Parse(%s) = no error, want it refused", file)
			continue
		}
		got := err.Error() + "\n"
		golden := strings.TrimSuffix(file, ".yml") + ".txt"
		if *update {
			if err := os.WriteFile(path.Join(sigmaDir, golden), []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := fs.ReadFile(dir, golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(string(want), got); diff != "" {
			t.Errorf("error of %s (-want +got):\n%s", file, diff)
		}
	}
}
