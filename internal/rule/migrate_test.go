package rule_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/match/matchtest"
	"ttpworker/internal/rule"
)

// old is a rule of an earlier release, in every style of writing.
const old = `# A rule from before v19.
rule_id: 'R9001'
rule_version: 3 # raised by hand
name: sample
applies_to: [command]
match:
  pattern: 'setenforce 0' # T1562.001 here is only text
emits:
  # The way it was done.
  - tactic: TA0005   # Defense Evasion
    technique_id: "T1562"
    sub_technique_id: 'T1562.001'

    confidence: 0.80
  - {tactic: TA0005, technique_id: T1107, confidence: 0.5} # no sub-technique then
  - technique_id: T1501 # became one
    tactic: TA0003
    confidence: 0.5
  - {tactic: TA0005, technique_id: T1222, sub_technique_id: T1222.002, confidence: 0.5}
  - {tactic: TA0006, technique_id: T1003, sub_technique_id: T1003.008, confidence: 0.5}
tests:
  - name: off
    payload: {command_text: 'setenforce 0'}
    expect: [T1562.001, 'T1107', T1501,
      T1222.002, T1003.008]
  - {name: on, payload: {command_text: T1107}, expect: []}
`

const migrated = `# A rule from before v19.
rule_id: 'R9001'
rule_version: 4 # raised by hand
name: sample
applies_to: [command]
match:
  pattern: 'setenforce 0' # T1562.001 here is only text
emits:
  # The way it was done.
  - tactic: TA0112   # Defense Evasion
    technique_id: "T1685"
    sub_technique_id: null

    confidence: 0.80
  - {tactic: TA0005, technique_id: T1070, sub_technique_id: T1070.004, confidence: 0.5} # no sub-technique then
  - technique_id: T1543 # became one
    sub_technique_id: T1543.002
    tactic: TA0003
    confidence: 0.5
  - {tactic: TA0112, technique_id: T1222, sub_technique_id: T1222.002, confidence: 0.5}
  - {tactic: TA0006, technique_id: T1003, sub_technique_id: T1003.008, confidence: 0.5}
tests:
  - name: off
    payload: {command_text: 'setenforce 0'}
    expect: [T1685, 'T1070.004', T1543.002,
      T1222.002, T1003.008]
  - {name: on, payload: {command_text: T1107}, expect: []}
`

const migrationDiff = `--- r.yaml
+++ r.yaml
@@ -3,1 +3,1 @@
-rule_version: 3 # raised by hand
+rule_version: 4 # raised by hand
@@ -10,3 +10,3 @@
-  - tactic: TA0005   # Defense Evasion
-    technique_id: "T1562"
-    sub_technique_id: 'T1562.001'
+  - tactic: TA0112   # Defense Evasion
+    technique_id: "T1685"
+    sub_technique_id: null
@@ -15,2 +15,3 @@
-  - {tactic: TA0005, technique_id: T1107, confidence: 0.5} # no sub-technique then
-  - technique_id: T1501 # became one
+  - {tactic: TA0005, technique_id: T1070, sub_technique_id: T1070.004, confidence: 0.5} # no sub-technique then
+  - technique_id: T1543 # became one
+    sub_technique_id: T1543.002
@@ -19,1 +20,1 @@
-  - {tactic: TA0005, technique_id: T1222, sub_technique_id: T1222.002, confidence: 0.5}
+  - {tactic: TA0112, technique_id: T1222, sub_technique_id: T1222.002, confidence: 0.5}
@@ -24,1 +25,1 @@
-    expect: [T1562.001, 'T1107', T1501,
+    expect: [T1685, 'T1070.004', T1543.002,
`

// migrate migrates a file, and its result again, which must not change.
func migrate(t *testing.T, text string) rule.Migration {
	t.Helper()
	m, err := rule.Migrate("r.yaml", []byte(text), 1<<20)
	if err != nil {
		t.Fatalf("Migrate(%s) = %v", text, err)
	}
	if m.Text == nil {
		return m
	}
	again, err := rule.Migrate("r.yaml", m.Text, 1<<20)
	if err != nil || again.Text != nil || len(again.Left) != len(m.Left) {
		t.Errorf("Migrate of what it wrote = %v, %q, %v; want no changes and the same left", err, again.Diff, again.Left)
	}
	return m
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	m := migrate(t, old)
	if diff := cmp.Diff(migrated, string(m.Text)); diff != "" || len(m.Left) > 0 {
		t.Errorf("migrated (-want +got):\n%sleft: %v", diff, m.Left)
	}
	if diff := cmp.Diff(migrationDiff, m.Diff); diff != "" {
		t.Errorf("diff (-want +got):\n%s", diff)
	}
	if _, err := parser().Parse("r.yaml", m.Text); err != nil {
		t.Errorf("Parse of the migrated rule = %v", err)
	}
	crlf := migrate(t, strings.ReplaceAll(old, "\n", "\r\n"))
	if diff := cmp.Diff(strings.ReplaceAll(migrated, "\n", "\r\n"), string(crlf.Text)); diff != "" {
		t.Errorf("migrated with other line ends (-want +got):\n%s", diff)
	}
	if m := migrate(t, withDetection); m.Text != nil || m.Diff != "" || len(m.Left) > 0 {
		t.Errorf("Migrate of a rule of today = %+v", m)
	}
}

// What is not certain is left, and told with its place; a rule of which all is left keeps its version.
func TestMigrateLeaves(t *testing.T) {
	t.Parallel()
	const head = "rule_id: R1\nrule_version: 1\nemits:\n"
	for _, tt := range []struct{ name, emits, want, left string }{
		{
			name: "a choice", emits: "  - {tactic: TA0003, technique_id: T1574, sub_technique_id: T1574.006}\n",
			left: `r.yaml:4:5: rule "R1": technique T1574.006 is not listed under TA0003 (Persistence) in ATT&CK v19.1: choose TA0002 (Execution) or TA0005 (Stealth)`,
		},
		{
			name: "no successor", emits: "  - {tactic: TA0002, technique_id: T1064}\n",
			left: `r.yaml:4:5: rule "R1": technique T1064 is deprecated in ATT&CK v19.1 and has no successor`,
		},
		{
			name: "what never was right", emits: "  - {tactic: TA0006, technique_id: T1003, sub_technique_id: T1110.001}\n",
			left: `r.yaml:4:5: rule "R1": sub_technique_id: T1110.001 is a sub-technique of T1110, not of T1003`,
		},
		{
			name: "two that are one", emits: "  - {tactic: TA0005, technique_id: T1562}\n  - {tactic: TA0005, technique_id: T1562, sub_technique_id: T1562.001}\n",
			want: "  - {tactic: TA0112, technique_id: T1685}\n  - {tactic: TA0005, technique_id: T1562, sub_technique_id: T1562.001}\n",
			left: `r.yaml:5:5: rule "R1": technique T1562.001 is T1685 under TA0112 today, which this rule emits already: take one of them out`,
		},
		{
			name: "one that is another", emits: "  - {tactic: TA0005, technique_id: T1562}\n  - {tactic: TA0112, technique_id: T1685}\n",
			left: `r.yaml:4:5: rule "R1": technique T1562 is T1685 under TA0112 today, which this rule emits already: take one of them out`,
		},
		{
			name: "a text in block style", emits: "  - {tactic: TA0009, technique_id: T1002}\n  - tactic: TA0005\n    technique_id: >-\n      T1562\n",
			want: "  - {tactic: TA0009, technique_id: T1560}\n  - tactic: TA0005\n    technique_id: >-\n      T1562\n",
			left: `r.yaml:5:5: rule "R1": write tactic TA0112, technique_id T1685, sub_technique_id null: cannot be edited in place: it is not written plainly`,
		},
		{
			name: "a tactic behind an alias", emits: "  - {tactic: &t TA0005, technique_id: T1027}\n  - {tactic: *t, technique_id: T1548}\n",
			left: `r.yaml:5:5: rule "R1": write tactic TA0004, technique_id T1548, sub_technique_id null: cannot be edited in place: it is not written plainly`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := migrate(t, head+tt.emits)
			want := ""
			if tt.want != "" {
				want = strings.Replace(head, "version: 1", "version: 2", 1) + tt.want
			}
			if diff := cmp.Diff(want, string(m.Text)); diff != "" {
				t.Errorf("migrated (-want +got):\n%s", diff)
			}
			if err := errors.Join(m.Left...); err == nil || err.Error() != tt.left {
				t.Errorf("left =\n%v\nwant\n%s", err, tt.left)
			}
		})
	}
	if _, err := rule.Migrate("r.yaml", []byte("emits: [\n"), 1000); err == nil || !strings.HasPrefix(err.Error(), "r.yaml:2:1: ") {
		t.Errorf("Migrate of bad YAML = %v, want where it is", err)
	}
}

func TestMigrateSigma(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, tags, want, left string }{
		{name: "today's", tags: "[attack.stealth, attack.t1027]"},
		{name: "techniques", tags: "[attack.T1562.001, attack.t1002, car.2016, cve.t1002]", want: "[attack.T1685, attack.t1560, car.2016, cve.t1002]"},
		{name: "the one half", tags: "[attack.defense-evasion, attack.t1027]", want: "[attack.stealth, attack.t1027]"},
		{name: "the other", tags: "\n  - 'attack.defense_evasion' # old\n  - attack.t1562\n", want: "\n  - 'attack.defense-impairment' # old\n  - attack.t1685\n"},
		{
			name: "both", tags: "[attack.defense-evasion, attack.t1070.004, attack.t1562]", want: "[attack.defense-evasion, attack.t1070.004, attack.t1685]",
			left: `r.yaml:2:8: rule "s1": attack.defense-evasion is two tactics in ATT&CK v19.1, and this rule has techniques of both: ` +
				"choose attack.stealth or attack.defense-impairment, or write both",
		},
		{
			name: "none", tags: "[attack.defense-evasion, attack.t1003]",
			left: `r.yaml:2:8: rule "s1": attack.defense-evasion is no tactic in ATT&CK v19.1, and none of what it became lists a technique of this rule: take it out`,
		},
		{
			name: "no successor", tags: "[attack.t1064]",
			left: `r.yaml:2:8: rule "s1": technique T1064 is deprecated in ATT&CK v19.1 and has no successor: it is left out`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := func(tags string) string { return "id: s1\ntags: " + tags + "\ndetection: {}\n" }
			m := migrate(t, text(tt.tags))
			want := ""
			if tt.want != "" {
				want = text(tt.want)
			}
			if diff := cmp.Diff(want, string(m.Text)); diff != "" {
				t.Errorf("migrated (-want +got):\n%s", diff)
			}
			left := ""
			if err := errors.Join(m.Left...); err != nil {
				left = err.Error()
			}
			if left != tt.left {
				t.Errorf("left =\n%s\nwant\n%s", left, tt.left)
			}
		})
	}
}

// Migrating a Sigma rule changes none of its tags, as the old names meant the same already. The public rules have today's
// names, so they get those of before first.
func TestMigratePublicSigmaRules(t *testing.T) {
	t.Parallel()
	files, err := matchtest.ReadArchive("../../../shared/sigma")
	if errors.Is(err, matchtest.ErrNoArchive) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	aged := strings.NewReplacer("attack.stealth", "attack.defense-evasion", "attack.defense-impairment", "attack.defense-evasion",
		"attack.t1685\n", "attack.t1562.001\n", "attack.t1070.004", "attack.t1107")
	changed, left := 0, 0
	p := parser()
	for _, f := range files {
		text := aged.Replace(string(f.Data))
		m := migrate(t, text)
		left += len(m.Left)
		if text == string(f.Data) != (m.Text == nil && len(m.Left) == 0) {
			t.Errorf("%s: changes %q, left %v, where the names were other ones: %t", f.Path, m.Diff, m.Left, text != string(f.Data))
		}
		if m.Text == nil {
			continue
		}
		changed++
		before, err := p.Parse(f.Path, f.Data)
		after, err2 := p.Parse(f.Path, m.Text)
		if err != nil || err2 != nil || before.Digest != after.Digest {
			t.Errorf("%s: %v, %v, other emits after\n%s", f.Path, err, err2, m.Diff)
		}
	}
	t.Logf("%d of %d rules changed, %d tags left", changed, len(files), left)
	if changed < 100 {
		t.Errorf("%d rules changed, want more than 100", changed)
	}
}
