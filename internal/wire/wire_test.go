package wire

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"ttpworker/internal/tagger"
)

func newDecoder(tb testing.TB, limits Limits) *Decoder {
	tb.Helper()
	d, err := NewDecoder(limits)
	if err != nil {
		tb.Fatal(err)
	}
	for r, id := range ids() {
		if err := d.Learn(RefByID(id), "", SchemaText(r)); err != nil {
			tb.Fatal(err)
		}
	}
	return d
}

// ids are those of a registry that newDecoder and newEncoder know.
func ids() map[Record]uint32 {
	return map[Record]uint32{EventRecord: 1, TagRecord: 2, RuleReloadedRecord: 3, RuleStateRecord: 1 << 31, RuleArchiveRecord: 5}
}

func newEncoder(tb testing.TB, framing Framing) *Encoder {
	tb.Helper()
	if framing == Confluent {
		return NewConfluentEncoder(ids())
	}
	e, err := NewEncoder(framing)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// at is a time of full precision.
func at() time.Time { return time.Date(2026, 3, 1, 12, 30, 45, 123456000, time.UTC) }

// fullEvent has every field set.
func fullEvent() tagger.TaggerEvent {
	return tagger.TaggerEvent{
		SourceKind: "command", SourceID: "cmd-1", AttackerUUID: "a-1", IdentityUUID: "i-1", SessionID: "s-1", DeckyID: "d-1",
		EventTime: at(), Payload: []byte(`{"command_text":"cat /etc/shadow","uid":0,"big":12345678901234567890.10}`),
	}
}

func bareEvent() tagger.TaggerEvent {
	return tagger.TaggerEvent{SourceKind: "email", SourceID: "m-1", Payload: []byte(`{}`)}
}

func fullTag() tagger.Tag {
	version := 3
	return tagger.Tag{
		ID: uuid.MustParse("5bf7bf99-d026-5137-bf29-c076c5554b8f"), SourceKind: "command", SourceID: "cmd-1",
		AttackerUUID: "a-1", IdentityUUID: "i-1", SessionID: "s-1", DeckyID: "d-1", EventTime: at(),
		Tactic: "TA0006", TechniqueID: "T1003", SubTechniqueID: "T1003.008", Confidence: 0.5, ConfidenceBase: 0.95,
		RuleID: "R0014", RuleVersion: &version, RuleDigest: "00ff", RuleState: tagger.Clipped,
		Evidence: []byte(`{"command_text":"a <b> & \"c\""}`), AttackRelease: "19.1",
		MITREURL: "https://attack.mitre.org/techniques/T1003/008/",
	}
}

// bareTag is that of a Sigma rule without technique on an event without time.
func bareTag() tagger.Tag {
	return tagger.Tag{
		ID: uuid.MustParse("5bf7bf99-d026-5137-bf29-c076c5554b8f"), SourceKind: "command", SourceID: "cmd-1",
		RuleID: "R0014", RuleDigest: "00ff", RuleState: tagger.Enabled, Evidence: []byte(`{}`), AttackRelease: "19.1",
	}
}

func fullReloaded() RuleReloaded {
	version := 7
	return RuleReloaded{
		RuleID: "R0014", Name: "etc_shadow_read", RuleDigest: "00ff", FileSHA256: "ff00", SourcePath: "ttp/R0014.yaml",
		YAML: "rule_id: R0014\nname: \"x\"\n", RuleVersion: &version, Kinds: []string{"command", "payload"},
		Emits: []Emit{
			{Tactic: "TA0006", TechniqueID: "T1003", SubTechniqueID: "T1003.008", Confidence: 0.95},
			{Tactic: "TA0009", TechniqueID: "T1005", Confidence: 1e-7},
		},
		LoadedBy: "worker-0", LoadedAt: at(),
	}
}

func bareReloaded() RuleReloaded {
	return RuleReloaded{RuleID: "sigma-1", Kinds: []string{}, LoadedAt: at()}
}

func fullArchive() RuleArchive {
	version, semantics, confidence := 7, 4, 0.75
	return RuleArchive{
		RuleID: "6a1f7c6e", RuleVersion: &version, RuleDigest: "00ff", SourcePath: "ttp/R0014.yaml", YAML: "title: \"x\"\n",
		Lists: []SharedList{{Name: "tools", Values: []string{"curl", "w*t"}}, {Name: "users", Values: []string{"root"}}},
		Filters: []MergedFilter{
			{Path: "a.yml", YAML: "filter: {}\n", Lists: []SharedList{{Name: "tools", Values: []string{"other"}}}}, {Path: "b.yml", YAML: "b"},
		},
		Kinds: []string{"command"}, SigmaFields: []MappedField{{Name: "CommandLine", Path: "command_text"}, {Name: "User", Path: "user"}},
		SigmaConfidence: &confidence, AttackRelease: "19.1", EngineSemantics: &semantics, ArchivedBy: "worker-0", ArchivedAt: at(),
	}
}

func bareArchive() RuleArchive { return RuleArchive{RuleID: "R1", Kinds: []string{}, ArchivedAt: at()} }

func fullState() RuleState {
	ceiling := 0.4
	return RuleState{
		RuleID: "R0014", StateID: "0b0e7a5c-6c56-4c4e-9d5e-0a8f6b0d7f11", State: tagger.Clipped, Reason: "noisy, says SOC",
		SetBy: "anna", ConfidenceMax: &ceiling, ExpiresAt: at().Add(2 * time.Hour), SetAt: at(), Reverts: "1b0e7a5c",
	}
}

func bareState() RuleState {
	return RuleState{RuleID: "R0014", StateID: "0b0e", State: tagger.Enabled, SetAt: at()}
}

// wantFault checks that err is of the class and says the text.
func wantFault(t *testing.T, err error, class Class, text string) {
	t.Helper()
	fault, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("error %v (%T), want an *Error of class %s", err, err, class)
	}
	if got := fault.Error(); fault.Class != class || got != string(class)+": "+text {
		t.Errorf("error\n %s, want\n %s: %s", got, class, text)
	}
}

// classOf is the class of a decoder's error, "" for nil, "?" for a foreign error.
func classOf(err error) Class {
	if err == nil {
		return ""
	}
	if fault, ok := errors.AsType[*Error](err); ok {
		return fault.Class
	}
	return "?"
}
