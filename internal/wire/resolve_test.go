package wire

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hamba/avro/v2"
	"pgregory.net/rapid"

	"ttpworker/internal/tagger"
	"ttpworker/schemas"
)

// A column is a field of a schema that somebody else has made for events, with a value for it.
type column struct {
	name, typ string
	value     any
}

// drawSchema makes a schema of events by somebody else and an event under it: ours with fields left out, moved and of
// other types, and fields that we know nothing of between them. want is what we must read.
func drawSchema(t *rapid.T) (schema string, value map[string]any, want tagger.TaggerEvent) {
	text := rapid.StringMatching(`[a-zA-Z\x{e9} ]{1,12}`)
	var columns []column
	need := func(name string, to *string) {
		*to = text.Draw(t, name)
		c := column{name, `"string"`, *to}
		if rapid.Bool().Draw(t, name+" as bytes") {
			c.typ, c.value = `"bytes"`, []byte(*to)
		}
		columns = append(columns, c)
	}
	optional := func(name string, to *string) {
		v := text.Draw(t, name)
		switch rapid.IntRange(0, 4).Draw(t, name+" as") {
		case 0: // left out
		case 1:
			columns = append(columns, column{name, `["null","string"]`, nil})
		case 2:
			columns, *to = append(columns, column{name, `["string","null"]`, v}), v
		case 3:
			columns, *to = append(columns, column{name, `"string"`, v}), v
		case 4:
			columns = append(columns, column{name, `"null"`, nil})
		}
	}
	var payload string
	need("source_kind", &want.SourceKind)
	need("source_id", &want.SourceID)
	need("payload", &payload)
	optional("attacker_uuid", &want.AttackerUUID)
	optional("identity_uuid", &want.IdentityUUID)
	optional("session_id", &want.SessionID)
	optional("decky_id", &want.DeckyID)
	for i := range columns {
		if columns[i].name == "payload" {
			payload = fmt.Sprintf(`{"command_text":%q}`, payload)
			columns[i].value = payload
			if columns[i].typ == `"bytes"` {
				columns[i].value = []byte(payload)
			}
		}
	}
	want.Payload = []byte(payload)
	when := time.UnixMilli(rapid.Int64Range(0, 4e12).Draw(t, "time")).UTC()
	switch rapid.IntRange(0, 3).Draw(t, "time as") {
	case 1:
		columns, want.EventTime = append(columns, column{"event_time", `{"type":"long","logicalType":"timestamp-millis"}`, when}), when
	case 2:
		columns, want.EventTime = append(columns, column{"event_time", `["null",{"type":"long","logicalType":"timestamp-micros"}]`, when}), when
	case 3:
		columns, want.EventTime = append(columns, column{"event_time", `"long"`, when.UnixMicro()}), when
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "extras") {
		c := rapid.SampledFrom([]column{
			{"", `"boolean"`, true},
			{"", `"double"`, 1.5},
			{"", `["null","int"]`, 7},
			{"", `{"type":"array","items":"string"}`, []any{"a", "b"}},
			{"", `{"type":"map","values":"long"}`, map[string]any{"a": int64(1)}},
			{"", fmt.Sprintf(`{"type":"record","name":"X%d","fields":[{"name":"y","type":"int"}]}`, i), map[string]any{"y": 3}},
		}).Draw(t, "extra")
		columns = append(columns, column{fmt.Sprintf("extra_%d", i), c.typ, c.value})
	}
	columns = rapid.Permutation(columns).Draw(t, "order")
	value = map[string]any{}
	var fields []string
	for _, c := range columns {
		fields = append(fields, fmt.Sprintf(`{"name":%q,"type":%s}`, c.name, c.typ))
		value[c.name] = c.value
	}
	return foreign(fields...), value, want
}

// What the library has written under any schema that goes with ours is read as what was written.
func TestResolutionReadsWhatWasWritten(t *testing.T) {
	reader := reference(t, schemas.TaggerEvent())
	rapid.Check(t, func(rt *rapid.T) {
		schema, value, want := drawSchema(rt)
		d, err := NewDecoder(DefaultLimits())
		if err != nil {
			rt.Fatal(err)
		}
		if err := d.Learn(RefByID(1), "s", schema); err != nil {
			rt.Fatalf("Learn(%s) = %v", schema, err)
		}
		writer, err := avro.ParseWithCache(schema, "", &avro.SchemaCache{})
		if err != nil {
			rt.Fatal(err)
		}
		if err := avro.NewSchemaCompatibility().Compatible(reader, writer); err != nil {
			rt.Errorf("%s is read, but the library says: %v", schema, err)
		}
		datum, err := avro.Marshal(writer, value)
		if err != nil {
			rt.Fatal(err)
		}
		got, _, err := d.Event(confluentValue(1, datum), time.Time{})
		if err != nil {
			rt.Fatalf("Event of %v under %s = %v", value, schema, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Errorf("Event under %s (-want +got):\n%s", schema, diff)
		}
	})
}

// Whether two schemas go together is for Avro to say: we refuse what the library refuses, and beyond that only
// logical types that it does not look at.
func TestResolutionAgreesWithTheLibraryOnWhatGoesTogether(t *testing.T) {
	reader := reference(t, schemas.TaggerEvent())
	types := []string{
		`"null"`, `"boolean"`, `"int"`, `"long"`, `"float"`, `"double"`, `"string"`, `"bytes"`, `["null","string"]`, `["string","null"]`,
		`["null","long"]`, `["int","null","string"]`, `{"type":"array","items":"string"}`, `{"type":"fixed","name":"F","size":2}`,
		`{"type":"enum","name":"E","symbols":["a"]}`, `{"type":"record","name":"R","fields":[]}`, `["string"]`, `["null"]`, `["bytes","string"]`,
	}
	for _, field := range []string{"source_id", "session_id", "event_time", "payload", "extra"} {
		for _, typ := range types {
			fields := []string{`{"name":"` + field + `","type":` + typ + `}`}
			for _, f := range []string{kindField, idField, payloadField} {
				if !strings.Contains(f, `"`+field+`"`) {
					fields = append(fields, f)
				}
			}
			schema := foreign(fields...)
			writer := reference(t, schema)
			want := avro.NewSchemaCompatibility().Compatible(reader, writer)
			got := newDecoder(t, DefaultLimits()).Learn(RefByID(someID), "s", schema)
			if (got == nil) != (want == nil) {
				t.Errorf("%s of type %s: Learn = %v, the library says %v", field, typ, got, want)
			}
		}
	}
}
