package attack

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCheckAccepts(t *testing.T) {
	for _, tt := range []struct {
		name, tactic, technique, sub string
	}{
		{name: "technique", tactic: "TA0006", technique: "T1003"},
		{name: "sub-technique", tactic: "TA0006", technique: "T1003", sub: "T1003.008"},
		{name: "the new tactic", tactic: "TA0112", technique: "T1685"},
		{name: "the tactic that changed its name", tactic: "TA0005", technique: "T1070", sub: "T1070.004"},
		{name: "one of several tactics", tactic: "TA0004", technique: "T1078"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := Check(tt.tactic, tt.technique, tt.sub); err != nil {
				t.Errorf("Check(%q, %q, %q) = %v, want nil", tt.tactic, tt.technique, tt.sub, err)
			}
		})
	}
}

func TestCheckRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, tactic, technique, sub string
		want                         []string
	}{
		{
			name: "everything is missing",
			want: []string{
				"tactic: missing, want an id such as TA0006",
				"technique_id: missing, want an id such as T1003",
			},
		},
		{
			name: "all three are wrong, told in field order", tactic: "TA9999", technique: "T9999", sub: "T9999.001",
			want: []string{
				`tactic: unknown tactic "TA9999" in ATT&CK v19.1`,
				`technique_id: unknown technique "T9999" in ATT&CK v19.1`,
				`sub_technique_id: unknown technique "T9999.001" in ATT&CK v19.1`,
			},
		},
		{
			name: "tactic by its short name", tactic: "credential-access", technique: "T1003",
			want: []string{`tactic: "credential-access" is a short name: write TA0006`},
		},
		{
			name: "tactic that v19 gave up", tactic: "defense-evasion", technique: "T1070",
			want: []string{`tactic: unknown tactic "defense-evasion" in ATT&CK v19.1`},
		},
		{
			name: "small letters", tactic: "ta0006", technique: "t1003", sub: "t1003.008 ",
			want: []string{
				`tactic: unknown tactic "ta0006": did you mean TA0006?`,
				`technique_id: unknown technique "t1003": did you mean T1003?`,
				`sub_technique_id: unknown technique "t1003.008 ": did you mean T1003.008?`,
			},
		},
		{
			name: "revoked sub-technique as technique", tactic: "TA0112", technique: "T1562.001",
			want: []string{"technique_id: technique T1562.001 is revoked in ATT&CK v19.1: use T1685"},
		},
		{
			name: "revoked with its parent", tactic: "TA0112", technique: "T1562", sub: "T1562.004",
			want: []string{
				"technique_id: technique T1562 is revoked in ATT&CK v19.1: use T1685",
				"sub_technique_id: technique T1562.004 is revoked in ATT&CK v19.1: use T1686",
			},
		},
		{
			name: "revoked below an active parent", tactic: "TA0005", technique: "T1070", sub: "T1070.002",
			want: []string{"sub_technique_id: technique T1070.002 is revoked in ATT&CK v19.1: use T1685.006"},
		},
		{
			name: "deprecated", tactic: "TA0002", technique: "T1064",
			want: []string{"technique_id: technique T1064 is deprecated in ATT&CK v19.1 and has no successor"},
		},
		{
			name: "sub-technique as technique", tactic: "TA0006", technique: "T1003.008",
			want: []string{
				"technique_id: T1003.008 is a sub-technique: write T1003 here and T1003.008 as sub_technique_id",
			},
		},
		{
			name: "technique as sub-technique", tactic: "TA0006", technique: "T1003", sub: "T1003",
			want: []string{"sub_technique_id: T1003 is not a sub-technique"},
		},
		{
			name: "sub-technique of another", tactic: "TA0006", technique: "T1003", sub: "T1110.001",
			want: []string{"sub_technique_id: T1110.001 is a sub-technique of T1110, not of T1003"},
		},
		{
			name: "only the number of the sub-technique", tactic: "TA0006", technique: "T1003", sub: "008",
			want: []string{`sub_technique_id: "008" is not a full id: write T1003.008`},
		},
		{
			name: "a number that is no sub-technique", tactic: "TA0006", technique: "T1003", sub: ".999",
			want: []string{`sub_technique_id: unknown technique ".999" in ATT&CK v19.1`},
		},
		{
			name: "not in that tactic", tactic: "TA0001", technique: "T1003", sub: "T1003.008",
			want: []string{"tactic: technique T1003.008 is not listed under TA0001 (Initial Access): " +
				"it is under TA0006 (Credential Access)"},
		},
		{
			name: "not in that tactic but in several", tactic: "TA0040", technique: "T1078",
			want: []string{"tactic: technique T1078 is not listed under TA0040 (Impact): it is under " +
				"TA0001 (Initial Access), TA0003 (Persistence), TA0004 (Privilege Escalation), TA0005 (Stealth)"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := faults(t, Check(tt.tactic, tt.technique, tt.sub))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Check(%q, %q, %q) (-want +got):\n%s", tt.tactic, tt.technique, tt.sub, diff)
			}
		})
	}
}

// faults takes err apart as a caller does that wants to place each fault at its field.
func faults(t *testing.T, err error) []string {
	t.Helper()
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("Check() = %T (%v), want a joined error", err, err)
	}
	var texts []string
	for _, e := range joined.Unwrap() {
		fault, ok := errors.AsType[*FieldError](e)
		if !ok {
			t.Fatalf("joined error %v is a %T, want *FieldError", e, e)
		}
		if got, want := fault.Error(), fault.Field+": "+errors.Unwrap(fault).Error(); got != want {
			t.Errorf("FieldError.Error() = %q, want %q", got, want)
		}
		texts = append(texts, fault.Error())
	}
	return texts
}

func TestCheckActive(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ id, want string }{
		{"T1003", ""},
		{"T1003.008", ""},
		{"T1562.001", "technique T1562.001 is revoked in ATT&CK v19.1: use T1685"},
		{"t1003", `unknown technique "t1003": did you mean T1003?`},
		{"T0000", `unknown technique "T0000" in ATT&CK v19.1`},
		{"", `unknown technique "" in ATT&CK v19.1`},
	} {
		got := ""
		if err := CheckActive(tt.id); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("CheckActive(%q) = %q, want %q", tt.id, got, tt.want)
		}
	}
}
