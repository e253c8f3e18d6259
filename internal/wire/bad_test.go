package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"ttpworker/internal/tagger"
)

// header is C3 01 and the fingerprint of a record.
func header(tb testing.TB, r Record) []byte {
	tb.Helper()
	sum, err := hex.DecodeString(newEncoder(tb, SingleObject).Schema(r))
	if err != nil {
		tb.Fatal(err)
	}
	return append([]byte{0xC3, 0x01}, sum...)
}

// datum is a TaggerEvent in Avro without its header: identifiers "k" and "i", nulls, then what follows.
func datum(rest ...byte) []byte { return append([]byte{2, 'k', 2, 'i', 0, 0, 0, 0}, rest...) }

// withPayload is a datum with a payload and no time.
func withPayload(payload string) []byte {
	return append(binary.AppendVarint(datum(0), int64(len(payload))), payload...)
}

func TestBadAvroEvents(t *testing.T) {
	d := newDecoder(t, DefaultLimits())
	for _, tt := range []struct {
		name  string
		datum []byte
		class Class
		want  string
	}{
		{"no datum", nil, Undecodable, "source_kind: the datum ends at byte 0, inside a number"},
		{"text ends early", []byte{20, 'k'}, Undecodable, "source_kind: length 10, but 1 bytes are left"},
		{"negative length", []byte{1}, Undecodable, "source_kind: length -1, but 0 bytes are left"},
		{
			"length of 2^62", append(datum(0), binary.AppendVarint(nil, 1<<62)...), Undecodable,
			"payload: length 4611686018427387904, but 0 bytes are left",
		},
		{
			"least length", append(datum(0), binary.AppendVarint(nil, -1<<63)...), Undecodable,
			"payload: length -9223372036854775808, but 0 bytes are left",
		},
		{"length of 71 bits", bytes.Repeat([]byte{0xff}, 12), Undecodable, "source_kind: number at byte 0 has more than 64 bits"},
		{"third branch", []byte{2, 'k', 2, 'i', 4}, Undecodable, "attacker_uuid: branch 2 of a union of 2"},
		{"negative branch", []byte{2, 'k', 2, 'i', 1}, Undecodable, "attacker_uuid: branch -1 of a union of 2"},
		{"time ends early", datum(2, 0x80), Undecodable, "event_time: the datum ends at byte 10, inside a number"},
		{"payload ends early", append(datum(0, 8), "{}"...), Undecodable, "payload: length 4, but 2 bytes are left"},
		{"bytes behind", append(withPayload("{}"), 0, 0), Undecodable, "2 bytes follow the datum"},
		{
			"latest time there is", datum(append(binary.AppendVarint([]byte{2}, 1<<63-1), 4, '{', '}')...), BadField,
			"event_time: 9223372036854775807 microseconds since 1970 is outside the years 1 to 9999",
		},
		{
			"earliest time there is", datum(append(binary.AppendVarint([]byte{2}, -1<<63), 4, '{', '}')...), BadField,
			"event_time: -9223372036854775808 microseconds since 1970 is outside the years 1 to 9999",
		},
		{
			"Go's zero time", datum(append(binary.AppendVarint([]byte{2}, minMicros-1), 4, '{', '}')...), BadField,
			"event_time: -62135596800000000 microseconds since 1970 is outside the years 1 to 9999",
		},
		{"empty kind", []byte{0, 2, 'i', 0, 0, 0, 0, 0, 4, '{', '}'}, BadField, "source_kind is empty"},
		{"empty id", []byte{2, 'k', 0, 0, 0, 0, 0, 0, 4, '{', '}'}, BadField, "source_id is empty"},
		{"invalid UTF-8 in an identifier", []byte{2, 'k', 2, 0xff, 0, 0, 0, 0, 0, 4, '{', '}'}, BadField, "source_id: invalid UTF-8"},
		{"surrogate in an identifier", []byte{2, 'k', 6, 0xed, 0xa0, 0x80, 0, 0, 0, 0, 0, 4, '{', '}'}, BadField, "source_id: invalid UTF-8"},
		{"empty payload", withPayload(""), NotObject, "payload is empty, want a JSON object"},
		{"white space as payload", withPayload(" \n"), NotObject, "payload is empty, want a JSON object"},
		{"null as payload", withPayload("null"), NotObject, `payload begins with "n", want a JSON object`},
		{"array as payload", withPayload("[{}]"), NotObject, `payload begins with "[", want a JSON object`},
		{"byte order mark", withPayload("\ufeff{}"), NotObject, `payload begins with "\xef", want a JSON object`},
		{"two objects", withPayload("{} {}"), NotObject, "payload: something follows the JSON object at byte 2"},
		{"unfinished object", withPayload(`{"a":1`), NotObject, "payload: invalid JSON at byte 6: unexpected EOF"},
		{"comma at the end", withPayload(`{"a":1,}`), NotObject, "payload: invalid JSON at byte 6: invalid character ',' at start of value"},
		{"invalid byte outside strings", withPayload("{\"a\":\xff}"), NotObject, `payload: invalid JSON at byte 5: invalid character '\xff' at start of value`},
		{
			"control character in a string", withPayload("{\"a\":\"\x00\"}"), NotObject,
			`payload: invalid JSON at byte 6: invalid character '\x00' in string (expecting non-control character)`,
		},
		{"not a number", withPayload(`{"a":NaN}`), NotObject, "payload: invalid JSON at byte 5: invalid character 'N' at start of value"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := d.Event(append(header(t, EventRecord), tt.datum...), at())
			wantFault(t, err, tt.class, tt.want)
		})
	}
}

func TestBadFramings(t *testing.T) {
	d := newDecoder(t, DefaultLimits())
	for _, tt := range []struct {
		name  string
		value string
		class Class
		want  string
	}{
		{"tombstone", "", Undecodable, "the value is empty"},
		{"white space", " \n", Undecodable, "the value is empty"},
		{"half a magic", "\xC3", Undecodable, "neither Avro nor a JSON object: the value begins with c3"},
		{"magic of another version", "\xC3\x02345678", Undecodable, "neither Avro nor a JSON object: the value begins with c3 02 33 34"},
		{"half a header", "\xC3\x01abc", Undecodable, "the value ends after 5 bytes, inside the header of 10"},
		{"unknown fingerprint", "\xC3\x01\x01\x23\x45\x67\x89\xab\xcd\xef{}", UnknownSchema, "no schema has the fingerprint 0123456789abcdef"},
		{"half a registry header", "\x00\x00\x00", Undecodable, "the value ends after 3 bytes, inside the header of 5"},
		{"registry", "\x00\x00\x00\x01\x02rest", UnknownSchema, "schema id 258: no schema registry is configured"},
		{"plain text", "hello", Undecodable, "neither Avro nor a JSON object: the value begins with \"hello\""},
		{"longer text", "Nov 27 18:00:00 sshd: hello", Undecodable, `neither Avro nor a JSON object: the value begins with "Nov 27 18:00"`},
		{"byte order mark", "\ufeff{}", Undecodable, "neither Avro nor a JSON object: the value begins with ef bb bf 7b"},
		{"JSON array", "[{}]", Undecodable, "neither Avro nor a JSON object: the value begins with \"[{}]\""},
		{"unfinished JSON", `{"source_kind":"a"`, Undecodable, "invalid JSON at byte 18: unexpected EOF"},
		{"JSON in Python", `{'source_kind':'a'}`, Undecodable, `invalid JSON at byte 1: invalid character '\'' at start of value`},
		{"a number as a name", `{1:2}`, Undecodable, `invalid JSON at byte 1: object member name must be a string`},
		{"two records", `{"source_kind":"a","source_id":"b","payload":{}}{}`, Undecodable, "the record's JSON object ends before byte 48, but more follows"},
		{
			"broken payload in the record", `{"source_kind":"a","source_id":"b","payload":{"a":}}`, Undecodable,
			"invalid JSON at byte 50: missing value after object name",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := d.Event([]byte(tt.value), at())
			wantFault(t, err, tt.class, tt.want)
		})
	}
}

func TestFingerprintOfAnotherRecord(t *testing.T) {
	d := newDecoder(t, DefaultLimits())
	tag := fullTag()
	data, err := newEncoder(t, SingleObject).Tag(nil, &tag, at())
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = d.Event(data, at())
	wantFault(t, err, UnknownSchema, fmt.Sprintf("fingerprint %x is of ttp.Tag, want ttp.TaggerEvent", data[2:10]))
}

func TestBadJSONEvents(t *testing.T) {
	d := newDecoder(t, Limits{PayloadBytes: 64, Depth: 3})
	const good = `"source_kind":"k","source_id":"i","payload":{}`
	for _, tt := range []struct {
		name  string
		value string
		class Class
		want  string
	}{
		{"kind missing", `{"source_id":"i","payload":{}}`, BadField, "source_kind is missing or null, want a string"},
		{"kind empty", `{"source_kind":"","source_id":"i","payload":{}}`, BadField, "source_kind is empty"},
		{"kind null", `{"source_kind":null,"source_id":"i","payload":{}}`, BadField, "source_kind is missing or null, want a string"},
		{"id missing", `{"source_kind":"k","payload":{}}`, BadField, "source_id is missing or null, want a string"},
		{"id a number", `{"source_kind":"k","source_id":7,"payload":{}}`, BadField, "source_id: want a string, got a number"},
		{"session a boolean", `{` + good + `,"session_id":true}`, BadField, "session_id: want a string or null, got a boolean"},
		{"attacker an object", `{` + good + `,"attacker_uuid":{}}`, BadField, "attacker_uuid: want a string or null, got an object"},
		{"decoy an array", `{` + good + `,"decky_id":[]}`, BadField, "decky_id: want a string or null, got an array"},
		{"names are case-sensitive", `{"Source_Kind":"k","source_id":"i","payload":{}}`, BadField, "source_kind is missing or null, want a string"},
		{"a field twice", `{` + good + `,"source_id":"j"}`, BadField, `"source_id" is given twice`},
		{"a field twice, once escaped", `{` + good + `,"source\u005fid":"j"}`, BadField, `"source_id" is given twice`},
		{"null and a value", `{` + good + `,"session_id":null,"session_id":"s"}`, BadField, `"session_id" is given twice`},
		{"an unknown name twice", `{` + good + `,"x":1,"x":2}`, BadField, `"x" is given twice`},
		{"invalid UTF-8", "{" + good + ",\"session_id\":\"\xff\"}", BadField, "session_id: invalid UTF-8 or half a surrogate pair"},
		{"half a surrogate pair", `{` + good + `,"session_id":"\ud800x"}`, BadField, "session_id: invalid UTF-8 or half a surrogate pair"},
		{"other half of a pair", `{` + good + `,"session_id":"\udc00"}`, BadField, "session_id: invalid UTF-8 or half a surrogate pair"},
		{"payload missing", `{"source_kind":"k","source_id":"i"}`, NotObject, "payload is missing or null, want an object"},
		{"payload null", `{"source_kind":"k","source_id":"i","payload":null}`, NotObject, "payload is missing or null, want an object"},
		{"payload an array", `{"source_kind":"k","source_id":"i","payload":[]}`, NotObject, "payload: want an object, got an array"},
		{"payload a number", `{"source_kind":"k","source_id":"i","payload":1}`, NotObject, "payload: want an object, got a number"},
		{"payload a string of no object", `{"source_kind":"k","source_id":"i","payload":"x"}`, NotObject, `payload begins with "x", want a JSON object`},
		{
			"payload a string with a fault", `{"source_kind":"k","source_id":"i","payload":"{\"a\" 1}"}`, NotObject,
			"payload: invalid JSON at byte 5: invalid character '1' after object name (expecting ':')",
		},
		{
			"payload too deep", `{"source_kind":"k","source_id":"i","payload":{"a":[{"b":[]}]}}`, TooDeep,
			`"payload": nests too deep: over 3 levels at byte 57`,
		},
		{
			"payload too deep in a string", `{"source_kind":"k","source_id":"i","payload":"{\"a\":[{\"b\":[]}]}"}`, TooDeep,
			"payload: nests too deep: over 3 levels at byte 12 (limits.depth)",
		},
		{"another member too deep", `{` + good + `,"x":[[[[]]]]}`, TooDeep, `"x": nests too deep: over 3 levels at byte 56`},
		{
			"payload too large", `{"source_kind":"k","source_id":"i","payload":{"a":"` + strings.Repeat("x", 57) + `"}}`, TooLarge,
			"payload has 65 bytes, over the limit of 64 (limits.payload_bytes)",
		},
		{
			"payload too large in a string", `{"source_kind":"k","source_id":"i","payload":"{\"a\":\"` + strings.Repeat("x", 57) + `\"}"}`, TooLarge,
			"payload has 65 bytes, over the limit of 64 (limits.payload_bytes)",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := d.Event([]byte(tt.value), at())
			wantFault(t, err, tt.class, tt.want)
		})
	}
}

func TestBadJSONTimes(t *testing.T) {
	d := newDecoder(t, DefaultLimits())
	for _, tt := range []struct{ name, time, want string }{
		{"time a number", `1700000000`, "event_time: want a time of RFC 3339 as a string, got a number"},
		{"time empty", `""`, `event_time: "" is not a time of RFC 3339, such as 2026-01-31T12:00:00Z`},
		{"time without offset", `"2026-01-31T12:00:00"`, `event_time: "2026-01-31T12:00:00" is not a time of RFC 3339, such as 2026-01-31T12:00:00Z`},
		{"time with a comma", `"2026-01-31T12:00:00,5Z"`, `event_time: "2026-01-31T12:00:00,5Z" is not a time of RFC 3339, such as 2026-01-31T12:00:00Z`},
		{"time with an hour of one digit", `"2026-01-31T2:00:00Z"`, `event_time: "2026-01-31T2:00:00Z" is not a time of RFC 3339, such as 2026-01-31T12:00:00Z`},
		{"offset of a day", `"2026-01-31T12:00:00+24:00"`, `event_time: "2026-01-31T12:00:00+24:00" is not a time of RFC 3339, such as 2026-01-31T12:00:00Z`},
		{"offset of 60 minutes", `"2026-01-31T12:00:00+00:60"`, `event_time: "2026-01-31T12:00:00+00:60" is not a time of RFC 3339, such as 2026-01-31T12:00:00Z`},
		{"fraction of no digits", `"2026-01-31T12:00:00.Z"`, `event_time: "2026-01-31T12:00:00.Z" is not a time of RFC 3339, such as 2026-01-31T12:00:00Z`},
		{"the 30th of February", `"2026-02-30T12:00:00Z"`, `event_time: "2026-02-30T12:00:00Z" is not a time of RFC 3339, such as 2026-01-31T12:00:00Z`},
		{"year 10000 in UTC", `"9999-12-31T23:59:59-01:00"`, "event_time: time in the year 10000 is outside the years 1 to 9999"},
		{"year 0", `"0000-12-31T00:00:00Z"`, "event_time: time in the year 0 is outside the years 1 to 9999"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := d.Event([]byte(`{"source_kind":"k","source_id":"i","payload":{},"event_time":`+tt.time+`}`), at())
			wantFault(t, err, BadField, tt.want)
		})
	}
}

// A Kafka producer sets the record's timestamp, to any 64 bits it likes.
func TestRecordTimesOutOfRange(t *testing.T) {
	d := newDecoder(t, DefaultLimits())
	value := []byte(`{"source_kind":"k","source_id":"i","payload":{}}`)
	_, _, err := d.Event(value, time.UnixMilli(1<<62))
	wantFault(t, err, BadField, "event_time is null and the record's own does not do: time in the year 146140482 is outside the years 1 to 9999")
	for _, ms := range []int64{-1 << 63, 1<<63 - 1, -1 << 52} {
		if _, _, err := d.Event(value, time.UnixMilli(ms)); err == nil {
			t.Errorf("Event with a record time of %d ms = nil, want an error", ms)
		}
	}
	if ev, _, err := d.Event(value, time.Time{}); err != nil || !ev.EventTime.IsZero() {
		t.Errorf("EventTime = %v, %v, want zero", ev.EventTime, err)
	}
}

func TestBadTagsAndControlRecords(t *testing.T) {
	d := newDecoder(t, DefaultLimits())
	tag := fullTag()
	line, err := AppendTagJSON(nil, &tag)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, old, new string
		class          Class
		want           string
	}{
		{
			"tag id is no UUID", `"5bf7bf99-d026-5137-bf29-c076c5554b8f"`, `"5bf7bf99d0265137bf29c076c5554b8f"`, BadField,
			`tag_id: "5bf7bf99d0265137bf29c076c5554b8f" is not a UUID of 36 characters`,
		},
		{"confidence is a string", `"confidence":0.5`, `"confidence":"0.5"`, BadField, "confidence: want a number, got a string"},
		{"confidence is huge", `"confidence":0.5`, `"confidence":1e999`, BadField, "confidence: number is out of the range of a double"},
		{"version is a fraction", `"rule_version":3`, `"rule_version":3.5`, BadField, `rule_version: "3.5" is not an integer of 32 bits`},
		{"version is a string", `"rule_version":3`, `"rule_version":"3"`, BadField, "rule_version: want an integer or null, got a string"},
		{"version of 33 bits", `"rule_version":3`, `"rule_version":2147483648`, BadField, `rule_version: "2147483648" is not an integer of 32 bits`},
		{"evidence is a list", `"evidence":{`, `"evidence":[],"x":{`, NotObject, "evidence: want an object, got an array"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			value := bytes.Replace(line, []byte(tt.old), []byte(tt.new), 1)
			_, _, err := d.Tag(value)
			wantFault(t, err, tt.class, tt.want)
		})
	}
	_, err = d.RuleReloaded([]byte(`{"rule_id":"a"}`))
	wantFault(t, err, BadField, "name is missing or null, want a string")
	_, err = d.RuleState([]byte(`{"rule_id":"a","state_id":"b","state":"c","reason":"","set_by":""}`))
	wantFault(t, err, BadField, "set_at is missing or null, want a time of RFC 3339 as a string")
	rule := []byte(`{"rule_id":"","name":"","rule_digest":"","file_sha256":"","source_path":"","yaml":"","kinds":["a"],` +
		`"emits":[{"confidence":1},{"confidence":"x"}],"loaded_by":"","loaded_at":"2026-01-31T12:00:00Z"}`)
	_, err = d.RuleReloaded(rule)
	wantFault(t, err, BadField, "emits: bad_field: confidence: want a number, got a string")
	_, err = d.RuleReloaded(bytes.Replace(rule, []byte(`{"confidence":1}`), []byte(`7`), 1))
	wantFault(t, err, BadField, "emits: want an array of objects, got a number in it")
	_, err = d.RuleReloaded(bytes.Replace(rule, []byte(`["a"]`), []byte(`["a",null]`), 1))
	wantFault(t, err, BadField, "kinds: want strings, got null")
}

// One record of a few bytes that promises a lot must not make a replica run out of memory, or turn for hours.
func TestHostileAvroAllocatesLittle(t *testing.T) {
	d := newDecoder(t, DefaultLimits())
	rule := []byte{0, 0, 0, 0, 0, 0, 0} // empty texts, no version; then the array of kinds
	for name, value := range map[string][]byte{
		"payload of 2^40":       append(header(t, EventRecord), append(datum(0), binary.AppendVarint(nil, 1<<40)...)...),
		"identifier of 900 MiB": append(header(t, EventRecord), binary.AppendVarint(nil, 900<<20)...),
		"2^60 kinds":            append(header(t, RuleReloadedRecord), append(rule, binary.AppendVarint(nil, 1<<60)...)...),
		"-2^63 kinds":           append(header(t, RuleReloadedRecord), append(rule, binary.AppendVarint(binary.AppendVarint(nil, -1<<63), 5)...)...),
		"2^60 emits":            append(header(t, RuleReloadedRecord), append(append(rule, 0), binary.AppendVarint(nil, 1<<60)...)...),
	} {
		t.Run(name, func(t *testing.T) {
			const runs = 100
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range runs {
				decodeAny(d, value)
			}
			runtime.ReadMemStats(&after)
			if got := (after.TotalAlloc - before.TotalAlloc) / runs; got > 8192 {
				t.Errorf("%d bytes allocated per value of %d, want at most 8192", got, len(value))
			}
		})
	}
	_, err := d.RuleReloaded(append(header(t, RuleReloadedRecord), append(rule, binary.AppendVarint(nil, 1<<60)...)...))
	wantFault(t, err, Undecodable, "kinds: 1152921504606846976 items, but 0 bytes are left")
}

func decodeAny(d *Decoder, value []byte) {
	_, _, _ = d.Event(value, time.Time{})
	_, _, _ = d.Tag(value)
	_, _ = d.RuleReloaded(value)
	_, _ = d.RuleState(value)
	_, _ = d.RuleArchive(value)
}

// Lengths and arrays as other encoders write them: blocks with their size, and several of them.
func TestArraysInBlocks(t *testing.T) {
	d := newDecoder(t, DefaultLimits())
	value := append(header(t, RuleReloadedRecord), 0, 0, 0, 0, 0, 0, 0)
	value = append(value, 1, 4, 2, 'a' /* block of 1, 2 bytes long */, 4, 2, 'b', 2, 'c' /* block of 2 */, 0)
	value = append(value, 0 /* no emits */, 0 /* loaded_by */, 0 /* 1970 */)
	got, err := d.RuleReloaded(value)
	checkSame(t, got, RuleReloaded{Kinds: []string{"a", "b", "c"}, LoadedAt: time.Unix(0, 0).UTC()}, err)
}

func TestEmptyIdentifierIsNull(t *testing.T) {
	d := newDecoder(t, DefaultLimits())
	want := tagger.TaggerEvent{SourceKind: "k", SourceID: "i", Payload: []byte(`{}`)}
	for _, value := range []string{
		string(header(t, EventRecord)) + "\x02k\x02i\x02\x00\x02\x00\x02\x00\x02\x00\x00\x04{}",
		`{"source_kind":"k","source_id":"i","attacker_uuid":"","identity_uuid":"","session_id":"","decky_id":"","payload":{}}`,
		` {"payload":"{}","source_id":"i","extra":[{"a":[]}],"event_time":null,"source_kind":"k"} `,
	} {
		got, _, err := d.Event([]byte(value), time.Time{})
		checkSame(t, got, want, err)
	}
}
