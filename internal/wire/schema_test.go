package wire

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hamba/avro/v2"

	"ttpworker/schemas"
)

// reference parses an embedded schema with the library, the reference that this package's own reading and writing
// is held against.
func reference(t *testing.T, text string) avro.Schema {
	t.Helper()
	s, err := avro.ParseWithCache(text, "", &avro.SchemaCache{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type avroEvent struct {
	SourceKind   string     `avro:"source_kind"`
	SourceID     string     `avro:"source_id"`
	AttackerUUID *string    `avro:"attacker_uuid"`
	IdentityUUID *string    `avro:"identity_uuid"`
	SessionID    *string    `avro:"session_id"`
	DeckyID      *string    `avro:"decky_id"`
	EventTime    *time.Time `avro:"event_time"`
	Payload      string     `avro:"payload"`
}

func TestEventsAgreeWithTheLibrary(t *testing.T) {
	schema := reference(t, schemas.TaggerEvent())
	d, e := newDecoder(t, DefaultLimits()), newEncoder(t, SingleObject)
	full, bare := fullEvent(), bareEvent()
	when := at()
	for _, tt := range []struct {
		ours   any
		theirs avroEvent
	}{
		{full, avroEvent{
			SourceKind: "command", SourceID: "cmd-1", AttackerUUID: new("a-1"), IdentityUUID: new("i-1"),
			SessionID: new("s-1"), DeckyID: new("d-1"), EventTime: &when, Payload: string(full.Payload),
		}},
		{bare, avroEvent{SourceKind: "email", SourceID: "m-1", Payload: "{}"}},
	} {
		theirs, err := avro.Marshal(schema, tt.theirs)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := d.Event(append(header(t, EventRecord), theirs...), time.Time{})
		checkSame(t, any(got), tt.ours, err)
		ours, err := e.Event(nil, &got)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(theirs, ours[10:]); diff != "" {
			t.Errorf("datum (-library +ours):\n%s", diff)
		}
	}
}

func TestOutputsAgreeWithTheLibrary(t *testing.T) {
	e := newEncoder(t, SingleObject)
	tag, rule, state, archive := fullTag(), fullReloaded(), fullState(), fullArchive()
	bTag, bRule, bState, bArchive := bareTag(), bareReloaded(), bareState(), bareArchive()
	for _, tt := range []struct {
		name   string
		schema string
		encode func() ([]byte, error)
		want   map[string]any // a few telling fields as the library sees them
	}{
		{"tag", schemas.Tag(), func() ([]byte, error) { return e.Tag(nil, &tag, at()) }, map[string]any{
			"tag_id": tag.ID.String(), "tactic": "TA0006", "sub_technique_id": "T1003.008", "confidence": 0.5,
			"rule_version": 3, "rule_state": "clipped", "evidence": string(tag.Evidence), "tagged_at": at(),
			"event_time": at(),
		}},
		{"bare tag", schemas.Tag(), func() ([]byte, error) { return e.Tag(nil, &bTag, at()) }, map[string]any{
			"tactic": nil, "technique_id": nil, "sub_technique_id": nil, "rule_version": nil, "mitre_url": nil, "event_time": nil,
		}},
		{"rule", schemas.RuleReloaded(), func() ([]byte, error) { return e.RuleReloaded(nil, &rule) }, map[string]any{
			"yaml": rule.YAML, "kinds": []any{"command", "payload"}, "loaded_at": at(), "emits": []any{
				map[string]any{"tactic": "TA0006", "technique_id": "T1003", "sub_technique_id": "T1003.008", "confidence": 0.95},
				map[string]any{"tactic": "TA0009", "technique_id": "T1005", "sub_technique_id": nil, "confidence": 1e-7},
			},
		}},
		{"bare rule", schemas.RuleReloaded(), func() ([]byte, error) { return e.RuleReloaded(nil, &bRule) }, map[string]any{
			"rule_version": nil, "kinds": []any{}, "emits": []any{},
		}},
		{"state", schemas.RuleState(), func() ([]byte, error) { return e.RuleState(nil, &state) }, map[string]any{
			"state": "clipped", "confidence_max": 0.4, "set_at": at(), "reverts": "1b0e7a5c",
			"expires_at": at().Add(2 * time.Hour),
		}},
		{"bare state", schemas.RuleState(), func() ([]byte, error) { return e.RuleState(nil, &bState) }, map[string]any{
			"confidence_max": nil, "expires_at": nil, "reverts": nil,
		}},
		{"archive", schemas.RuleArchive(), func() ([]byte, error) { return e.RuleArchive(nil, &archive) }, map[string]any{
			"yaml": archive.YAML, "kinds": []any{"command"}, "sigma_confidence": 0.75, "engine_semantics": 4, "archived_at": at(),
			"filters": []any{
				map[string]any{"path": "a.yml", "yaml": "filter: {}\n", "lists": []any{map[string]any{"name": "tools", "values": []any{"other"}}}},
				map[string]any{"path": "b.yml", "yaml": "b", "lists": []any{}},
			},
		}},
		{"bare archive", schemas.RuleArchive(), func() ([]byte, error) { return e.RuleArchive(nil, &bArchive) }, map[string]any{
			"rule_version": nil, "lists": []any{}, "sigma_fields": []any{}, "sigma_confidence": nil, "engine_semantics": nil,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			schema := reference(t, tt.schema)
			data, err := tt.encode()
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			if err := avro.Unmarshal(schema, data[10:], &got); err != nil {
				t.Fatal(err)
			}
			for field, want := range tt.want {
				if diff := cmp.Diff(want, got[field]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", field, diff)
				}
			}
			back, err := avro.Marshal(schema, got)
			if err != nil {
				t.Fatal(err)
			}
			checkDatum(t, tt.name, back, data)
		})
	}
}

// checkDatum decodes the library's encoding, whose arrays carry their sizes, and compares what it means.
func checkDatum(t *testing.T, name string, theirs, ours []byte) {
	t.Helper()
	d := newDecoder(t, DefaultLimits())
	theirs = append(append([]byte(nil), ours[:10]...), theirs...)
	decode := func(data []byte) (any, error) {
		switch {
		case strings.HasSuffix(name, "tag"):
			got, taggedAt, err := d.Tag(data)
			return [2]any{got, taggedAt}, err
		case strings.HasSuffix(name, "rule"):
			return d.RuleReloaded(data)
		case strings.HasSuffix(name, "archive"):
			return d.RuleArchive(data)
		default:
			return d.RuleState(data)
		}
	}
	want, err := decode(ours)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(theirs)
	checkSame(t, got, want, err)
}

// The fields of a released schema are what sensors and readers have built on.
func TestFieldsAreThoseOfTheContract(t *testing.T) {
	want := map[Record]string{
		EventRecord: "source_kind source_id attacker_uuid identity_uuid session_id decky_id event_time payload",
		TagRecord: "tag_id source_kind source_id attacker_uuid identity_uuid session_id decky_id event_time " +
			"tactic technique_id sub_technique_id confidence confidence_base rule_id rule_version rule_digest rule_state " +
			"evidence attack_release mitre_url tagged_at",
		RuleReloadedRecord: "rule_id name rule_digest file_sha256 source_path yaml rule_version kinds emits loaded_by loaded_at",
		RuleStateRecord:    "rule_id state_id state reason set_by confidence_max expires_at set_at reverts",
		RuleArchiveRecord: "rule_id rule_version rule_digest source_path yaml lists filters kinds sigma_fields sigma_confidence " +
			"attack_release engine_semantics archived_by archived_at",
	}
	all, err := released()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if got := strings.Join(s.fields, " "); got != want[s.record] {
			t.Errorf("fields of %s\n %s, want\n %s", s.record, got, want[s.record])
		}
		delete(want, s.record)
	}
	if len(want) != 0 {
		t.Errorf("no schema for %v", want)
	}
}

// A sensor in another language computes the fingerprint from the specification's canonical form. The expected text
// was written by hand after that chapter; the polynomial is the specification's, too.
func TestFingerprintOfOtherLibraries(t *testing.T) {
	const canonical = `{"name":"ttp.TaggerEvent","type":"record","fields":[` +
		`{"name":"source_kind","type":"string"},{"name":"source_id","type":"string"},` +
		`{"name":"attacker_uuid","type":["null","string"]},{"name":"identity_uuid","type":["null","string"]},` +
		`{"name":"session_id","type":["null","string"]},{"name":"decky_id","type":["null","string"]},` +
		`{"name":"event_time","type":["null","long"]},{"name":"payload","type":"string"}]}`
	sum := rabin([]byte(canonical))
	want := fullEvent()
	data, err := newEncoder(t, SingleObject).Event(nil, &want)
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint64(data[2:], sum)
	got, _, err := newDecoder(t, DefaultLimits()).Event(data, time.Time{})
	checkSame(t, got, want, err)
}

// rabin is CRC-64-AVRO, bit by bit.
func rabin(data []byte) uint64 {
	const empty = 0xc15d213aa4d7a795
	sum := uint64(empty)
	for _, b := range data {
		sum ^= uint64(b)
		for range 8 {
			low := sum & 1
			sum >>= 1
			if low == 1 {
				sum ^= empty
			}
		}
	}
	return sum
}
