package attack

import (
	"strings"
	"testing"
)

func TestMove(t *testing.T) {
	for _, tt := range []struct{ name, tactic, id, want string }{
		{name: "what holds", tactic: "TA0006", id: "T1003.008", want: "TA0006 T1003.008"},
		{name: "a successor under the same tactic", tactic: "TA0009", id: "T1002", want: "TA0009 T1560"},
		{name: "a successor in the other half of defense evasion", tactic: "TA0005", id: "T1562.001", want: "TA0112 T1685"},
		{name: "a sub-technique that became another one's", tactic: "TA0005", id: "T1070.002", want: "TA0112 T1685.006"},
		{name: "an active technique that moved", tactic: "TA0005", id: "T1222.002", want: "TA0112 T1222.002"},
		{name: "one that moved and is under others, too", tactic: "TA0005", id: "T1556.003", want: "TA0112 T1556.003"},
		{name: "one that stayed", tactic: "TA0005", id: "T1574.006", want: "TA0005 T1574.006"},
		{name: "the only tactic that is left", tactic: "TA0005", id: "T1548.003", want: "TA0004 T1548.003"},
		{
			name: "a choice", tactic: "TA0003", id: "T1574.006",
			want: "technique T1574.006 is not listed under TA0003 (Persistence) in ATT&CK v19.1: choose TA0002 (Execution) or TA0005 (Stealth)",
		},
		{name: "no successor", tactic: "TA0002", id: "T1064", want: "technique T1064 is deprecated in ATT&CK v19.1 and has no successor"},
		{name: "no technique", tactic: "TA0002", id: "T9999", want: `unknown technique "T9999" in ATT&CK v19.1`},
		{name: "no tactic", tactic: "TA9999", id: "T1003", want: `unknown tactic "TA9999" in ATT&CK v19.1`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tactic, id, err := Move(tt.tactic, tt.id)
			got := tactic + " " + id
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("Move(%s, %s) = %s, want %s", tt.tactic, tt.id, got, tt.want)
			}
		})
	}
}

func TestMoveHoldsForEveryTechnique(t *testing.T) {
	for id, technique := range embedded().techniques {
		for _, tactic := range Tactics() {
			newTactic, newID, err := Move(tactic.ID, id)
			if err != nil {
				continue
			}
			parent, sub := newID, ""
			if p := parentID(newID); p != "" {
				parent, sub = p, newID
			}
			if err := Check(newTactic, parent, sub); err != nil || technique.Status == Active && newID != id {
				t.Errorf("Move(%s, %s) = %s, %s: %v", tactic.ID, id, newTactic, newID, err)
			}
		}
	}
}

func TestDefenseEvasionOf(t *testing.T) {
	for _, tt := range []struct {
		ids  []string
		want string
	}{
		{ids: []string{"T1027"}, want: "stealth"},
		{ids: []string{"T1685", "T1003"}, want: "defense-impairment"},
		{ids: []string{"T1685", "T1027"}, want: "stealth defense-impairment"},
		{ids: []string{"T1003"}},
		{},
	} {
		var names []string
		for _, tactic := range DefenseEvasionOf(tt.ids...) {
			names = append(names, tactic.ShortName)
		}
		if got := strings.Join(names, " "); got != tt.want {
			t.Errorf("DefenseEvasionOf(%q) = %q, want %q", tt.ids, got, tt.want)
		}
	}
}

func TestTechniquesAndPlatforms(t *testing.T) {
	all, known := Techniques(), Platforms()
	if len(all) != 697 || all[0].ID != "T1001" {
		t.Errorf("Techniques() = %d from %s, want 697 from T1001", len(all), all[0].ID)
	}
	if len(known) != 11 || known[0] != "Containers" {
		t.Errorf("Platforms() = %q", known)
	}
	all[0].Platforms[0], all[0].Tactics[0] = "x", "x"
	if again, _ := Lookup("T1001"); again.Platforms[0] == "x" || again.Tactics[0] == "x" {
		t.Error("the slices of a technique are not the caller's")
	}
}
