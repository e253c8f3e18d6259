package tagger_test

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"ttpworker/internal/tagger"
)

func TestTagIDVector(t *testing.T) {
	t.Parallel()
	ev := tagger.TaggerEvent{SourceKind: "command", SourceID: "x"}
	emit := tagger.Emit{Tactic: "TA0006", TechniqueID: "T1003", SubTechniqueID: "T1003.008", Confidence: 0.95}
	const want = "5bf7bf99-d026-5137-bf29-c076c5554b8f"
	if got := tagger.TagID(&ev, "R0014", &emit).String(); got != want {
		t.Errorf("TagID(x, command, x, R0014, TA0006, T1003, T1003.008) = %s, want %s", got, want)
	}
}

// TestTagIDEncoding writes the hashed bytes by hand: lengths in 4 bytes, FFFFFFFF for null, an empty text is not null.
func TestTagIDEncoding(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		ev   tagger.TaggerEvent
		rule string
		emit tagger.Emit
		want string // hexadecimal with spaces
	}{
		{
			name: "all given", ev: tagger.TaggerEvent{SourceKind: "k", SourceID: "id", AttackerUUID: "att"}, rule: "R",
			emit: tagger.Emit{Tactic: "T1", TechniqueID: "T2", SubTechniqueID: "T3"},
			want: "00000003 617474  00000001 6b  00000002 6964  00000001 52  00000002 5431  00000002 5432  00000002 5433",
		},
		{
			name: "no sub-technique is null", ev: tagger.TaggerEvent{SourceKind: "k", SourceID: "i"}, rule: "R",
			emit: tagger.Emit{Tactic: "T1", TechniqueID: "T2"},
			want: "00000001 69  00000001 6b  00000001 69  00000001 52  00000002 5431  00000002 5432  ffffffff",
		},
		{
			name: "no technique at all is three times null", ev: tagger.TaggerEvent{SourceKind: "k", SourceID: "i"}, rule: "R",
			want: "00000001 69  00000001 6b  00000001 69  00000001 52  ffffffff  ffffffff  ffffffff",
		},
		{
			name: "an empty identifier is an empty text", want: "00000000  00000000  00000000  00000000  ffffffff  ffffffff  ffffffff",
		},
		{
			name: "lengths count bytes", ev: tagger.TaggerEvent{SourceKind: "k", SourceID: "\u00e4"}, rule: "R",
			want: "00000002 c3a4  00000001 6b  00000002 c3a4  00000001 52  ffffffff  ffffffff  ffffffff",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			data, err := hex.DecodeString(strings.ReplaceAll(tt.want, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			want := uuid.NewSHA1(uuid.MustParse("5307f318-6069-59ee-9960-8c2feecf2388"), data)
			got := tagger.TagID(&tt.ev, tt.rule, &tt.emit)
			if got != want {
				t.Errorf("TagID = %s, want %s", got, want)
			}
			if got.Version() != 5 || got.Variant() != uuid.RFC4122 {
				t.Errorf("TagID = %s of version %d, want version 5 of the RFC's variant", got, got.Version())
			}
		})
	}
}

// TestTagIDTellsFindingsApart moves characters over the border between two neighbouring fields: the lengths keep
// them apart.
func TestTagIDTellsFindingsApart(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := func(name string) string { return rapid.StringMatching(`[a-c]{0,3}`).Draw(t, name) }
		draw := func(n string) [7]string {
			return [7]string{
				text("session" + n), text("kind" + n), text("id" + n), text("rule" + n), text("tactic" + n), text("technique" + n), text("sub" + n),
			}
		}
		id := func(f [7]string) ([7]string, uuid.UUID) {
			ev := tagger.TaggerEvent{SessionID: f[0], SourceKind: f[1], SourceID: f[2]}
			f[0] = ev.Anchor()
			return f, tagger.TagID(&ev, f[3], &tagger.Emit{Tactic: f[4], TechniqueID: f[5], SubTechniqueID: f[6]})
		}
		a, idA := id(draw("A"))
		b, idB := id(draw("B"))
		if (a == b) != (idA == idB) {
			t.Fatalf("%q has %s, %q has %s", a, idA, b, idB)
		}
	})
}

func TestAnchorIsTheFirstThatIsNotEmpty(t *testing.T) {
	t.Parallel()
	ev := tagger.TaggerEvent{
		SourceID: "source", SessionID: "session", IdentityUUID: "identity", AttackerUUID: "attacker", DeckyID: "decky", SourceKind: "kind",
	}
	for _, step := range []struct {
		want  string
		clear *string
	}{
		{"attacker", &ev.AttackerUUID},
		{"identity", &ev.IdentityUUID},
		{"session", &ev.SessionID},
		{"source", &ev.SourceID},
		{"", &ev.DeckyID},
	} {
		if got := ev.Anchor(); got != step.want {
			t.Errorf("Anchor() = %q, want %q", got, step.want)
		}
		*step.clear = ""
	}
}

func TestStandingLimit(t *testing.T) {
	t.Parallel()
	ceiling := func(f float64) *float64 { return &f }
	for _, tt := range []struct {
		name string
		max  *float64
		base float64
		want float64
	}{
		{name: "no ceiling", base: 0.9, want: 0.9},
		{name: "ceiling above", max: ceiling(0.95), base: 0.9, want: 0.9},
		{name: "ceiling below", max: ceiling(0.2), base: 0.9, want: 0.2},
		{name: "ceiling of zero is a ceiling", max: ceiling(0), base: 0.9, want: 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := tagger.Standing{State: tagger.Clipped, ConfidenceMax: tt.max}
			if got := s.Limit(tt.base); got != tt.want {
				t.Errorf("Limit(%v) = %v, want %v", tt.base, got, tt.want)
			}
		})
	}
	if got := tagger.DefaultStanding(); got.State != tagger.Enabled || got.ConfidenceMax != nil || got.State != tagger.States()[0] {
		t.Errorf("DefaultStanding() = %+v, want enabled without a ceiling, first of States", got)
	}
}

func TestOriginTag(t *testing.T) {
	t.Parallel()
	version, ceiling := 3, 0.5
	ev := tagger.TaggerEvent{
		SourceKind: "command", SourceID: "x", AttackerUUID: "a", IdentityUUID: "i", SessionID: "s", DeckyID: "d",
		EventTime: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC), Payload: []byte("{}"),
	}
	emit := tagger.Emit{Tactic: "TA0006", TechniqueID: "T1003", SubTechniqueID: "T1003.008", Confidence: 0.9, MITREURL: "https://x/"}
	origin := tagger.Origin{
		RuleID: "R1", RuleVersion: &version, RuleDigest: "d1", AttackRelease: "19.1",
		Standing: tagger.Standing{State: tagger.Shadow, ConfidenceMax: &ceiling},
	}
	got := origin.Tag(&ev, &emit, []byte(`{"k":1}`))
	want := tagger.Tag{
		ID: tagger.TagID(&ev, "R1", &emit), SourceKind: "command", SourceID: "x", AttackerUUID: "a", IdentityUUID: "i", SessionID: "s",
		DeckyID: "d", EventTime: ev.EventTime, Tactic: "TA0006", TechniqueID: "T1003", SubTechniqueID: "T1003.008", Confidence: 0.5,
		ConfidenceBase: 0.9, RuleID: "R1", RuleVersion: &version, RuleDigest: "d1", RuleState: tagger.Shadow,
		Evidence: []byte(`{"k":1}`), AttackRelease: "19.1", MITREURL: "https://x/",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Tag (-want +got):\n%s", diff)
	}
	if got.Technique() != "T1003.008" {
		t.Errorf("Technique() = %s, want T1003.008", got.Technique())
	}
	got.SubTechniqueID = ""
	if got.Technique() != "T1003" {
		t.Errorf("Technique() without a sub-technique = %s, want T1003", got.Technique())
	}
}

func TestBuiltinKindsAreTheCallersCopy(t *testing.T) {
	t.Parallel()
	tagger.BuiltinKinds()[0] = "scribble"
	if got := tagger.BuiltinKinds(); len(got) != 12 || got[0] != "command" {
		t.Errorf("BuiltinKinds() = %q, want the 12 of the documentation, command first", got)
	}
}
