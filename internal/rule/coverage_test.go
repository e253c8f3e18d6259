package rule_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/attack"
	"ttpworker/internal/rule"
)

// emitting is a rule with these emits, each "tactic technique confidence", and a test that expects some of them.
func emitting(t *testing.T, id, expect string, emits ...string) *rule.Rule {
	t.Helper()
	var text strings.Builder
	text.WriteString("rule_id: " + id + "\nrule_version: 1\nname: n\napplies_to: [command]\nmatch: {pattern: x}\nemits:\n")
	for _, e := range emits {
		words := strings.Fields(e)
		parent, _, sub := strings.Cut(words[1], ".")
		fmt.Fprintf(&text, "  - {tactic: %s, technique_id: %s, confidence: %s", words[0], parent, words[2])
		if sub {
			text.WriteString(", sub_technique_id: " + words[1])
		}
		text.WriteString("}\n")
	}
	if expect != "" {
		text.WriteString("tests: [{name: n, payload: {}, expect: [" + expect + "]}]\n")
	}
	r, err := parser().Parse(id+".yaml", []byte(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func coverageOf(t *testing.T, platforms []string, rules ...*rule.Rule) rule.Coverage {
	t.Helper()
	c, err := rule.Cover(rules, platforms)
	if err != nil {
		t.Fatalf("Cover = %v", err)
	}
	return c
}

// column is the coverage of one tactic.
func column(t *testing.T, c rule.Coverage, tactic string) rule.TacticCoverage {
	t.Helper()
	for _, column := range c.Tactics {
		if column.Tactic.ID == tactic {
			return column
		}
	}
	t.Fatalf("no tactic %s", tactic)
	return rule.TacticCoverage{}
}

func TestCover(t *testing.T) {
	t.Parallel()
	rules := []*rule.Rule{
		emitting(t, "R1", "T1003.008", "TA0006 T1003.008 0.5", "TA0006 T1003 0.4"),
		emitting(t, "R2", "", "TA0006 T1003.008 0.9", "TA0003 T1053.003 0.3"),
		emitting(t, "R3", "T1003.001", "TA0006 T1003.001 0.2"), // of Windows
		sigmaOf(t, "    - attack.t1003.008\n", ""),             // names no technique
	}
	c := coverageOf(t, []string{"Linux"}, rules...)
	var got []string
	for _, found := range column(t, c, "TA0006").Covered {
		got = append(got, fmt.Sprint(found.Technique.ID, " ", found.Rules, found.Tested, found.Confidence, found.Elsewhere))
	}
	if diff := cmp.Diff([]string{"T1003 3 2 0.9 false", "T1003.001 1 1 0.2 true", "T1003.008 2 1 0.9 false"}, got); diff != "" {
		t.Errorf("covered under TA0006 (-want +got):\n%s", diff)
	}
	total := rule.Share{}
	var gaps []string
	for _, technique := range attack.Techniques() {
		if strings.Contains(strings.Join(technique.Platforms, ","), "Linux") && strings.Contains(strings.Join(technique.Tactics, ","), "TA0006") {
			if !technique.IsSub() {
				total.Total++
			}
			if technique.ID != "T1003" && technique.ID != "T1003.008" {
				gaps = append(gaps, technique.ID)
			}
		}
	}
	total.Covered = 1
	if column := column(t, c, "TA0006"); column.Techniques != total || column.SubTechniques.Covered != 1 {
		t.Errorf("TA0006 = %+v of techniques, %+v of sub-techniques, want %+v and one", column.Techniques, column.SubTechniques, total)
	}
	var missed []string
	for _, gap := range column(t, c, "TA0006").Gaps {
		missed = append(missed, gap.ID)
	}
	if diff := cmp.Diff(gaps, missed); diff != "" {
		t.Errorf("gaps under TA0006 (-want +got):\n%s", diff)
	}
	if cron := column(t, c, "TA0002"); cron.Techniques.Covered != 0 {
		t.Errorf("TA0002 = %+v, want nothing: cron is emitted under TA0003 only", cron.Techniques)
	}
	if c.Techniques.Covered != 2 || c.SubTechniques.Covered != 2 {
		t.Errorf("covered under any tactic = %+v, %+v, want two each", c.Techniques, c.SubTechniques)
	}
	if len(c.Tactics) != len(attack.Tactics()) {
		t.Errorf("%d tactics, want all %d", len(c.Tactics), len(attack.Tactics()))
	}
	if r := (rule.Share{}).Ratio(); r != 0 {
		t.Errorf("share of nothing = %v, want 0", r)
	}
}

func TestCoverCountsByPlatform(t *testing.T) {
	t.Parallel()
	r := emitting(t, "R1", "", "TA0043 T1595.002 0.5")
	if pre := column(t, coverageOf(t, []string{"PRE"}, r), "TA0043"); pre.Techniques.Covered != 1 || pre.Covered[0].Elsewhere {
		t.Errorf("TA0043 on PRE = %+v", pre)
	}
	linux := column(t, coverageOf(t, []string{"Linux"}, r), "TA0043")
	if linux.Techniques != (rule.Share{}) || len(linux.Covered) != 2 || !linux.Covered[0].Elsewhere || len(linux.Gaps) != 0 {
		t.Errorf("TA0043 on Linux = %+v, want what is covered elsewhere", linux)
	}
	for _, tt := range []struct {
		platforms []string
		want      string
	}{
		{[]string{"Linux", "Unix"}, `unknown platform "Unix": one of Containers, ESXi, IaaS, Identity Provider, Linux, Network Devices, Office Suite, PRE, SaaS, Windows, macOS`},
		{nil, "no platform: name some of Containers, "},
	} {
		if _, err := rule.Cover(nil, tt.platforms); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("Cover on %q = %v, want %s", tt.platforms, err, tt.want)
		}
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	c := coverageOf(t, []string{"Linux"}, emitting(t, "R1", "", "TA0006 T1003.008 0.5"), emitting(t, "R2", "", "TA0003 T1053.003 0.5"))
	for _, tt := range []struct{ ids, want string }{
		{ids: "", want: "[]"},
		{ids: "T1003 T1003.008 T1053.003 TA0006", want: "[]"},
		{ids: "TA0001 T1059 T1003.008 T1003.001 T1059", want: "[T1003.001 T1059 TA0001]"},
		{ids: "T1562", want: "technique T1562 is revoked in ATT&CK v19.1: use T1685"},
		{ids: "t1003", want: `unknown technique "t1003": did you mean T1003?`},
		{ids: "TA0099", want: `unknown tactic "TA0099" in ATT&CK v19.1`},
		{ids: "gap", want: `unknown technique "gap" in ATT&CK v19.1`},
	} {
		missing, err := c.Missing(strings.Fields(tt.ids))
		got := fmt.Sprint(missing)
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("Missing(%s) = %s, want %s", tt.ids, got, tt.want)
		}
	}
	all, err := c.Missing([]string{rule.AllGaps})
	want := c.Techniques.Total - c.Techniques.Covered + c.SubTechniques.Total - c.SubTechniques.Covered
	if err != nil || len(all) != want || want == 0 {
		t.Errorf("Missing of all gaps = %d, %v, want the %d that are not covered under any tactic", len(all), err, want)
	}
}
