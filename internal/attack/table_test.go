package attack

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every function of the package panics if the embedded tables do not parse; this is what keeps that from users.
func TestEmbeddedTablesParse(t *testing.T) {
	table, err := parseTable(tacticsTSV, techniquesTSV)
	if err != nil {
		t.Fatalf("parseTable(embedded) = %v, want no error", err)
	}
	got := map[Status]int{}
	for _, technique := range table.techniques {
		got[technique.Status]++
	}
	if diff := cmp.Diff(map[Status]int{Active: 697, Revoked: 149, Deprecated: 12}, got); diff != "" {
		t.Errorf("techniques per status (-want +got):\n%s", diff)
	}
	if got, want := len(table.tactics), 15; got != want {
		t.Errorf("tactics = %d, want %d", got, want)
	}
}

func TestEmbeddedTablesCarryTheNotice(t *testing.T) {
	const notice = "# (c) 2025 The MITRE Corporation. This work is reproduced and distributed " +
		"with the permission of The MITRE Corporation.\n"
	for name, text := range map[string]string{"tactics": tacticsTSV, "techniques": techniquesTSV} {
		if !strings.HasPrefix(text, notice) {
			t.Errorf("the table of %s does not begin with ATT&CK's notice", name)
		}
		if !strings.Contains(text, "v"+Release) {
			t.Errorf("the table of %s does not say v%s", name, Release)
		}
	}
}

func TestEveryActiveTechniqueIsListedWhereItsParentIs(t *testing.T) {
	for id, technique := range embedded().techniques {
		if technique.Status != Active || !technique.IsSub() {
			continue
		}
		for _, tactic := range technique.Tactics {
			if err := Check(tactic, technique.Parent(), id); err != nil {
				t.Errorf("Check(%s, %s, %s) = %v, want nil", tactic, technique.Parent(), id, err)
			}
			if err := Check(tactic, technique.Parent(), ""); err != nil {
				t.Errorf("Check(%s, %s, \"\") = %v, want nil", tactic, technique.Parent(), err)
			}
		}
	}
}

func TestParseTableRefuses(t *testing.T) {
	const goodTactics = "TA0001\tone\tOne\t1\nTA0002\ttwo\tTwo\t2\n"
	for _, tt := range []struct {
		name                string
		tactics, techniques string // goodTactics if empty
		want                string
	}{
		{
			name: "a row that is cut short", tactics: "# comment\nTA0001\tone\tOne\n",
			want: `tactics: line 2: 3 columns, want 4`,
		},
		{
			name: "an order that is no number", tactics: "TA0001\tone\tOne\tfirst\n",
			want: `tactics: line 1: order: strconv.Atoi: parsing "first": invalid syntax`,
		},
		{
			name: "a gap in the order", tactics: "TA0001\tone\tOne\t1\nTA0002\ttwo\tTwo\t3\n",
			want: `tactics: line 2: order 3, want 2`,
		},
		{
			name: "a tactic that is there twice", tactics: "TA0001\tone\tOne\t1\nTA0002\tone\tTwo\t2\n",
			want: `tactics: line 2: "one" is there twice`,
		},
		{
			name: "a technique that is there twice", techniques: "T1\tactive\tTA0001\t\tA\tLinux\nT1\tactive\tTA0001\t\tA\tLinux\n",
			want: `techniques: line 2: "T1" is there twice`,
		},
		{
			name: "an unknown status", techniques: "T1\tgone\tTA0001\t\tA\t\n",
			want: `techniques: line 1: unknown status "gone"`,
		},
		{
			name: "an active technique without tactic", techniques: "T1\tactive\t\t\tA\tLinux\n",
			want: `techniques: line 1: active with 0 tactics`,
		},
		{
			name: "an active technique without platform", techniques: "T1\tactive\tTA0001\t\tA\t\n",
			want: `techniques: line 1: active with 0 platforms`,
		},
		{
			name: "a revoked technique without replacement", techniques: "T1\trevoked\t\t\tA\t\n",
			want: `techniques: line 1: revoked with replacement ""`,
		},
		{
			name: "an unknown tactic", techniques: "T1\tactive\tTA0003\t\tA\tLinux\n",
			want: `techniques: line 1: unknown tactic "TA0003"`,
		},
		{
			name: "tactics out of order", techniques: "T1\tactive\tTA0002,TA0001\t\tA\tLinux\n",
			want: `techniques: line 1: tactic TA0001 is out of matrix order`,
		},
		{
			name: "a sub-technique without parent", techniques: "T1.001\tactive\tTA0001\t\tA\tLinux\n",
			want: `techniques: T1.001: its parent T1 is not an active technique`,
		},
		{
			name: "a replacement that is not there", techniques: "T1\trevoked\t\tT2\tA\t\n",
			want: `techniques: T1: its replacement does not lead to an active technique`,
		},
		{
			name: "a replacement by itself", techniques: "T1\trevoked\t\tT1\tA\t\n",
			want: `techniques: T1: its replacement does not lead to an active technique`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tactics := tt.tactics
			if tactics == "" {
				tactics = goodTactics
			}
			_, err := parseTable(tactics, tt.techniques)
			if err == nil || err.Error() != tt.want {
				t.Errorf("parseTable(%q, %q) = %v, want %s", tactics, tt.techniques, err, tt.want)
			}
		})
	}
}

func TestCurrentFollowsSeveralReplacements(t *testing.T) {
	table, err := parseTable("TA0001\tone\tOne\t1\n",
		"T1\trevoked\t\tT2\tA\t\nT2\trevoked\t\tT3\tB\t\nT3\tactive\tTA0001\t\tC\tLinux\n")
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := table.current("T1"); got != "T3" || !ok {
		t.Errorf("current(T1) = %q, %t, want T3, true", got, ok)
	}
}
