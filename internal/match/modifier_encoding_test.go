package match

import (
	"encoding/base64"
	"testing"
)

func encodingCases() []modifierCase {
	in := base64.StdEncoding.EncodeToString
	wide := func(s string) string { // of ASCII
		var b []byte
		for _, c := range []byte(s) {
			b = append(b, c, 0)
		}
		return string(b)
	}
	return []modifierCase{
		{name: "base64 is the whole text in base64", key: "|base64", values: "hello", yes: []string{"aGVsbG8=", "AGVSBG8="}, no: []string{"hello", "xaGVsbG8=", "aGVsbG8"}},
		{name: "base64 of contains", key: "|base64|contains", values: "foo", yes: []string{in([]byte("foobar")), in([]byte("barfoo"))}, no: []string{in([]byte("xfoo"))}},
		{name: "base64 that sees case", key: "|base64|cased", values: "foo", yes: []string{"Zm9v"}, no: []string{"zm9v"}},
		{name: "base64 of nothing", key: "|base64", values: "", yes: []string{""}, no: []string{"="}},
		{name: "base64 of an escaped star", key: "|base64", values: `a\*`, yes: []string{in([]byte("a*"))}, no: []string{in([]byte(`a\*`))}},
		{name: "base64 of a number", key: "|base64", values: 15, yes: []string{in([]byte("15"))}, no: []string{"15"}},
		{
			name: "base64offset is a text at each place in base64", key: "|base64offset|contains", values: "powershell",
			yes: []string{
				in([]byte("powershell")), in([]byte("xpowershell")), in([]byte("xxpowershellxx")), in([]byte("xxxpowershellx")),
				in([]byte("\xffpowershell\xff")), in([]byte("\xff\x00powershell\x01\x02")),
			},
			no: []string{"powershell", in([]byte("powerzhell")), in([]byte("xpowershel"))},
		},
		{name: "base64offset of two characters", key: "|base64offset|contains", values: "ab", yes: []string{in([]byte("ab")), in([]byte("xab"))}, no: []string{"", "ab"}},
		{name: "base64offset of three characters", key: "|base64offset|contains", values: "abc", yes: []string{in([]byte("abc")), in([]byte("xabc")), in([]byte("xxabc"))}, no: []string{in([]byte("xxxab"))}},
		{
			name: "wide in front of base64offset", key: "|wide|base64offset|contains", values: "IEX",
			yes: []string{in([]byte(wide("IEX ("))), in([]byte(wide("$a;IEX"))), in([]byte("x" + wide("IEX") + "y"))},
			no:  []string{in([]byte("IEX (")), in([]byte(wide("IE")))},
		},
		{name: "utf16le in front of base64", key: "|utf16le|base64", values: "hi", yes: []string{in([]byte("h\x00i\x00"))}, no: []string{in([]byte("\x00h\x00i")), in([]byte("hi"))}},
		{name: "utf16be in front of base64", key: "|utf16be|base64", values: "hi", yes: []string{in([]byte("\x00h\x00i"))}, no: []string{in([]byte("h\x00i\x00"))}},
		{name: "utf16 has a byte order mark in front", key: "|utf16|base64", values: "hi", yes: []string{in([]byte("\xff\xfeh\x00i\x00"))}, no: []string{in([]byte("h\x00i\x00"))}},
		{name: "utf16 of characters outside of the first plane", key: "|utf16le|base64", values: "\U0001f600", yes: []string{in([]byte("\x3d\xd8\x00\xde"))}, no: []string{in([]byte("\U0001f600"))}},
		{name: "wide alone", key: "|wide|contains", values: "hi", yes: []string{"xh\x00i\x00x", "H\x00I\x00"}, no: []string{"hi", "h\x00i"}},
		{name: "wide of a value with wildcards", key: "|wide", values: "a*b", yes: []string{"a\x00b\x00", "A\x00xyzb\x00"}, no: []string{"ab", "a\x00b"}},
		{name: "bytes that are no text are replacement characters, never parts of others", key: "|wide|contains|cased", values: "\u00a9", yes: []string{"\ufffd\x00", "\xa9\x00"}, no: []string{"\u00e9\x00", "\u00a9"}},
		{
			name: "windash is every dash in place of every dash", key: "|windash|contains", values: " -a /b",
			yes: []string{"x -a -b", "x -a /b", "x /a -b", "x \u2013A \u2014b", "x \u2015a \u2015b", " \u2014a /bc"},
			no:  []string{"x -a", "x a b", "x \u2212a -b", "x - a -b", "x-a -b"},
		},
		{name: "windash of a value that begins with a dash", key: "|windash|startswith", values: "-a", yes: []string{"/a", "\u2013abc", "-A"}, no: []string{"a", "x/a"}},
		{name: "windash behind the modifier for the place", key: "|contains|windash", values: "-a", yes: []string{"x/ax", "\u2015a"}, no: []string{"xa"}},
		{name: "windash leaves dashes within words alone", key: "|windash", values: "a-b/c -d", yes: []string{"a-b/c -d", "a-b/c /d"}, no: []string{"a/b/c -d", "a-b-c /d"}},
		{name: "windash leaves dashes in front of no word alone", key: "|windash", values: "-a - -", yes: []string{"-a - -", "/a - -"}, no: []string{"-a / -", "/a - /"}},
		{name: "windash changes the last of several dashes", key: "|windash", values: "--a", yes: []string{"--a", "-/a", "-\u2013a"}, no: []string{"/-a", "//a", "/a"}},
		{name: "windash behind a wildcard", key: "|windash", values: "x*-a", yes: []string{"x-a", "xyz/a"}, no: []string{"xa"}},
		{name: "windash of other dashes", key: "|windash", values: "\u2013a", yes: []string{"-a", "/a", "\u2015a"}, no: []string{"a"}},
		{name: "windash of no dash", key: "|windash|contains", values: "abc", yes: []string{"xabc"}, no: []string{"ab"}},
		{name: "windash of all", key: "|contains|windash|all", values: []string{"-a", "-b"}, yes: []string{"/a -b", "-b -a"}, no: []string{"/a", "/a b"}},
		{name: "windash behind bytes that are no text", key: "|wide|windash|contains", values: "\u00e9-a", yes: []string{"\ufffd\x00-\x00A\x00"}, no: []string{"\ufffd\x00/\x00a\x00"}},
		{name: "windash with neq", key: "|windash|neq", values: "-a", yes: []string{"a", ""}, no: []string{"-a", "/a", "\u2014a"}},
		{name: "windash in front of base64", key: "|windash|base64", values: "-a", yes: []string{in([]byte("-a")), in([]byte("/a")), in([]byte("\u2013a"))}, no: []string{"-a", "/a"}},
	}
}

func expandCases() []modifierCase {
	return []modifierCase{
		{name: "expand is each value of a list", key: "|expand", values: "%admins%", yes: []string{"root", "ADMINISTRATOR"}, no: []string{"%admins%", "roo", "user"}},
		{name: "expand within a text", key: "|expand", values: `dom\%admins%!`, yes: []string{`dom%admins%!`}, no: []string{`dom\root!`}},
		{name: "expand between texts", key: "|expand|contains", values: "[%admins%]", yes: []string{"x[root]x", "[administrator]"}, no: []string{"root", "[]"}},
		{name: "expand of two placeholders is every pair", key: "|expand", values: "%hosts%-%hosts%", yes: []string{"a-a", "bxx-c", "c-byy"}, no: []string{"a-d", "b", "a-"}},
		{name: "a list may have wildcards", key: "|expand", values: "%hosts%", yes: []string{"a", "bcd", "b"}, no: []string{"ab", "cd"}},
		{name: "one percent sign is itself", key: "|expand", values: "100%", yes: []string{"100%"}, no: []string{"100"}},
		{name: "escaped percent signs are themselves", key: "|expand", values: `\%admins\%`, yes: []string{"%admins%"}, no: []string{"root", `\%admins\%`}},
		{name: "placeholders without expand are texts", values: "%admins%", yes: []string{"%ADMINS%"}, no: []string{"root"}},
		{name: "a list without values matches nothing", key: "|expand", values: "%none%", no: []string{"", "none", "%none%"}},
		{name: "a list without values beside another value", key: "|expand", values: []string{"%none%", "x"}, yes: []string{"x"}, no: []string{""}},
		{name: "expand of all is one of each", key: "|expand|all|contains", values: []string{"%admins%", "%hosts%"}, yes: []string{"root a", "administrator@c"}, no: []string{"root", "xyz"}},
		{name: "expand in front of windash", key: "|expand|windash|contains", values: " %dashes%", yes: []string{"x /x", "x -y"}, no: []string{"x x"}},
		{name: "expand of networks", key: "|expand|cidr", values: "%networks%", yes: []string{"10.1.2.3", "fe80::1"}, no: []string{"11.0.0.1"}},
		{name: "expand in an expression", key: "|expand|re", values: "^(%admins%)+$", yes: []string{"rootroot"}, no: []string{"rootx"}},
		{name: "expand with neq is none of them", key: "|expand|neq", values: "%admins%", yes: []string{"", "x"}, no: []string{"root", "administrator"}},
	}
}

func regexpCases() []modifierCase {
	return []modifierCase{
		{name: "an expression is found anywhere and sees case", key: "|re", values: "a.c", yes: []string{"abc", "xxa-cxx"}, no: []string{"ABC", "ac", "a\nc"}},
		{name: "an expression may bind itself", key: "|re", values: `^a\d+$`, yes: []string{"a1", "a12"}, no: []string{"xa1", "a1x", "a1\n"}},
		{name: "an expression is no text with wildcards", key: "|re", values: `a*\*?`, yes: []string{"", "a", "a*"}},
		{name: "i: without case", key: "|re|i", values: "ab[c]", yes: []string{"ABC", "xabCx"}, no: []string{"ab"}},
		{name: "i: letters that fold to ASCII", key: "|re|i", values: "^task$", yes: []string{"ta\u017f\u212a", "TASK"}, no: []string{"tasks"}},
		{name: "m: lines", key: "|re|m", values: "^b$", yes: []string{"a\nb\nc", "b"}, no: []string{"ab", "a\nbc"}},
		{name: "s: the dot is a newline too", key: "|re|s", values: "a.b", yes: []string{"a\nb", "axb"}, no: []string{"ab"}},
		{name: "i, m and s together", key: "|re|i|m|s", values: "^a.B$", yes: []string{"x\nA\nb", "aXb"}, no: []string{"xaxb"}},
		{name: "flags hold for each alternative", key: "|re|i", values: "foo|bar", yes: []string{"FOO", "BAR"}, no: []string{"fo"}},
		{name: "flags within the expression", key: "|re", values: "(?i)foo|bar", yes: []string{"FOO", "BAR"}, no: []string{"fo"}},
		{name: "an expression without a literal", key: "|re", values: `^\d{3}-\d{4}$`, yes: []string{"555-1234"}, no: []string{"555-123", "5555-1234"}},
		{name: "the empty expression is in every text", key: "|re", values: "", yes: []string{"", "x"}},
		{name: "characters, not bytes", key: "|re", values: "^.$", yes: []string{"\u00e4", "\U0001f600"}, no: []string{"", "ab"}},
		{name: "classes that see case", key: "|re", values: "[A-Z]{3}", yes: []string{"xABCx"}, no: []string{"abc", "AbC"}},
		{name: "all of several expressions", key: "|re|all", values: []string{"a+", "b+"}, yes: []string{"xbxa"}, no: []string{"aa", "b"}},
		{name: "no expression", key: "|re|neq", values: "a+", yes: []string{"", "b"}, no: []string{"a"}},
	}
}

// Numbers and truth values match expressions by their text, nulls do not.
func TestExpressionsOfOtherValues(t *testing.T) {
	d := compileJSON(t, `{"s": {"a|re": "^(1\\.5|true|100|null)?$"}, "condition": "s"}`)
	for _, payload := range []string{`{"a":1.50}`, `{"a":true}`, `{"a":1e2}`, `{"a":"null"}`, `{"a":[null,""]}`} {
		checkMatch(t, d, payload, true)
	}
	for _, payload := range []string{`{"a":null}`, `{"a":15}`, `{"a":false}`, `{"a":[]}`, `{}`} {
		checkMatch(t, d, payload, false)
	}
}
