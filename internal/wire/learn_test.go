package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/hamba/avro/v2"
	"golang.org/x/sync/errgroup"

	"ttpworker/internal/tagger"
)

// foreign is a schema of events with other fields than ours.
func foreign(fields ...string) string {
	return `{"type":"record","name":"TaggerEvent","namespace":"ttp","fields":[` + strings.Join(fields, ",") + `]}`
}

// The fields of a sensor that says the least there is to say.
const (
	kindField    = `{"name":"source_kind","type":"string"}`
	idField      = `{"name":"source_id","type":"string"}`
	payloadField = `{"name":"payload","type":"string"}`
)

// confluentValue is a value in the framing of a registry.
func confluentValue(id uint32, datum []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, id), datum...)
}

// encodeWith is the datum of v by the library.
func encodeWith(t testing.TB, text string, v any) []byte {
	t.Helper()
	schema, err := avro.ParseWithCache(text, "", &avro.SchemaCache{})
	if err != nil {
		t.Fatal(err)
	}
	data, err := avro.Marshal(schema, v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

const someID = 77

func TestEventsOfOtherSchemas(t *testing.T) {
	bare := tagger.TaggerEvent{SourceKind: "k", SourceID: "i", Payload: []byte(`{}`)}
	least := map[string]any{"source_kind": "k", "source_id": "i", "payload": "{}"}
	with := func(field string, v any) map[string]any {
		all := maps.Clone(least)
		all[field] = v
		return all
	}
	timed, named := bare, bare
	timed.EventTime = time.Date(2026, 3, 1, 12, 30, 45, 123000000, time.UTC)
	named.SessionID = "s"
	const extra = `{"name":"extra","type":`
	for _, tt := range []struct {
		name   string
		schema string
		value  map[string]any
		want   tagger.TaggerEvent
	}{
		{"the least there is", foreign(kindField, idField, payloadField), least, bare},
		{"another order", foreign(payloadField, idField, kindField), least, bare},
		{"another name space", strings.Replace(foreign(kindField, idField, payloadField), "ttp", "com.example", 1), least, bare},
		{"bytes for a text", foreign(kindField, idField, `{"name":"payload","type":"bytes"}`), with("payload", []byte("{}")), bare},
		{"a text of a logical type", foreign(kindField, `{"name":"source_id","type":{"type":"string","logicalType":"uuid"}}`, payloadField), least, bare},
		{"a text that is never null", foreign(kindField, idField, payloadField, `{"name":"session_id","type":"string"}`), with("session_id", "s"), named},
		{"a text that is always null", foreign(kindField, idField, payloadField, `{"name":"session_id","type":"null"}`), with("session_id", nil), bare},
		{"a union the other way round", foreign(`{"name":"session_id","type":["string","null"]}`, kindField, idField, payloadField), with("session_id", "s"), named},
		{"null the other way round", foreign(`{"name":"session_id","type":["string","null"]}`, kindField, idField, payloadField), with("session_id", nil), bare},
		{"a union of one", foreign(kindField, idField, `{"name":"payload","type":["string"]}`), with("payload", "{}"), bare},
		{
			"microseconds", foreign(kindField, idField, payloadField, `{"name":"event_time","type":{"type":"long","logicalType":"timestamp-micros"}}`),
			with("event_time", timed.EventTime), timed,
		},
		{
			"milliseconds", foreign(kindField, idField, payloadField, `{"name":"event_time","type":["null",{"type":"long","logicalType":"timestamp-millis"}]}`),
			with("event_time", timed.EventTime), timed,
		},
		{"a time without logical type", foreign(kindField, idField, payloadField, `{"name":"event_time","type":"long"}`), with("event_time", timed.EventTime.UnixMicro()), timed},
		{"a small time", foreign(kindField, idField, payloadField, `{"name":"event_time","type":"int"}`), with("event_time", 5), func() tagger.TaggerEvent {
			ev := bare
			ev.EventTime = time.UnixMicro(5).UTC()
			return ev
		}()},
		{"more numbers", foreign(extra+`"long"}`, kindField, `{"name":"f","type":"float","default":0}`, idField, `{"name":"d","type":"double"}`, payloadField), map[string]any{
			"source_kind": "k", "source_id": "i", "payload": "{}", "extra": int64(math.MinInt64), "f": float32(1), "d": 2.5,
		}, bare},
		{"a truth value", foreign(kindField, extra+`"boolean"}`, idField, payloadField), with("extra", true), bare},
		{"a fixed", foreign(kindField, extra+`{"type":"fixed","name":"F","size":3}}`, idField, payloadField), with("extra", [3]byte{1, 2, 3}), bare},
		{"an enum", foreign(kindField, extra+`{"type":"enum","name":"E","symbols":["a","b"]}}`, idField, payloadField), with("extra", "b"), bare},
		{"a list", foreign(kindField, extra+`{"type":"array","items":["null","string"]}}`, idField, payloadField), with("extra", []any{nil, "x", nil}), bare},
		{"a list of nothing", foreign(kindField, extra+`{"type":"array","items":"null"}}`, idField, payloadField), with("extra", make([]any, 1000)), bare},
		{"a map", foreign(kindField, extra+`{"type":"map","values":"long"}}`, idField, payloadField), with("extra", map[string]any{"a": int64(1), "b": int64(2)}), bare},
		{"a record", foreign(kindField, extra+`{"type":"record","name":"R","fields":[{"name":"x","type":"int"},{"name":"y","type":"string"}]}}`, idField, payloadField), with("extra", map[string]any{"x": 1, "y": "z"}), bare},
		{
			"a record of its own kind", foreign(kindField, extra+`{"type":"record","name":"R","fields":[{"name":"next","type":["null","R"]}]}}`, idField, payloadField),
			with("extra", map[string]any{"next": map[string]any{"ttp.R": map[string]any{"next": nil}}}), bare,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDecoder(t, DefaultLimits())
			if err := d.Learn(RefByID(someID), "subject s", tt.schema); err != nil {
				t.Fatal(err)
			}
			datum := encodeWith(t, tt.schema, tt.value)
			got, repairs, err := d.Event(confluentValue(someID, datum), time.Time{})
			checkSame(t, got, tt.want, err)
			if repairs != 0 {
				t.Errorf("repairs = %d, want 0", repairs)
			}
			refs, err := Refs(tt.schema)
			if err != nil {
				t.Fatal(err)
			}
			for _, ref := range refs {
				if err := d.Learn(ref, "subject s", tt.schema); err != nil {
					t.Fatal(err)
				}
				got, _, err := d.Event(append(append([]byte{0xC3, 0x01}, ref.print[:]...), datum...), time.Time{})
				checkSame(t, got, tt.want, err)
			}
			for n := range datum { // whatever is cut short is a fault
				if _, _, err := d.Event(confluentValue(someID, datum[:n]), time.Time{}); classOf(err) != Undecodable && classOf(err) != BadField && classOf(err) != NotObject {
					t.Errorf("Event of the first %d of %d bytes = %v, want a fault of the datum", n, len(datum), err)
				}
			}
			_, _, err = d.Event(confluentValue(someID, append(datum, 0)), time.Time{})
			wantFault(t, err, Undecodable, "1 bytes follow the datum")
		})
	}
}

func TestSchemasThatCannotBeRead(t *testing.T) {
	const extra = `{"name":"extra","type":`
	for _, tt := range []struct{ name, schema, want string }{
		{"no JSON", `{`, "avro: unknown type: {"},
		{"no record", `"string"`, "the schema is of type string, want a record"},
		{"another record", `{"type":"record","name":"acme.Order","fields":[]}`, "the record \"acme.Order\" is none of ttp.TaggerEvent, ttp.Tag, ttp.RuleReloaded, ttp.RuleState, ttp.RuleArchive"},
		{"a field missing", foreign(kindField, payloadField), "its data cannot be read as ttp.TaggerEvent: source_id is missing and has no default"},
		{
			"two faults", foreign(kindField, `{"name":"payload","type":"int"}`),
			"its data cannot be read as ttp.TaggerEvent: source_id is missing and has no default\npayload: int, want string",
		},
		{"a text that may be null", foreign(kindField, `{"name":"source_id","type":["null","string"]}`, payloadField), "source_id: null, want string"},
		{"bytes that are a number", foreign(kindField, `{"name":"source_id","type":{"type":"bytes","logicalType":"decimal","precision":4}}`, payloadField), "source_id: bytes of logical type decimal, want string"},
		{"a record for a text", foreign(kindField, idField, `{"name":"payload","type":{"type":"record","name":"P","fields":[]}}`), "payload: record ttp.P, want string"},
		{"a map for a text", foreign(kindField, idField, `{"name":"payload","type":{"type":"map","values":"string"}}`), "payload: map, want string"},
		{
			"a local time", foreign(kindField, idField, payloadField, `{"name":"event_time","type":{"type":"long","logicalType":"local-timestamp-micros"}}`),
			"event_time: long of logical type local-timestamp-micros, want long of logical type timestamp-micros",
		},
		{"a day", foreign(kindField, idField, payloadField, `{"name":"event_time","type":{"type":"int","logicalType":"date"}}`), "event_time: int of logical type date, want long"},
		{"a time as a fraction", foreign(kindField, idField, payloadField, `{"name":"event_time","type":"double"}`), "event_time: double, want long"},
		{
			"types that nest too deep", foreign(kindField, idField, payloadField, extra+strings.Repeat(`{"type":"array","items":`, 70)+`"int"`+strings.Repeat("}", 71)),
			"types nest too deep",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDecoder(t, DefaultLimits())
			err := d.Learn(RefByID(someID), "subject s version 3", tt.schema)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("Learn = %v, want %s", err, tt.want)
			}
			if got := d.Readable(EventRecord, tt.schema); got == nil || got.Error() != err.Error() {
				t.Errorf("Readable = %v, want what Learn said", got)
			}
			_, _, got := d.Event(confluentValue(someID, []byte("x")), at())
			wantFault(t, got, UnknownSchema, "schema id 77 (subject s version 3): "+err.Error())
			if _, missing := errors.AsType[*MissingSchemaError](got); missing {
				t.Error("a schema that is known to be unreadable is missing, too")
			}
		})
	}
}

// A registry gives the schema of tags an id, too: a tag among the events is a dead letter, however it is framed.
func TestASchemaOfAnotherRecord(t *testing.T) {
	d := newDecoder(t, DefaultLimits())
	tag := fullTag()
	data, err := newEncoder(t, Confluent).Tag(nil, &tag, at())
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Readable(EventRecord, SchemaText(TagRecord)); err == nil || err.Error() != "it is that of ttp.Tag, want ttp.TaggerEvent" {
		t.Errorf("Readable = %v, want which record it is", err)
	}
	if err := d.Readable(TagRecord, SchemaText(TagRecord)); err != nil {
		t.Errorf("Readable = %v, want nil", err)
	}
	_, _, err = d.Event(data, at())
	wantFault(t, err, UnknownSchema, "schema id 2 is of ttp.Tag, want ttp.TaggerEvent")
}

func TestBadDataOfOtherSchemas(t *testing.T) {
	const extra = `{"name":"extra","type":`
	// Two records of two records and so on, of no length: to go through 2^60 of them would take for ever.
	bomb := `{"type":"record","name":"R60","fields":[]}`
	for i := 59; i >= 0; i-- {
		bomb = fmt.Sprintf(`{"type":"record","name":"R%d","fields":[{"name":"a","type":%s},{"name":"b","type":"R%d"}]}`, i, bomb, i+1)
	}
	list := foreign(extra+`{"type":"record","name":"R","fields":[{"name":"next","type":["null","R"]}]}}`, kindField, idField, payloadField)
	rest := append([]byte{2, 'k', 2, 'i', 4}, "{}"...)
	for _, tt := range []struct {
		name   string
		schema string
		datum  []byte
		class  Class
		want   string // "" = it is none
	}{
		{"more items than bytes", foreign(extra+`{"type":"array","items":"int"}}`, kindField, idField, payloadField), append(binary.AppendVarint(nil, 1<<40), rest...), Undecodable, "extra: 1099511627776 items, but 7 bytes are left"},
		{"the least number of items", foreign(extra+`{"type":"map","values":"int"}}`, kindField, idField, payloadField), append(binary.AppendVarint(nil, math.MinInt64), append([]byte{0}, rest...)...), Undecodable, "extra: -9223372036854775808 items, but 7 bytes are left"},
		{"any number of nothing", foreign(extra+`{"type":"array","items":"null"}}`, kindField, idField, payloadField), append(append(binary.AppendVarint(nil, 1<<62), 0), rest...), "", ""},
		{"a fixed longer than the datum", foreign(extra+`{"type":"fixed","name":"F","size":1000000}}`, kindField, idField, payloadField), rest, Undecodable, "extra: 1000000 bytes are to come, but 7 are left"},
		{"a symbol that there is not", foreign(extra+`{"type":"enum","name":"E","symbols":["a"]}}`, kindField, idField, payloadField), append([]byte{2}, rest...), Undecodable, "extra: branch 1 of a union of 1"},
		{"a list in itself", list, append(append([]byte(strings.Repeat("\x02", 50)), 0), rest...), "", ""},
		{"a list in itself, too deep", list, append(append([]byte(strings.Repeat("\x02", 100)), 0), rest...), Undecodable, "extra: nests deeper than 64"},
		{"a record that has no end", foreign(extra+`{"type":"record","name":"R","fields":[{"name":"self","type":"R"}]}}`, kindField, idField, payloadField), rest, Undecodable, "extra: nests deeper than 64"},
		{"records of nothing", foreign(extra+bomb+`}`, kindField, idField, payloadField), rest, "", ""},
		{"milliseconds out of range", foreign(`{"name":"event_time","type":{"type":"long","logicalType":"timestamp-millis"}}`, kindField, idField, payloadField), append(binary.AppendVarint(nil, math.MaxInt64), rest...), BadField, "event_time: 9223372036854775807 milliseconds since 1970 is outside the years 1 to 9999"},
		{"milliseconds of the year 10000", foreign(`{"name":"event_time","type":{"type":"long","logicalType":"timestamp-millis"}}`, kindField, idField, payloadField), append(binary.AppendVarint(nil, 253402300800000), rest...), BadField, "event_time: 253402300800000000 microseconds since 1970 is outside the years 1 to 9999"},
		{"invalid UTF-8 in bytes", foreign(`{"name":"session_id","type":"bytes"}`, kindField, idField, payloadField), append([]byte{2, 0xff}, rest...), BadField, "session_id: invalid UTF-8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDecoder(t, DefaultLimits())
			if err := d.Learn(RefByID(someID), "s", tt.schema); err != nil {
				t.Fatal(err)
			}
			_, _, err := d.Event(confluentValue(someID, tt.datum), at())
			if tt.want != "" {
				wantFault(t, err, tt.class, tt.want)
			} else if err != nil {
				t.Errorf("Event = %v, want nil", err)
			}
		})
	}
}

// Records that workers write may one day come from a newer one: the other three schemas are resolved as events are.
func TestOtherSchemasOfTheOtherRecords(t *testing.T) {
	d := newDecoder(t, DefaultLimits())
	const schema = `{"type":"record","name":"RuleReloaded","namespace":"ttp","fields":[
		{"name":"emits","type":{"type":"array","items":{"type":"record","name":"Emit","fields":[
			{"name":"confidence","type":"float"},{"name":"new","type":"int"},{"name":"technique_id","type":"string"},
			{"name":"tactic","type":["null","string"]}]}}},
		{"name":"rule_id","type":"string"},{"name":"name","type":"string"},{"name":"rule_digest","type":"string"},
		{"name":"file_sha256","type":"string"},{"name":"source_path","type":"string"},{"name":"yaml","type":"string"},
		{"name":"rule_version","type":"int"},{"name":"kinds","type":{"type":"array","items":"string"}},
		{"name":"loaded_by","type":"string"},{"name":"loaded_at","type":{"type":"long","logicalType":"timestamp-micros"}}]}`
	if err := d.Learn(RefByID(someID), "s", schema); err != nil {
		t.Fatal(err)
	}
	datum := encodeWith(t, schema, map[string]any{
		"emits": []any{
			map[string]any{"confidence": float32(0.5), "new": 1, "technique_id": "T1003", "tactic": "TA0006"},
			map[string]any{"confidence": float32(1), "new": 2, "technique_id": "T1005", "tactic": nil},
		},
		"rule_id": "R1", "name": "n", "rule_digest": "d", "file_sha256": "f", "source_path": "p", "yaml": "y", "rule_version": 4,
		"kinds": []any{"command"}, "loaded_by": "w", "loaded_at": at(),
	})
	version := 4
	want := RuleReloaded{
		RuleID: "R1", Name: "n", RuleDigest: "d", FileSHA256: "f", SourcePath: "p", YAML: "y", RuleVersion: &version,
		Kinds:    []string{"command"},
		Emits:    []Emit{{Tactic: "TA0006", TechniqueID: "T1003", Confidence: 0.5}, {TechniqueID: "T1005", Confidence: 1}},
		LoadedBy: "w", LoadedAt: at(),
	}
	got, err := d.RuleReloaded(confluentValue(someID, datum))
	checkSame(t, got, want, err)
}

// The converter knows null as a default, and no other.
func TestEveryDefaultOfOursIsNull(t *testing.T) {
	all, err := released()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		for _, f := range s.parsed.Fields() {
			if f.HasDefault() && (f.Default() != nil || f.Type().(*avro.UnionSchema).Types()[0].Type() != avro.Null) {
				t.Errorf("%s: default of %s = %v, want null and a union that begins with it", s.record, f.Name(), f.Default())
			}
		}
	}
}

func TestAMissingSchemaIsReadOnceItIsLearned(t *testing.T) {
	d := newDecoder(t, DefaultLimits())
	want := fullEvent()
	datum, err := newEncoder(t, Confluent).Event(nil, &want)
	if err != nil {
		t.Fatal(err)
	}
	value := confluentValue(someID, datum[5:])
	_, _, err = d.Event(value, at())
	wantFault(t, err, UnknownSchema, "schema id 77: no schema registry is configured")
	missing, ok := errors.AsType[*MissingSchemaError](err)
	if !ok || missing.Ref != RefByID(someID) {
		t.Fatalf("error %v, want a *MissingSchemaError of id %d", err, someID)
	}
	if id, ok := missing.Ref.ID(); id != someID || !ok {
		t.Errorf("ID = %d, %t, want %d", id, ok, someID)
	}
	if ref, ok := d.Missing(value); ref != missing.Ref || !ok || d.Knows(missing.Ref) {
		t.Errorf("Missing = %v, %t before it was learned, want it", ref, ok)
	}
	if err := d.Learn(missing.Ref, "s", SchemaText(EventRecord)); err != nil {
		t.Fatal(err)
	}
	got, _, err := d.Event(value, at())
	checkSame(t, got, want, err)
	for _, v := range [][]byte{value, {}, {0}, {0, 0, 0, 0}, {0xC3}, {0xC3, 1, 2}, []byte(`{}`)} {
		if ref, ok := d.Missing(v); ok {
			t.Errorf("Missing(%q) = %v, want none", v, ref)
		}
	}
	if ref, ok := d.Missing([]byte("\xC3\x0112345678")); !ok || ref.String() != "fingerprint 3132333435363738" {
		t.Errorf("Missing of a fingerprint = %v, %t, want it", ref, ok)
	}
	if err := d.Refuse(missing.Ref, "s", errors.New("x")); err == nil || !d.Knows(missing.Ref) {
		t.Errorf("Refuse = %v, want what it was given", err)
	}
	if _, _, err := d.Event(value, at()); err != nil {
		t.Errorf("Event after a refusal of what is known = %v, want nil: it stays", err)
	}
}

func TestLearningDisturbsNoReader(t *testing.T) {
	d := newDecoder(t, DefaultLimits())
	ev := fullEvent()
	known, err := newEncoder(t, Confluent).Event(nil, &ev)
	if err != nil {
		t.Fatal(err)
	}
	var g errgroup.Group
	for range 2 {
		g.Go(func() error {
			for id := range uint32(200) {
				if err := d.Learn(RefByID(100+id), "s", SchemaText(EventRecord)); err != nil {
					return err
				}
			}
			return nil
		})
		g.Go(func() error {
			for range 500 {
				if _, _, err := d.Event(known, at()); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	for id := range uint32(200) {
		if !d.Knows(RefByID(100 + id)) {
			t.Fatalf("id %d is not known", 100+id)
		}
	}
}

// FuzzLearn holds that no schema of a registry and no bytes under it make the decoder panic, hang or allocate more
// than they are worth.
func FuzzLearn(f *testing.F) {
	const extra = `{"name":"extra","type":`
	datum := append([]byte{2, 'k', 2, 'i', 4}, "{}"...)
	f.Add(foreign(kindField, idField, payloadField), datum)
	f.Add(SchemaText(EventRecord), withPayload("{}"))
	f.Add(SchemaText(TagRecord), []byte("x"))
	f.Add(foreign(extra+`{"type":"array","items":{"type":"map","values":["null",{"type":"fixed","name":"F","size":2}]}}}`, kindField, idField, payloadField), datum)
	f.Add(foreign(extra+`{"type":"record","name":"R","fields":[{"name":"next","type":["null","R"]},{"name":"e","type":{"type":"enum","name":"E","symbols":["a"]}}]}}`, kindField, idField, payloadField), datum)
	f.Add(foreign(kindField, idField, payloadField, `{"name":"event_time","type":["null",{"type":"long","logicalType":"timestamp-millis"}]}`), datum)
	f.Fuzz(func(t *testing.T, text string, datum []byte) {
		if len(text) > 4096 {
			return
		}
		d := newDecoder(t, Limits{PayloadBytes: 4096, Depth: 8})
		learned := d.Learn(RefByID(someID), "s", text)
		_, _, err := d.Event(confluentValue(someID, datum), at())
		if class := classOf(err); class == "?" || learned != nil && class != UnknownSchema {
			t.Fatalf("Event = %v after Learn = %v", err, learned)
		}
		_, _, _ = d.Tag(confluentValue(someID, datum))
	})
}
