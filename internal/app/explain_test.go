package app_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/app"
	"ttpworker/internal/explain"
	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
	"ttpworker/internal/retag"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
)

// explainedRules are one of each form that there is.
func explainedRules() map[string]string {
	const own = "rule_version: 1\nname: n\napplies_to: [command]\nevidence_fields: [command_text, segments]\nemits: [{tactic: TA0006, technique_id: T1003, confidence: 0.5}]\n"
	return map[string]string{
		"p.yaml": "rule_id: P\nmatch: {pattern: 'curl (\\S+)'}\n" + own,
		"d.yaml": "rule_id: D\nmatch: {detection: {a: {segments|startswith: curl}, b: {user|expand: '%staff%'}, condition: a and b}}\n" + own,
		"c.yaml": "rule_id: C\nmatch: {pattern: curl}\n" + own,
		"l.yaml": "rule_id: L\nrule_version: 2\nname: n\napplies_to: [auth_attempt]\nmatch: {kind: 'lifter:credential_auth_brute_generic', parameters: {fail_threshold: 3}}\n" +
			"emits: [{tactic: TA0006, technique_id: T1110, confidence: 0.85}]\nevidence_fields: [fail_count]\n",
		"s.yml": "title: t\nid: S\nlevel: high\nlogsource: {category: process_creation, product: linux}\n" +
			"detection: {a: {CommandLine|expand|contains: '%tools%'}, condition: a}\ntags: [attack.t1105]\n",
		"f.yml":        "title: f\nid: F\nlogsource: {category: process_creation}\nfilter: {rules: any, b: {User: backup}, condition: not b}\n",
		"lists/l.yaml": "tools: [wget, curl]\nstaff: [root]\n",
	}
}

// tagIDs are the ids of the live tags in a topic, by rule.
func tagIDs(t *testing.T, c *kafkatest.Cluster, cfg app.Config, topic string) map[string]uuid.UUID {
	t.Helper()
	conn, err := app.Reach(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	dec, err := conn.NewDecoder(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]uuid.UUID{}
	for _, r := range c.ReadAll(t, topic) {
		tag, _, err := dec.Tag(r.Value)
		if err != nil {
			t.Fatal(err)
		}
		ids[tag.RuleID] = tag.ID
	}
	return ids
}

// A tag is explained by the rule that gave it, of whatever form, as it was; also when the rule, its filter and its lists
// were edited since, and when all files are gone.
func TestTagsAreExplainedByTheirRulesAsTheyWere(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	cfg := quickConfig(t, c)
	cfg.Sigma.Mapping = filepath.Join(t.TempDir(), "m.yaml")
	cfg.Sigma.Levels.High = 0.77
	if err := os.WriteFile(cfg.Sigma.Mapping, []byte("- {logsource: {}, source_kind: command, fields: {CommandLine: command_text, User: user}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := cfg.RuleStore.Dir
	writeFiles(t, dir, explainedRules())
	w := startWorker(t, cfg, slog.New(slog.DiscardHandler))
	w.ready(t)
	orders := func(s *store.States) error {
		return errors.Join(s.SetState(t.Context(), store.State{RuleID: "P", State: tagger.Shadow}),
			s.SetState(t.Context(), store.State{RuleID: "C", State: tagger.Clipped, ConfidenceMax: new(0.25)}))
	}
	if err := app.WithStates(t.Context(), cfg, slog.New(slog.DiscardHandler), orders); err != nil {
		t.Fatal(err)
	}
	kafkatest.Eventually(t, "the orders to be in force", func() bool {
		_, text := w.get(t, "/metrics")
		return strings.Contains(text, "ttp_pipeline_plan_swaps_total 3\n") || strings.Contains(text, "ttp_pipeline_plan_swaps_total 2\n")
	})
	write(t, c,
		&kgo.Record{Partition: 3, Key: []byte("k"), Value: []byte(`{"source_kind":"command","source_id":"1","payload":{"command_text":"id; curl -s example.net","user":"root"}}`)},
		&kgo.Record{Partition: 4, Value: []byte(`{"source_kind":"auth_attempt","source_id":"2","payload":{"fail_count":4}}`)})
	kafkatest.Eventually(t, "tags of all rules", func() bool {
		return len(c.ReadAll(t, cfg.Topics.Tags.Name)) == 5 && len(c.ReadAll(t, cfg.Topics.Shadow.Name)) == 1
	})
	ids := tagIDs(t, c, cfg, cfg.Topics.Tags.Name)
	ids["P"] = tagIDs(t, c, cfg, cfg.Topics.Shadow.Name)["P"]
	yaml := map[string]string{}
	check := func(when string, live, same bool) {
		t.Helper()
		for id, tag := range ids {
			a, err := app.ExplainTag(t.Context(), cfg, slog.New(slog.DiscardHandler), app.TagQuery{ID: tag, Anchor: "k"})
			if err != nil {
				t.Fatalf("%s, rule %s: ExplainTag = %v", when, id, err)
			}
			if !a.Explained() || a.Rule.From != explain.FromArchive || (a.Live != nil) != live || live && a.Live.Same != same {
				t.Errorf("%s, rule %s: faults %q, live %+v, verdict %+v", when, id, a.Faults, a.Live, a.Verdict)
			}
			if yaml[id] == "" {
				yaml[id] = a.Rule.YAML
			} else if yaml[id] != a.Rule.YAML {
				t.Errorf("%s, rule %s: another text\n%s", when, id, a.Rule.YAML)
			}
			if wantFilters := map[bool]int{true: 1}[id == "S"]; len(a.Rule.Filters) != wantFilters || len(a.Verdict.Why.Filters) != wantFilters {
				t.Errorf("%s, rule %s: %d filters, want %d", when, id, len(a.Rule.Filters), wantFilters)
			}
		}
	}
	if len(ids) != 6 {
		t.Fatalf("tags %v, want those of R1, P, D, C, L, S", ids)
	}
	check("at once", true, true)

	for path, text := range explainedRules() { // each does something else
		text = strings.NewReplacer("[wget, curl]", "[no]", "[root]", "[nobody]", "0.5}", "0.4}", "0.85", "0.8", "curl", "no", "backup", "x").Replace(text)
		writeFiles(t, dir, map[string]string{path: text})
	}
	writeFiles(t, dir, map[string]string{"R1.yaml": strings.Replace(explainedRules()["c.yaml"], "rule_id: C", "rule_id: R1", 1)})
	kafkatest.Eventually(t, "the edits in the catalogue", func() bool {
		return !slices.ContainsFunc([]string{"P", "D", "C", "L", "S", "R1"}, func(id string) bool {
			a, err := app.ExplainTag(t.Context(), cfg, slog.New(slog.DiscardHandler), app.TagQuery{ID: ids[id]})
			return err != nil || a.Live == nil || a.Live.Same
		})
	})
	check("edited", true, false)
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	removeAll(t, dir)
	cfg.Sigma.Mapping, cfg.Sigma.Levels = "", app.DefaultConfig().Sigma.Levels
	check("without a file", true, false)
}

// What is missing is said in words, and what is there is told all the same.
func TestWhatIsMissingForAnExplanationIsSaid(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	cfg := quickConfig(t, c)
	w := startWorker(t, cfg, slog.New(slog.DiscardHandler))
	w.ready(t)
	write(t, c, &kgo.Record{Value: []byte(`{"source_kind":"command","source_id":"1","payload":{"command_text":"curl"}}`)})
	waitForTags(t, c, 1)
	kafkatest.Eventually(t, "the rule in the catalogue", func() bool { return len(c.ReadAll(t, cfg.Topics.Reloaded.Name)) == 1 })
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	id := tagIDs(t, c, cfg, cfg.Topics.Tags.Name)["R1"]
	tag := c.ReadAll(t, cfg.Topics.Tags.Name)[0]
	ask := func(edit func(*app.Config)) (*explain.Answer, error) {
		asked := cfg
		edit(&asked)
		return app.ExplainTag(t.Context(), asked, slog.New(slog.DiscardHandler), app.TagQuery{ID: id})
	}
	wantFault := func(what string, a *explain.Answer, err error, want string) {
		t.Helper()
		if err != nil || a.Explained() || a.Verdict != nil || !strings.Contains(strings.Join(a.Faults, "\n"), want) {
			t.Errorf("%s: %+v, %v, want a fault with %q", what, a, err, want)
		}
	}

	a, err := ask(func(cfg *app.Config) { cfg.Input.Format = "cowrie" })
	wantFault("another format", a, err, "cannot be read as an event (input.format cowrie)")
	if a != nil && (a.Rule == nil || a.State.Now == nil || a.Live == nil) {
		t.Errorf("without the event: rule %v, state %v, live %v, want them", a.Rule, a.State.Now, a.Live)
	}
	if _, err := ask(func(cfg *app.Config) { cfg.Topics.Archive.Name = "nowhere" }); err != nil {
		t.Errorf("without an archive = %v, want a fault only", err)
	}

	if _, err := kadm.NewClient(c.Client(t)).DeleteRecords(t.Context(), kadm.Offsets{
		cfg.Topics.Events.Name: {0: {Topic: cfg.Topics.Events.Name, Partition: 0, At: 1}},
	}); err != nil {
		t.Fatal(err)
	}
	a, err = ask(func(*app.Config) {})
	wantFault("retention", a, err, fmt.Sprintf("the event at %s/0/0 is gone", cfg.Topics.Events.Name))

	bare := *tag
	bare.Headers = []kgo.RecordHeader{{Key: retag.HeaderJob, Value: []byte("0123456789abcdef")}}
	c.Write(t, &bare)
	a, err = ask(func(*app.Config) {})
	wantFault("no source", a, err, `the tag's header ttp-source, "", does not say where its event is`)
	if a != nil && a.Found.Retag != "0123456789abcdef" {
		t.Errorf("written by retag job %q, want 0123456789abcdef", a.Found.Retag)
	}

	bare.Headers = []kgo.RecordHeader{{Key: "ttp-source", Value: []byte("an.other/0/0")}}
	c.Write(t, &bare)
	a, err = ask(func(*app.Config) {})
	wantFault("the topic is gone", a, err, "the event at an.other/0/0 is gone: its topic does not exist any more")

	c.Write(t, &kgo.Record{Topic: tag.Topic, Partition: tag.Partition, Key: tag.Key})
	if _, err = ask(func(*app.Config) {}); !errors.Is(err, explain.ErrNoTag) || !strings.Contains(err.Error(), "was taken back, by the tombstone at ") {
		t.Errorf("a tombstone: %v, want to be told of it", err)
	}
	other := kafka.PartitionOf([]byte("k"), 6) // wherever it is, it is found with any anchor
	c.Write(t, &kgo.Record{Topic: tag.Topic, Partition: (other + 1) % 6, Key: tag.Key, Value: tag.Value, Headers: tag.Headers})
	a, err = app.ExplainTag(t.Context(), cfg, slog.New(slog.DiscardHandler), app.TagQuery{ID: id, Anchor: "k"})
	wantFault("in another partition", a, err, "is gone")
	c.Write(t, &kgo.Record{Topic: tag.Topic, Partition: other, Key: tag.Key, Timestamp: time.Now().Add(-time.Hour)}) // seen: it was all that was told of
	a, err = app.ExplainTag(t.Context(), cfg, slog.New(slog.DiscardHandler), app.TagQuery{ID: id, Anchor: "k"})
	wantFault("in another partition than its tombstone", a, err, "is gone")
}
