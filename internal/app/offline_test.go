package app_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/app"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
)

// ruleDir makes a directory of rule files, one per id, named after it.
func ruleDir(t *testing.T, ids ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, id := range ids {
		text := fmt.Sprintf("rule_id: %s\nrule_version: 1\nname: n\napplies_to: [command]\nmatch: {pattern: curl}\n"+
			"emits: [{tactic: TA0006, technique_id: T1003, confidence: 0.5}]\n", id)
		if err := os.WriteFile(filepath.Join(dir, id+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func ruleIDs(rules []*rule.Rule) []string {
	var ids []string
	for _, r := range rules {
		ids = append(ids, r.ID)
	}
	return ids
}

func TestLoadRulesReadsSeveralDirectoriesSortedByID(t *testing.T) {
	t.Parallel()
	got, err := app.LoadRules(app.DefaultConfig(), []string{ruleDir(t, "R2", "R4"), ruleDir(t, "R3", "R1")})
	if err != nil {
		t.Fatalf("LoadRules = %v", err)
	}
	if diff := cmp.Diff([]string{"R1", "R2", "R3", "R4"}, ruleIDs(got)); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
}

func TestLoadRulesReturnsTheGoodRulesBesideTheFaults(t *testing.T) {
	t.Parallel()
	one, other := ruleDir(t, "R1", "R2"), ruleDir(t, "R2", "R3")
	if err := os.WriteFile(filepath.Join(other, "bad.yaml"), []byte("rule_id: [\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	none := filepath.Join(t.TempDir(), "none")
	got, err := app.LoadRules(app.DefaultConfig(), []string{one, none, other})
	if diff := cmp.Diff([]string{"R1", "R2", "R3"}, ruleIDs(got)); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	if got[1].File.Path != filepath.Join(one, "R2.yaml") {
		t.Errorf("R2 is from %s, want the directory named first", got[1].File.Path)
	}
	if !errors.Is(err, rule.ErrDuplicate) {
		t.Errorf("LoadRules = %v, want a duplicate", err)
	}
	for _, part := range []string{
		none + " is no rule directory", filepath.Join(other, "bad.yaml") + ":",
		filepath.Join(other, "R2.yaml") + `:1:10: rule "R2": duplicate rule_id: ` + filepath.Join(one, "R2.yaml") + " has it already",
	} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("LoadRules =\n%v\nwant %s in it", err, part)
		}
	}
}

// Not parallel: it changes the working directory.
func TestLoadRulesWithoutDirectoriesTakesTheConfiguredOneOrThePack(t *testing.T) {
	t.Chdir(t.TempDir())
	cfg := app.DefaultConfig()
	pack, err := app.LoadRules(cfg, nil)
	if err != nil || len(pack) < 20 {
		t.Fatalf("LoadRules where there is no directory = %d rules, %v, want the embedded pack", len(pack), err)
	}
	if path := pack[0].File.Path; !strings.HasPrefix(path, "embedded") {
		t.Errorf("path of an embedded rule = %s, want it to say so", path)
	}
	cfg.RuleStore.Dir = ruleDir(t, "R1")
	if got, err := app.LoadRules(cfg, nil); err != nil || len(got) != 1 {
		t.Errorf("LoadRules = %q, %v, want R1 of the configured directory", ruleIDs(got), err)
	}
	cfg.RuleStore.Dir = "elsewhere"
	if got, err := app.LoadRules(cfg, nil); err == nil || len(got) != 0 {
		t.Errorf("LoadRules of a configured directory that is missing = %q, %v, want a fault, not the pack", ruleIDs(got), err)
	}
	if err := os.MkdirAll(filepath.Join("rules", "ttp"), 0o750); err != nil {
		t.Fatal(err)
	}
	if got, err := app.LoadRules(app.DefaultConfig(), nil); err != nil || len(got) != 0 {
		t.Errorf("LoadRules of an empty ./rules/ttp = %q, %v, want nothing: it is there", ruleIDs(got), err)
	}
}

func TestLoadStatesGivesOrdersAsOfNow(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct{ name, file, text string }{
		{"YAML", "states.yaml", `
R1: {state: disabled}
R2:
  state: clipped
  confidence_max: 0.25
  expires_at: 2026-03-01T12:00:01Z
R3: {state: shadow, expires_at: "2026-03-01T12:00:00Z"}
`},
		{"JSON", "states.json", `{"R1": {"state": "disabled"},
"R2": {"state": "clipped", "confidence_max": 0.25, "expires_at": "2026-03-01T13:00:01+01:00"},
"R3": {"state": "shadow", "expires_at": "2026-03-01T12:00:00Z"}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			standing, err := app.LoadStates(writeFile(t, tt.file, tt.text), now)
			if err != nil {
				t.Fatalf("LoadStates = %v", err)
			}
			for id, want := range map[string]tagger.Standing{
				"R1": {State: tagger.Disabled},
				"R2": {State: tagger.Clipped, ConfidenceMax: new(0.25)},
				"R3": tagger.DefaultStanding(), // it has expired
				"R4": tagger.DefaultStanding(),
			} {
				if diff := cmp.Diff(want, standing(id)); diff != "" {
					t.Errorf("standing of %s (-want +got):\n%s", id, diff)
				}
			}
		})
	}
	standing, err := app.LoadStates("", now)
	if err != nil || standing("R1") != tagger.DefaultStanding() {
		t.Errorf("LoadStates without a file = %v, want every rule enabled", err)
	}
}

func TestLoadStatesSaysEveryFaultAndItsPlace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"an unknown state", "R1: {state: asleep}\n", `:1:5: rule "R1": unknown state "asleep": one of enabled, disabled, clipped, shadow`},
		{"no ceiling", "R1:\n  state: clipped\n", `:2:3: rule "R1": state clipped needs confidence_max`},
		{
			"no time", "R1:\n  state: shadow\n  expires_at: tomorrow\n",
			`:3:15: rule "R1": expires_at "tomorrow" is not RFC 3339`,
		},
		{
			"several, by id", "R2: {state: x}\nR1: {state: y}\n",
			`:2:5: rule "R1": unknown state "y": one of enabled, disabled, clipped, shadow` + "\n" +
				`:1:5: rule "R2": unknown state "x": one of enabled, disabled, clipped, shadow`,
		},
		{"an unknown key", "R1: {stat: shadow}\n", `:1:6: unknown field "stat"; known here: confidence_max, expires_at, state`},
		{"no mapping", "- R1\n", `:1:1: want a mapping, got a list`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file := writeFile(t, "states.yaml", tt.text)
			want := file + strings.ReplaceAll(tt.want, "\n", "\n"+file)
			if _, err := app.LoadStates(file, time.Now()); err == nil || err.Error() != want {
				t.Errorf("LoadStates =\n%v\nwant\n%s", err, want)
			}
		})
	}
	if _, err := app.LoadStates(filepath.Join(t.TempDir(), "none"), time.Now()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("LoadStates of a missing file = %v, want not exist", err)
	}
}

func removeAll(t *testing.T, dir string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
}

// A filter in one directory is for the rules of all.
func TestReadRulesMergesFiltersOfAllDirectories(t *testing.T) {
	t.Parallel()
	write := func(text string) string {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "f.yml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	filters := write("title: F\nlogsource: {category: dns}\nfilter: {rules: [S1, S2], a: {query: y}, condition: not a}\n")
	rules := write("title: a\nid: S1\nlogsource: {category: dns}\ndetection: {a: {query: x}, condition: a}\n")
	set, err := app.ReadRules(app.DefaultConfig(), []string{filters, rules})
	if err != nil || set.Faults != nil || len(set.Rules) != 1 || len(set.Rules[0].Filters) != 1 {
		t.Fatalf("ReadRules = %+v, %v, want one rule with a filter", set, err)
	}
	if len(set.Warnings) != 1 || !strings.Contains(set.Warnings[0].Error(), `names rule "S2", which is not there`) {
		t.Errorf("warnings = %v, want one about the rule that is not there", set.Warnings)
	}
}

func TestReadRulesKeepsToTheLimit(t *testing.T) {
	t.Parallel()
	cfg := app.DefaultConfig()
	cfg.Limits.Rules = 2
	set, err := app.ReadRules(cfg, []string{ruleDir(t, "R1", "R2", "R3")})
	const want = "there are 3 rules and filters, more than the limit of 2 (limits.rules): R3 and those behind it are left out"
	if err != nil || len(set.Rules) != 2 || set.Faults == nil || set.Faults.Error() != want {
		t.Errorf("ReadRules = %q, %v, %v, want two rules and: %s", ruleIDs(set.Rules), set.Faults, err, want)
	}
}

func TestNewParserReadsTheMapping(t *testing.T) {
	t.Parallel()
	cfg := app.DefaultConfig()
	cfg.Sigma.Mapping = filepath.Join(t.TempDir(), "m.yaml")
	if _, err := app.NewParser(cfg); err == nil || !strings.HasPrefix(err.Error(), "reading the Sigma mapping: ") {
		t.Errorf("NewParser without the file = %v, want that it cannot be read", err)
	}
	if err := os.WriteFile(cfg.Sigma.Mapping, []byte("- {logsource: {}, source_kind: all}"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := app.NewParser(cfg)
	if err != nil || p.Kinds[len(p.Kinds)-1] != "all" {
		t.Errorf("NewParser = %q, %v, want the kind of the mapping last", p.Kinds, err)
	}
}
