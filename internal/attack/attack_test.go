package attack

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTacticsOfTheRelease(t *testing.T) {
	want := []string{
		"TA0043", "TA0042", "TA0001", "TA0002", "TA0003", "TA0004", "TA0005", "TA0112",
		"TA0006", "TA0007", "TA0008", "TA0009", "TA0011", "TA0010", "TA0040",
	}
	var got []string
	for i, tactic := range Tactics() {
		got = append(got, tactic.ID)
		if tactic.Order != i+1 {
			t.Errorf("Tactics()[%d].Order = %d, want %d", i, tactic.Order, i+1)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Tactics() ids (-want +got):\n%s", diff)
	}
}

func TestLookupTactic(t *testing.T) {
	stealth := Tactic{ID: "TA0005", ShortName: "stealth", Name: "Stealth", Order: 7}
	impairment := Tactic{ID: "TA0112", ShortName: "defense-impairment", Name: "Defense Impairment", Order: 8}
	for _, tt := range []struct {
		key    string
		want   Tactic
		wantOK bool
	}{
		{key: "TA0005", want: stealth, wantOK: true},
		{key: "stealth", want: stealth, wantOK: true},
		{key: "TA0112", want: impairment, wantOK: true},
		{key: "defense-impairment", want: impairment, wantOK: true},
		{key: "defense-evasion"}, // gone since v19
		{key: "Stealth"},
		{key: "ta0005"},
		{key: ""},
	} {
		got, ok := LookupTactic(tt.key)
		if diff := cmp.Diff(tt.want, got); diff != "" || ok != tt.wantOK {
			t.Errorf("LookupTactic(%q) = _, %t, want _, %t (-want +got):\n%s", tt.key, ok, tt.wantOK, diff)
		}
	}
}

func TestLookup(t *testing.T) {
	for _, tt := range []struct {
		name   string
		id     string
		want   Technique
		wantOK bool
	}{
		{
			name: "technique", id: "T1003", wantOK: true,
			want: Technique{
				ID: "T1003", Name: "OS Credential Dumping", Tactics: []string{"TA0006"}, Status: Active,
				Platforms: []string{"Linux", "Windows", "macOS"},
			},
		},
		{
			name: "sub-technique", id: "T1003.008", wantOK: true,
			want: Technique{
				ID: "T1003.008", Name: "/etc/passwd and /etc/shadow", Tactics: []string{"TA0006"}, Status: Active,
				Platforms: []string{"Linux"},
			},
		},
		{
			name: "tactics are in matrix order", id: "T1078", wantOK: true,
			want: Technique{
				ID: "T1078", Name: "Valid Accounts", Status: Active,
				Tactics: []string{"TA0001", "TA0003", "TA0004", "TA0005"},
				Platforms: []string{
					"Containers", "ESXi", "IaaS", "Identity Provider", "Linux", "Network Devices", "Office Suite", "SaaS", "Windows", "macOS",
				},
			},
		},
		{
			name: "revoked", id: "T1562.001", wantOK: true,
			want: Technique{
				ID: "T1562.001", Name: "Disable or Modify Tools", Status: Revoked, ReplacedBy: "T1685",
			},
		},
		{
			name: "deprecated", id: "T1064", wantOK: true,
			want: Technique{ID: "T1064", Name: "Scripting", Status: Deprecated},
		},
		{name: "unknown", id: "T9999"},
		{name: "tactic", id: "TA0006"},
		{name: "empty"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := Lookup(tt.id)
			if diff := cmp.Diff(tt.want, got); diff != "" || ok != tt.wantOK {
				t.Errorf("Lookup(%q) = _, %t, want _, %t (-want +got):\n%s", tt.id, ok, tt.wantOK, diff)
			}
		})
	}
}

// A caller that sorts or cuts what it was given must not change the table for everybody else.
func TestResultsAreCopies(t *testing.T) {
	Tactics()[0].ID = "changed"
	if got := Tactics()[0].ID; got != "TA0043" {
		t.Errorf("Tactics()[0].ID = %q after a caller's change, want TA0043", got)
	}
	technique, _ := Lookup("T1003")
	technique.Tactics[0] = "changed"
	if again, _ := Lookup("T1003"); again.Tactics[0] != "TA0006" {
		t.Errorf("Lookup(T1003).Tactics[0] = %q after a caller's change, want TA0006", again.Tactics[0])
	}
}

func TestParent(t *testing.T) {
	for _, tt := range []struct {
		id, want string
	}{
		{id: "T1003.008", want: "T1003"},
		{id: "T1003"},
		{id: ""},
	} {
		technique := Technique{ID: tt.id}
		if got := technique.Parent(); got != tt.want {
			t.Errorf("Technique{ID: %q}.Parent() = %q, want %q", tt.id, got, tt.want)
		}
		if got, want := technique.IsSub(), tt.want != ""; got != want {
			t.Errorf("Technique{ID: %q}.IsSub() = %t, want %t", tt.id, got, want)
		}
	}
}

func TestCurrent(t *testing.T) {
	for _, tt := range []struct {
		name, id, want string
	}{
		{name: "an active technique stands for itself", id: "T1003.008", want: "T1003.008"},
		{name: "technique became a sub-technique", id: "T1086", want: "T1059.001"},
		{name: "sub-technique became a technique", id: "T1562.001", want: "T1685"},
		{name: "technique moved below another", id: "T1656", want: "T1684.001"},
		{name: "deprecated has no successor", id: "T1064"},
		{name: "unknown", id: "T9999"},
		{name: "empty"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := Current(tt.id)
			if got != tt.want || ok != (tt.want != "") {
				t.Errorf("Current(%q) = %q, %t, want %q, %t", tt.id, got, ok, tt.want, tt.want != "")
			}
		})
	}
}

func TestURL(t *testing.T) {
	for _, tt := range []struct {
		id, want string
	}{
		{id: "T1003", want: "https://attack.mitre.org/techniques/T1003/"},
		{id: "T1003.008", want: "https://attack.mitre.org/techniques/T1003/008/"},
		{id: ""},
	} {
		if got := URL(tt.id); got != tt.want {
			t.Errorf("URL(%q) = %q, want %q", tt.id, got, tt.want)
		}
	}
}
