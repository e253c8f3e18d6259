package app_test

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/app"
	"ttpworker/internal/kafkatest"
	"ttpworker/internal/wire"
)

// writeFiles writes files, by path below dir, and makes their directories.
func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for path, text := range files {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// usesTools is a rule that uses the shared list tools.
const usesTools = `rule_id: R2
rule_version: 1
name: n
applies_to: [command]
match: {detection: {a: {command_text|expand|contains: '%tools%'}, condition: a}}
emits: [{tactic: TA0006, technique_id: T1003, confidence: 0.5}]
`

func TestReadRulesFindsListsOfEachDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"lists/a.yaml": "tools: [curl]\n", "one/r.yaml": usesTools, "two/lists/b.yaml": "more: [x]\ntools: [wget]\n", "two/lists/c.yml": "names: y\n",
	})
	dirs := []string{filepath.Join(dir, "one"), filepath.Join(dir, "two")}
	set, err := app.ReadRules(app.DefaultConfig(), dirs)
	got := []string{}
	for name, l := range set.Lists {
		rel, _ := filepath.Rel(dir, l.Path)
		got = append(got, name+" of "+rel)
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"more of two/lists/b.yaml", "tools of lists/a.yaml"}, got); diff != "" || err != nil {
		t.Errorf("lists (-want +got):\n%s%v", diff, err)
	}
	two := filepath.Join(dir, "two", "lists")
	want := filepath.Join(two, "b.yaml") + `:2:8: duplicate list "tools": ` + filepath.Join(dir, "lists", "a.yaml") + " has it already\n" +
		filepath.Join(two, "c.yml") + `:1:8: want a list, got "y"`
	if set.Faults == nil || set.Faults.Error() != want {
		t.Errorf("faults =\n%v\nwant\n%s", set.Faults, want)
	}
	if len(set.Rules) != 1 || !slices.Equal(set.Rules[0].Lists, []string{"tools"}) {
		t.Errorf("rules = %q, want R2 with its list", ruleIDs(set.Rules))
	}
}

// An edit of a list is, in the end, another record of each rule that uses it in the catalogue, and of no other; the
// digest is that of the tags.
func TestAnEditedListIsInCatalogueAndTags(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	cfg := quickConfig(t, c)
	lists := filepath.Join(cfg.RuleStore.Dir, "lists", "l.yaml")
	writeFiles(t, cfg.RuleStore.Dir, map[string]string{"R2.yaml": usesTools, "lists/l.yaml": "tools: [wget]\n"})
	w := startWorker(t, cfg, slog.New(slog.DiscardHandler))
	w.ready(t)
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	catalogue := func(id string) (digests []string) {
		for _, r := range c.ReadAll(t, cfg.Topics.Reloaded.Name) {
			if rec, err := dec.RuleReloaded(r.Value); err == nil && rec.RuleID == id {
				digests = append(digests, rec.RuleDigest)
			}
		}
		return digests
	}
	kafkatest.Eventually(t, "both rules in the catalogue", func() bool { return len(catalogue("R1"))+len(catalogue("R2")) == 2 })
	if err := os.WriteFile(lists, []byte("tools: [curl]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	kafkatest.Eventually(t, "another record of R2", func() bool { return len(catalogue("R2")) == 2 })
	digests := catalogue("R2")
	if got := catalogue("R1"); len(got) != 1 || digests[0] == digests[1] {
		t.Errorf("digests of R2 = %q, of R1 %q; want two that differ, and one", digests, got)
	}
	writeEvents(t, c, 1)
	kafkatest.Eventually(t, "tags of both rules", func() bool { return len(c.ReadAll(t, cfg.Topics.Tags.Name)) == 2 })
	for _, r := range c.ReadAll(t, cfg.Topics.Tags.Name) {
		tag, _, err := dec.Tag(r.Value)
		if err != nil {
			t.Fatal(err)
		}
		if tag.RuleID == "R2" && tag.RuleDigest != digests[1] {
			text, _ := json.Marshal(tag)
			t.Errorf("tag %s, want the digest %s", text, digests[1])
		}
	}
}
