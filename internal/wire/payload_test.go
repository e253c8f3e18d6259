package wire

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

func TestPayloadRepair(t *testing.T) {
	d := newDecoder(t, DefaultLimits())
	for _, tt := range []struct {
		name    string
		payload string
		want    string
		repairs int
	}{
		{"nothing to do", `{"a":"b"}`, `{"a":"b"}`, 0},
		{"white space around it", " \r\n\t{ \"a\" : 1 }\n", `{ "a" : 1 }`, 0},
		{"numbers stay as they were", `{"a":1.0e+05,"b":12345678901234567890.10,"c":-0}`, `{"a":1.0e+05,"b":12345678901234567890.10,"c":-0}`, 0},
		{"equal keys stay", `{"a":1,"a":2}`, `{"a":1,"a":2}`, 0},
		{"escapes stay", `{"\u0061":"\n\\\/\"\u00e9"}`, `{"\u0061":"\n\\\/\"\u00e9"}`, 0},
		{"text of several bytes", "{\"a\":\"\u00e9\u20ac\U0001F600\"}", "{\"a\":\"\u00e9\u20ac\U0001F600\"}", 0},
		{"U+FFFD itself is no fault", "{\"a\":\"\uFFFD\\ufffd\"}", "{\"a\":\"\uFFFD\\ufffd\"}", 0},
		{"one invalid byte", "{\"a\":\"x\xffy\"}", "{\"a\":\"x\uFFFDy\"}", 1},
		{"in a key", "{\"\xff\":1}", "{\"\uFFFD\":1}", 1},
		{"each byte counts", "{\"a\":\"\xff\xfe\"}", "{\"a\":\"\uFFFD\uFFFD\"}", 2},
		{"a sequence cut short", "{\"a\":\"\xe2\x82\"}", "{\"a\":\"\uFFFD\uFFFD\"}", 2},
		{"an overlong slash", "{\"a\":\"\xc0\xaf\"}", "{\"a\":\"\uFFFD\uFFFD\"}", 2},
		{"a surrogate in UTF-8", "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\uFFFD\uFFFD\uFFFD\"}", 3},
		{"a pair", `{"a":"\ud83d\ude00\uD83D\uDE00"}`, `{"a":"\ud83d\ude00\uD83D\uDE00"}`, 0},
		{"high half alone", `{"a":"\ud83d"}`, `{"a":"\ufffd"}`, 1},
		{"low half alone", `{"a":"\ude00x"}`, `{"a":"\ufffdx"}`, 1},
		{"halves the wrong way round", `{"a":"\ude00\ud83d"}`, `{"a":"\ufffd\ufffd"}`, 2},
		{"high half before a pair", `{"a":"\ud83d\ud83d\ude00"}`, `{"a":"\ufffd\ud83d\ude00"}`, 1},
		{"high half before another escape", `{"a":"\ud83d\u0041\n"}`, `{"a":"\ufffd\u0041\n"}`, 1},
		{"no escape but a backslash", `{"a":"\\ud83d"}`, `{"a":"\\ud83d"}`, 0},
		{"backslash, then half a pair", `{"a":"\\\ud83d"}`, `{"a":"\\\ufffd"}`, 1},
		{"all at once", "{\"\xff\":[\"\\udfff\",{\"b\":\"\xc3\"}]}", "{\"\uFFFD\":[\"\\ufffd\",{\"b\":\"\uFFFD\"}]}", 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			quoted, _ := jsontext.AppendQuote(nil, tt.payload) // replaces invalid bytes: not used for those
			for form, value := range map[string]string{
				"avro":   string(header(t, EventRecord)) + string(withPayload(tt.payload)),
				"object": `{"source_kind":"k","source_id":"i","payload":` + tt.payload + `}`,
				"string": `{"source_kind":"k","source_id":"i","payload":` + string(quoted) + `}`,
			} {
				ev, repairs, err := d.Event([]byte(value), time.Time{})
				if err != nil {
					t.Errorf("%s: %v", form, err)
					continue
				}
				if form == "string" && strings.ToValidUTF8(tt.payload, "") != tt.payload {
					continue
				}
				if string(ev.Payload) != tt.want || repairs != tt.repairs {
					t.Errorf("%s: payload %q with %d repairs, want %q with %d", form, ev.Payload, repairs, tt.want, tt.repairs)
				}
				if !jsontext.Value(ev.Payload).IsValid(jsontext.AllowDuplicateNames(true)) {
					t.Errorf("%s: payload %q is not valid to a strict reader", form, ev.Payload)
				}
			}
		})
	}
}

// The string that holds a payload may itself be damaged: in raw bytes, or by half a pair in its escapes.
func TestPayloadInADamagedString(t *testing.T) {
	d := newDecoder(t, DefaultLimits())
	for _, tt := range []struct {
		payload string
		want    string
		repairs int
	}{
		{"\"{\\\"a\\\":\\\"\xff\\\"}\"", "{\"a\":\"\uFFFD\"}", 1},
		{`"{\"a\":\"\ud83d\"}"`, "{\"a\":\"\uFFFD\"}", 1},
		{`"{\"a\":\"\ud83d \\ud83d\"}"`, "{\"a\":\"\uFFFD \\ufffd\"}", 2},
		{`"\u007b\u007d"`, "{}", 0},
	} {
		ev, repairs, err := d.Event([]byte(`{"source_kind":"k","source_id":"i","payload":`+tt.payload+`}`), time.Time{})
		if err != nil || string(ev.Payload) != tt.want || repairs != tt.repairs {
			t.Errorf("payload %s = %q, %d, %v, want %q, %d", tt.payload, ev.Payload, repairs, err, tt.want, tt.repairs)
		}
	}
}

func TestLimitsHoldExactly(t *testing.T) {
	nested := func(n int) string { return strings.Repeat(`{"a":`, n-1) + "{}" + strings.Repeat("}", n-1) }
	mixed := func(n int) string { return `{"a":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + "}" }
	long := func(n int) string { return `{"a":"` + strings.Repeat("x", n-len(`{"a":""}`)) + `"}` }
	for _, tt := range []struct {
		name    string
		limits  Limits
		payload string
		class   Class // "" = fine
	}{
		{"1 MiB", DefaultLimits(), long(1 << 20), ""},
		{"1 MiB and a byte", DefaultLimits(), long(1<<20 + 1), TooLarge},
		{"8 MiB", DefaultLimits(), long(8 << 20), TooLarge},
		{"8 MiB with room for it", Limits{PayloadBytes: 8 << 20, Depth: 64}, long(8 << 20), ""},
		{"white space does not count", Limits{PayloadBytes: 8, Depth: 64}, "   " + long(8) + "  ", ""},
		{"depth 64", DefaultLimits(), nested(64), ""},
		{"depth 65", DefaultLimits(), nested(65), TooDeep},
		{"arrays to depth 64", DefaultLimits(), mixed(64), ""},
		{"arrays to depth 65", DefaultLimits(), mixed(65), TooDeep},
		{"depth 100000", DefaultLimits(), nested(100_000), TooDeep},
		{"depth 1 has no depth 2", Limits{PayloadBytes: 100, Depth: 1}, `{"a":{}}`, TooDeep},
		{"depth 1", Limits{PayloadBytes: 100, Depth: 1}, `{"a":1}`, ""},
		{"depth 1000", Limits{PayloadBytes: 1 << 20, Depth: maxDepth}, nested(maxDepth), ""},
		{"10000 fields", DefaultLimits(), manyFields(10_000), ""},
		{"10001 fields", DefaultLimits(), manyFields(10_001), TooLarge},
		{"any number of fields", Limits{PayloadBytes: 1 << 20, Depth: 64}, manyFields(10_001), ""},
		{"fields at all levels", Limits{PayloadBytes: 100, Depth: 64, Fields: 3}, `{"a":[{"b":1},{"c":{}}]}`, ""},
		{"one field too many at the bottom", Limits{PayloadBytes: 100, Depth: 64, Fields: 3}, `{"a":[{"b":1},{"c":{"d":2}}]}`, TooLarge},
		{"values and names given twice", Limits{PayloadBytes: 100, Depth: 64, Fields: 2}, `{"a":["b","c","d"],"a":"e"}`, ""},
		{"many side by side are not deep", DefaultLimits(), `{"a":[` + strings.Repeat("[],", 200) + `[]]}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDecoder(t, tt.limits)
			quoted, err := jsontext.AppendQuote(nil, tt.payload)
			if err != nil {
				t.Fatal(err)
			}
			for form, value := range map[string]string{
				"avro":   string(header(t, EventRecord)) + string(withPayload(tt.payload)),
				"object": `{"source_kind":"k","source_id":"i","payload":` + tt.payload + `}`,
				"string": `{"source_kind":"k","source_id":"i","payload":` + string(quoted) + `}`,
			} {
				ev, _, err := d.Event([]byte(value), time.Time{})
				if got := classOf(err); got != tt.class {
					t.Errorf("%s: %.200v, want class %q", form, err, tt.class)
				}
				if err == nil && string(ev.Payload) != strings.TrimSpace(tt.payload) {
					t.Errorf("%s: payload of %d bytes, want %d", form, len(ev.Payload), len(tt.payload))
				}
			}
		})
	}
}

// manyFields is a payload of n fields in objects of ten.
func manyFields(n int) string {
	var b strings.Builder
	b.WriteString(`{"a":[{`)
	for i := range n - 1 {
		switch {
		case i == 0:
		case i%10 == 0:
			b.WriteString(`},{`)
		default:
			b.WriteString(`,`)
		}
		fmt.Fprintf(&b, `"f%d":{}`, i%10)
	}
	b.WriteString(`}]}`)
	return b.String()
}

func TestTooManyFieldsNameTheLimit(t *testing.T) {
	d := newDecoder(t, Limits{PayloadBytes: 100, Depth: 64, Fields: 1})
	_, _, err := d.Event([]byte(`{"source_kind":"k","source_id":"i","payload":{"a":1,"b":2}}`), time.Time{})
	const want = `too_large: "payload": has too many fields: over 1 at byte 55 (limits.fields)`
	if err == nil || err.Error() != want {
		t.Errorf("Event = %v, want %s", err, want)
	}
}

func TestPayloadIsNotCopied(t *testing.T) {
	d := newDecoder(t, DefaultLimits())
	for _, value := range [][]byte{
		append(header(t, EventRecord), withPayload(`{"a":1}`)...),
		[]byte(`{"source_kind":"k","source_id":"i","payload":{"a":1}}`),
	} {
		before := string(value)
		ev, _, err := d.Event(value, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if string(value) != before {
			t.Errorf("value = %q, want it as it was: %q", value, before)
		}
		if cap(ev.Payload) != len(ev.Payload) {
			t.Errorf("payload of %q has room behind it: appending to it would write to the record", value)
		}
		value[bytes.IndexByte(value, '1')] = '2'
		if string(ev.Payload) != `{"a":2}` {
			t.Errorf("payload of %q was copied", value)
		}
	}
}

// What identifiers take is for themselves: a copy of the payload beside them would cost more than reading it.
func TestIdentifiersAreCopiedWithoutThePayload(t *testing.T) {
	ev := fullEvent()
	data, err := newEncoder(t, SingleObject).Event(nil, &ev)
	if err != nil {
		t.Fatal(err)
	}
	datum := data[singleObjectHeader:]
	c := cursor{buf: datum, ahead: eventTexts(datum)}
	var got []string
	for range 2 {
		got = append(got, c.text(""))
	}
	for range 4 {
		got = append(got, c.optionalText(""))
	}
	if c.err != nil || !slices.Equal(got, []string{"command", "cmd-1", "a-1", "i-1", "s-1", "d-1"}) {
		t.Fatalf("identifiers = %q, %v", got, c.err)
	}
	if want := c.off - 1; len(c.chunk) != want { // all but the first length
		t.Errorf("%d bytes are copied for them, want %d", len(c.chunk), want)
	}
	for n := range datum[:c.off] {
		if got := eventTexts(datum[:n]); got != 0 {
			t.Errorf("eventTexts of the first %d bytes = %d, want 0: they are cut short", n, got)
		}
	}
}
