package wire

import (
	"bytes"
	"strings"
	"testing"
)

// slowCheck is check without the quick look.
func slowCheck(d *Decoder, text []byte, limits Limits) ([]byte, int, error) {
	text = bytes.Trim(text, jsonSpace)
	if err := d.checkSyntax("payload", text, limits); err != nil {
		return nil, 0, err
	}
	text, n := repair(text)
	return text, n, nil
}

// agree fails if the quick look and the JSON reader judge a payload differently. The quick look may not refuse what the
// reader takes, either: that is no fault but slow.
func agree(t *testing.T, d *Decoder, text []byte, limits Limits) {
	t.Helper()
	text = bytes.Trim(text, jsonSpace)
	s := skim{text: text}
	quick := s.object(limits)
	want, repairs, err := slowCheck(d, text, limits)
	if quick != (err == nil) {
		t.Fatalf("skim of %q with %+v = %t, the reader says %v", text, limits, quick, err)
	}
	if quick && s.clean() && (repairs != 0 || !bytes.Equal(text, want)) {
		t.Fatalf("skim of %q sees nothing to repair, but there are %d", text, repairs)
	}
}

// strange are values that are right or wrong by a character, each with characters before and behind that would hide it from
// a look at eight bytes at a time.
func strange() []string {
	values := strings.Fields(`0 -0 00 01 -01 - -a 1. .5 1.5 1.5.5 1e 1e5 1E+5 1e-05 1e+ 1e5.5 0x10 +1 1_000 1e5e5 Infinity NaN nan
		true True tru truee false falsy null nul nulll none [] [ ] [1 [1] [1,] [,1] [1,2] [1 2] [[]] [[] [}] {} { } {] {"a"} {"a":} {"a":1} {"a":1,} {,}
		{"a":1,"a":2} {"a":1"b":2} {a:1} {1:2} {"a"::1} {null:1} " "" """ "\" "\\" "\\\" "\/\b\f\n\r\t" "\x" "\'" "\a" "\u" "\u1" "\u12" "\u123" "\u1234"
		"\u12345" "\u00g0" "\U0041" "\uABCD\uabcd" "\ud800" "\udc00" "\ud83d\ude00" "\uDBFF" 'a' a /**/ // # , : ,, 1,2 1:2`)
	values = append(values, "\"\t\"", "\"\n\"", "\"\x00\"", "\"\x1f\"", "\"\x7f\"", "\"\xff\"", "\"\x80\"", "\"\xe2\x82\xac\"", "\"\xed\xa0\x80\"", "\xff", "\x00", "\x7f",
		"1\f", "1\v", "\u00a01", "\ufeff1", "\r\n\t 1 \r\n\t", "[ \n1\t,\r2 ]", "{ \"a\" :\n1 }", "")
	return values
}

func TestSkimAgreesWithTheReader(t *testing.T) {
	limits := DefaultLimits()
	d := newDecoder(t, limits)
	for _, v := range strange() {
		for pad := range 20 {
			x := strings.Repeat("x", pad)
			for _, text := range []string{
				v, "{" + v + "}", `{"a":` + v + `}`, `{"` + x + `":` + v + `}`, `{"a":[` + v + `,"` + x + `"]}`, `{"a":"` + x + v + `"}`, `{"a":"` + v + x + `","b":0}`,
				`{"` + x + v + `":1}`, `{"a":1` + v + `}`, `{"a":1}` + v, `{"a":{"b":[` + v + `]}}`, `{"a":"` + x + strings.Trim(v, `"`) + x + `"}`,
			} {
				agree(t, d, []byte(text), limits)
			}
		}
	}
}

// Every byte takes every place in a payload once.
func TestSkimAgreesWithTheReaderOnEveryByte(t *testing.T) {
	limits := DefaultLimits()
	d := newDecoder(t, limits)
	payload := `{"name" : "some text \u0041 of \n more than eight", "n":[-12.50e+3,true,null,{"":false}]}`
	for at := range payload {
		for c := range 256 {
			text := []byte(payload)
			text[at] = byte(c)
			agree(t, d, text, limits)
			agree(t, d, append(text[:at], payload[at+1:]...), limits)
		}
		agree(t, d, []byte(payload[:at]), limits)
	}
}

func FuzzSkim(f *testing.F) {
	for _, v := range strange() {
		f.Add([]byte(`{"a":`+v+`,"b":"xxxxxxxxxxxx"}`), 3, 5)
	}
	f.Add([]byte("{\"a\":\"\xff\\ud83d\\ude00\"}"), 64, 0)
	f.Add([]byte(strings.Repeat(`{"a":[`, 70)+`1`+strings.Repeat(`]}`, 70)), maxDepth, 100)
	d := newDecoder(f, DefaultLimits())
	f.Fuzz(func(t *testing.T, text []byte, depth, fields int) {
		limits := Limits{PayloadBytes: 1 << 20, Depth: min(max(depth, 1), maxDepth), Fields: max(fields, 0)}
		agree(t, d, text, limits)
	})
}
