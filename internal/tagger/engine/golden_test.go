package engine_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/engine"
	"ttpworker/internal/tagger/taggertest"
)

var update = flag.Bool("update", false, "rewrite testdata/*/tags.golden")

// TestCases runs the directories of testdata: rules.yaml or rules/, states.json if there is one, and events.json give
// tags.golden. Every case keeps the contract of a tagger, too.
func TestCases(t *testing.T) {
	t.Parallel()
	dirs, err := filepath.Glob("testdata/*/events.json")
	if err != nil || len(dirs) < 5 {
		t.Fatalf("%d cases, %v, want all that there are", len(dirs), err)
	}
	for _, events := range dirs {
		dir := filepath.Dir(events)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			e := engine.New(caseRules(t, dir), caseStates(t, dir))
			evs := caseEvents(t, dir)
			var b strings.Builder
			fmt.Fprintf(&b, "kinds %s\n", e.Kinds())
			for i := range evs {
				describe(&b, e, &evs[i])
			}
			got := b.String()
			if *update {
				if err := os.WriteFile(filepath.Join(dir, "tags.golden"), []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := fs.ReadFile(os.DirFS(dir), "tags.golden")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("tags of %s (-want +got):\n%s", dir, diff)
			}
			taggertest.Run(t, e, evs...)
		})
	}
}

func caseRules(t *testing.T, dir string) []*rule.Rule {
	t.Helper()
	root := "rules"
	if _, err := os.Stat(filepath.Join(dir, root)); err != nil {
		root = "."
	}
	rules, err := rule.NewParser(rule.DefaultMaxBytes).Load(os.DirFS(dir), root, dir)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

func caseStates(t *testing.T, dir string) func(string) tagger.Standing {
	t.Helper()
	states := map[string]tagger.Standing{}
	data, err := fs.ReadFile(os.DirFS(dir), "states.json")
	if err == nil {
		err = json.Unmarshal(data, &states)
	}
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return func(id string) tagger.Standing {
		if s, ok := states[id]; ok {
			return s
		}
		return tagger.DefaultStanding()
	}
}

func caseEvents(t *testing.T, dir string) []tagger.TaggerEvent {
	t.Helper()
	data, err := fs.ReadFile(os.DirFS(dir), "events.json")
	if err != nil {
		t.Fatal(err)
	}
	var written []struct {
		SourceKind   string          `json:"source_kind"`
		SourceID     string          `json:"source_id"`
		AttackerUUID string          `json:"attacker_uuid"`
		SessionID    string          `json:"session_id"`
		DeckyID      string          `json:"decky_id"`
		Payload      json.RawMessage `json:"payload"`
	}
	if err := json.Unmarshal(data, &written); err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	var evs []tagger.TaggerEvent
	for _, w := range written {
		evs = append(evs, tagger.TaggerEvent{
			SourceKind: w.SourceKind, SourceID: w.SourceID, AttackerUUID: w.AttackerUUID, SessionID: w.SessionID, DeckyID: w.DeckyID,
			Payload: w.Payload,
		})
	}
	return evs
}

// describe writes what an event gives, one line per tag.
func describe(b *strings.Builder, e *engine.Engine, ev *tagger.TaggerEvent) {
	fmt.Fprintf(b, "\n%s %q\n", ev.SourceKind, ev.SourceID)
	tags, err := e.AppendTags(nil, ev)
	if err != nil {
		fmt.Fprintf(b, "  error: %v\n", err)
	}
	for i := range tags {
		tag := &tags[i]
		fmt.Fprintf(
			b, "  %s v%d %s %s confidence %v of %v, %s, %s\n",
			tag.RuleID, *tag.RuleVersion, tag.Tactic, tag.Technique(), tag.Confidence, tag.ConfidenceBase, tag.RuleState, tag.Evidence,
		)
	}
}
