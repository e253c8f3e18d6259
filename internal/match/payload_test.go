package match

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ttpworker/internal/match/matchtest"
)

// watcher is a detection that makes the scan follow paths and collect values of all kinds.
func watcher(t testing.TB) *Detection {
	t.Helper()
	return compileJSON(t, `{"s": {"a.b": "x", "b|lt": 1, "c.a": null}, "k": ["x"], "condition": "s or k"}`)
}

// checkAccepted asks all who read payloads whether this is one.
func checkAccepted(t rapidTB, x *Index, payload []byte, want bool) {
	t.Helper()
	doc, err := ParseDocument(payload)
	if (err == nil) != want || (doc != nil) != want {
		t.Fatalf("ParseDocument(%.200q) = %v, want it accepted: %t", payload, err, want)
	}
	if _, err := x.Match(payload, NewScratch()); (err == nil) != want {
		t.Fatalf("Index.Match(%.200q) = %v, want it accepted: %t", payload, err, want)
	}
}

// isObject is what encoding/json says of a payload that does not nest too deep.
func isObject(payload []byte) bool {
	return json.Valid(payload) && strings.HasPrefix(strings.TrimLeft(string(payload), " \t\r\n"), "{")
}

func TestPayloadsAreJSONObjects(t *testing.T) {
	wrap := func(values ...string) (out []string) {
		for _, v := range values {
			out = append(out, v, `{"a":`+v+`}`, `{"z":`+v+`}`, `{"a":{"b":[0,`+v+`]}}`, `{"b":[`+v+`]}`, `{`+v+`:1}`, `{"a":1`+v+`}`)
		}
		return out
	}
	x := indexOf(watcher(t))
	for _, payload := range wrap(
		"", " ", "{}", "[]", "[1]", "null", "true", "tru", "truex", "nul", "nulll", "fals", "False", "NaN", "Infinity", "undefined",
		"0", "-0", "00", "01", "-01", "-", "+1", "1.", ".5", "-.5", "1.5", "1.5.5", "1e", "1e+", "1e+5", "1E-05", "1e5.5", "0e0", "0x1", "1_0", "1 2", "--1", "1e999", "-1e-999",
		`""`, `"`, `"a`, `a"`, `'a'`, `"\"`, `"\\"`, `"\a"`, `"\x41"`, `"\u"`, `"\u1"`, `"\u12"`, `"\u123"`, `"\u123g"`, `"\u1234"`, `"\U1234"`, `"\uD800"`, `"\udc00\ud800"`,
		`"\ud83d\ude00"`, `"\ud83d\u"`, `"\ud83dx"`, `"\/\b\f\n\r\t\""`, "\"\x00\"", "\"\x1f\"", "\"\x7f\"", "\"\n\"", "\"\t\"", "\"\xff\"", "\"\xc3\"", "\"\xed\xa0\x80\"", "\"\\\n\"",
		`"1234567\"`, "\"1234567\x01\"", "\"12345678\x01\"", `"12345678\"`, `"123456\u00"`, `"1234567890123456\`, "\"1234567\x80\x01\"",
		"{", "}", "[", "]", "{]", "[}", "[,]", "[1,]", "[1,,2]", "[1 2]", "{,}", `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a" 1}`, `{"a":1 "b":2}`, `{a:1}`, `{1:1}`, `{"a":1,,"b":2}`, `{"a"::1}`,
		"/**/1", "1//", "\xef\xbb\xbf1", "\u00a01", "1\x00", "1\v", "1\f", " \t\r\n1 \t\r\n", ",", ":", `,"a":1`, `,"b":1,"b":2`, `{"a":1}}`, `{}{}`, `{} {}`, `{},`, `{}]`, `{}x`,
	) {
		checkAccepted(t, x, []byte(payload), isObject([]byte(payload)))
	}
}

// Nesting has one limit for both, so that a payload cannot exhaust the stack of either.
func TestPayloadsThatNestTooDeepAreRefused(t *testing.T) {
	x := indexOf(watcher(t))
	for _, open := range []string{`[`, `{"a":`, `{"b":`, `{"z":`, `[{"a":`} {
		levels := strings.Count(open, "{") + strings.Count(open, "[")
		nest := func(n int) []byte {
			end := map[bool]string{true: "]", false: "}"}
			var closing strings.Builder
			for i := len(open) - 1; i >= 0; i-- {
				if c := open[i]; c == '[' || c == '{' {
					closing.WriteString(end[c == '['])
				}
			}
			return []byte(`{"a":` + strings.Repeat(open, n/levels) + "1" + strings.Repeat(closing.String(), n/levels) + `}`)
		}
		checkAccepted(t, x, nest(maxDepth), true)
		checkAccepted(t, x, nest(maxDepth+2), false)
		checkAccepted(t, x, nest(5_000_000), false)
		checkAccepted(t, x, []byte(`{"a":`+strings.Repeat(open, 5_000_000)), false)
	}
}

// randomJSON are payloads of few names, with what is odd in JSON.
func randomJSON() *rapid.Generator[[]byte] {
	return rapid.Custom(func(t *rapid.T) []byte { return drawObject(t, 3) })
}

func drawObject(t *rapid.T, depth int) []byte {
	out := []byte("{")
	for i := range rapid.IntRange(0, 4).Draw(t, "members") {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, rapid.SampledFrom([]string{"", "", "", " ", "\n\t"}).Draw(t, "space")...)
		out = append(out, rapid.SampledFrom([]string{`"a"`, `"b"`, `"c"`, `"a"`, `"b"`, `"\u0061"`, `"a.b"`, `"a.b.c"`, `"A"`, `"z"`, "\"\u00e4\"", `"\u00e4"`, `"\ud800"`, `""`}).Draw(t, "name")...)
		out = append(out, ':')
		out = append(out, drawValue(t, depth)...)
	}
	return append(out, '}')
}

func drawValue(t *rapid.T, depth int) []byte {
	kind := rapid.IntRange(0, 11).Draw(t, "kind")
	switch {
	case kind == 0 && depth > 0:
		out := []byte("[")
		for i := range rapid.IntRange(0, 3).Draw(t, "elements") {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(out, drawValue(t, depth-1)...)
		}
		return append(out, ']')
	case kind <= 2 && depth > 0:
		return drawObject(t, depth-1)
	case kind <= 4:
		return []byte(rapid.SampledFrom([]string{
			"null", "null", "true", "false", "0", "-0", "1", "1.5", "1.50", "15e-1", "1e2", "100", "-1", "1e999", "9007199254740993", "0.1e1",
		}).Draw(t, "word"))
	default:
		text := rapid.StringOf(rapid.SampledFrom([]rune("abcABC*?/-\\ 15.kK\u212asS\u017f\u00e4\u00c4\u2013\U0001f600\ufffd\x00"))).Draw(t, "text")
		if rapid.Bool().Draw(t, "from detections") {
			text = rapid.SampledFrom(wordsOfDetections).Draw(t, "word") + text[:len(text)/4] + rapid.SampledFrom(wordsOfDetections).Draw(t, "second word")
		}
		return drawText(t, text)
	}
}

// drawText writes a text as a JSON string in one of many ways.
func drawText(t *rapid.T, text string) []byte {
	out := []byte(`"`)
	escapes := rapid.IntRange(0, 3).Draw(t, "escapes")
	for i, r := range text {
		switch {
		case r == '\\' || r == '"':
			out = append(out, '\\', byte(r))
		case r < ' ' || escapes == 1 || escapes == 2 && i%3 == 0:
			if r > 0xffff {
				r -= 0x10000
				out = fmt.Appendf(out, `\u%04x\u%04X`, 0xd800+r>>10, 0xdc00+r&0x3ff)
				continue
			}
			out = fmt.Appendf(out, `\u%04x`, r)
		case r == '/' && escapes == 3:
			out = append(out, `\/`...)
		case r == '\ufffd' && escapes == 3:
			out = append(out, 0xff)
		case r == '\ufffd' && escapes == 2:
			out = append(out, `\ud800`...)
		default:
			out = append(out, string(r)...)
		}
	}
	return append(out, '"')
}

// mutate changes a few bytes.
func mutate(t *rapid.T, payload []byte) []byte {
	for range rapid.IntRange(1, 3).Draw(t, "mutations") {
		if len(payload) == 0 {
			break
		}
		i := rapid.IntRange(0, len(payload)-1).Draw(t, "at")
		c := rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte(`{}[]",:\u0123456789eE+-. tfn`))).Draw(t, "byte")
		switch rapid.IntRange(0, 3).Draw(t, "mutation") {
		case 0:
			payload[i] = c
		case 1:
			payload = append(payload[:i:i], payload[i+1:]...)
		case 2:
			payload = append(append(payload[:i:i], c), payload[i:]...)
		default:
			payload = payload[:i]
		}
	}
	return payload
}

func TestAllReadersAcceptTheSamePayloads(t *testing.T) {
	x, s := indexOf(watcher(t)), NewScratch()
	g := matchtest.NewGenerator(1, vocabularyOf([]*Detection{watcher(t)}))
	rapid.Check(t, func(t *rapid.T) {
		var payload []byte
		switch rapid.IntRange(0, 3).Draw(t, "source") {
		case 0:
			payload = rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
		case 1:
			payload = rapid.SliceOf(rapid.SampledFrom([]byte("{}[]\"\"ab:,\\u0d8 1e.-tfn\x00\xff"))).Draw(t, "bytes of JSON")
		case 2:
			payload = mutate(t, g.Hostile())
		default:
			payload = mutate(t, randomJSON().Draw(t, "payload"))
		}
		want := isObject(payload)
		if _, err := ParseDocument(payload); (err == nil) != want {
			t.Fatalf("ParseDocument(%q) = %v, want it accepted: %t", payload, err, want)
		}
		if _, err := x.Match(payload, s); (err == nil) != want {
			t.Fatalf("Index.Match(%q) = %v, want it accepted: %t", payload, err, want)
		}
	})
}
