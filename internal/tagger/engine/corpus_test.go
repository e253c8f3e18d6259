package engine_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/engine"
	"ttpworker/rules"
)

// A labelled event of testdata/corpus: see its README.
type labelled struct {
	SourceKind string          `json:"source_kind"`
	Payload    json.RawMessage `json:"payload"`
	Techniques []string        `json:"techniques"`
	Label      string          `json:"label"`
	Accept     [][]string      `json:"accept"`
	Allowed    []string        `json:"allowed"`
}

// TestRulePackOnTheCorpus wants every required technique of every labelled event, and nothing on benign ones. A
// technique and its sub-techniques count as the same.
func TestRulePackOnTheCorpus(t *testing.T) {
	t.Parallel()
	pack, err := rule.NewParser(rule.DefaultMaxBytes).Load(rules.Pack(), ".", "pack")
	if err != nil {
		t.Fatal(err)
	}
	e := engine.New(pack, allEnabled)
	seen := map[string]bool{}
	for _, row := range corpus(t) {
		if seen[row.Label] || row.Label == "" {
			t.Errorf("label %q is there twice or empty", row.Label)
		}
		seen[row.Label] = true
		tags, err := e.AppendTags(nil, &tagger.TaggerEvent{SourceKind: row.SourceKind, SourceID: row.Label, Payload: row.Payload})
		if err != nil {
			t.Errorf("AppendTags(%s) = %v", row.Label, err)
			continue
		}
		got := map[string]bool{}
		for i := range tags {
			got[tags[i].TechniqueID] = true
		}
		checkLabel(t, row, got)
	}
	if len(seen) < 40 {
		t.Errorf("%d labelled events, want the whole corpus", len(seen))
	}
}

func corpus(t *testing.T) []labelled {
	t.Helper()
	dir := os.DirFS("../../../testdata/corpus")
	files, err := fs.Glob(dir, "*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var out []labelled
	for _, file := range files {
		data, err := fs.ReadFile(dir, file)
		if err != nil {
			t.Fatal(err)
		}
		dec := json.NewDecoder(bytes.NewReader(data))
		for dec.More() {
			var row labelled
			if err := dec.Decode(&row); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			out = append(out, row)
		}
	}
	return out
}

// checkLabel compares parent techniques: a parent counts for its sub-technique and the other way round.
func checkLabel(t *testing.T, row labelled, got map[string]bool) {
	t.Helper()
	required := row.Accept
	if required == nil && len(row.Techniques) > 0 {
		required = [][]string{row.Techniques}
	}
	fine := map[string]bool{}
	for _, id := range slices.Concat(append(required, row.Allowed)...) {
		fine[parent(id)] = true
	}
	for _, anyOf := range required {
		if !slices.ContainsFunc(anyOf, func(id string) bool { return got[parent(id)] }) {
			t.Errorf("%s: %s\ngives %v, want one of %v", row.Label, row.Payload, got, anyOf)
		}
	}
	for id := range got {
		if !fine[id] {
			t.Errorf("%s: %s\ngives %s, want none but %v", row.Label, row.Payload, id, fine)
		}
	}
}

func parent(id string) string {
	id, _, _ = strings.Cut(id, ".")
	return id
}
