package webtext_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"ttpworker/internal/webtext"
)

func TestDecode(t *testing.T) {
	for _, tt := range []struct {
		name   string
		text   string
		source webtext.Source
		want   string
	}{
		{name: "plain text", text: "/a/b?c=d", want: "/a/b?c=d"},
		{name: "percent-encoding", text: "%3Cscript%3e", want: "<script>"},
		{name: "twice", text: "%253Cb%253E", want: "<b>"},
		{name: "four times", text: "%2525253Cb", want: "<b"},
		{name: "five times is one too many", text: "%252525253Cb", want: "%3Cb"},
		{name: "digits encoded one by one", text: "%%32%65%%32%66", want: "./"},
		{name: "incomplete", text: "100% %4 %zz %", want: "100% %4 %zz %"},
		{name: "percent u", text: "%u003cscript%U003E", want: "<script>"},
		{name: "percent u, too short", text: "%u003", want: "%u003"},
		{name: "plus in a form", text: "a+b%2Bc", source: webtext.Form, want: "a b+c"},
		{name: "plus elsewhere", text: "a+b%2Bc", want: "a+b+c"},
		{name: "decimal entities", text: "&#60;a&#0062&#62;", want: "<a>>"},
		{name: "hexadecimal entities", text: "&#x3c;&#X3Eb", want: "<\u03eb"},
		{name: "named entities", text: "&lt;b&gt;&NewLine;java&Tab;script&colon;", want: "<b>\njava\tscript:"},
		{name: "parameters that look like entities", text: "?a=1&lt=2&copy=3&#", want: "?a=1&lt=2&copy=3&#"},
		{name: "encoded entities", text: "%26lt%3b", want: "<"},
		{name: "script escapes", text: `\u003cb\x3E\u{3c}`, want: "<b><"},
		{name: "surrogates", text: `\ud83d\ude00 \ud83d`, want: "\U0001f600 \ufffd"},
		{name: "no escapes", text: `C:\users\xavier\u12`, want: `C:\users\xavier\u12`},
		{name: "escapes of JSON", text: `{"a":"b\/c\n\"d\\"}`, source: webtext.JSON, want: "{\"a\":\"b/c\n\"d\\\"}"},
		{name: "escapes of JSON elsewhere", text: `b\/c\n`, want: `b\/c\n`},
		{name: "null bytes", text: "a%00b\x00c&#0;d", want: "abcd"},
		{name: "overlong in two bytes", text: "%c0%ae%C0%AE%c0%af%c1%9c", want: `../\`},
		{name: "overlong in three to six bytes", text: "%e0%80%af%f0%80%80%af%f8%80%80%80%af%fc%80%80%80%80%af", want: "////"},
		{name: "overlong percent sign", text: "%c0%a53c", want: "<"},
		{name: "continuation that is none", text: "%c0%2e%c0%2f", want: "./"},
		{name: "overlong null", text: "a%c0%80b", want: "ab"},
		{name: "full width", text: "%EF%BC%9Cscript%ef%bc%9e%uff0e", want: "<script>."},
		{name: "slashes that look alike", text: "..%u2215..%u2216", want: `../..\`},
		{name: "UTF-8", text: "caf%C3%A9 \u4f60", want: "caf\u00e9 \u4f60"},
		{name: "no UTF-8", text: "%ac%ed%05%bf%27", want: "\u00ac\u00ed\x05\u00bf'"},
		{name: "end within a sequence", text: "%e0%80", want: "\u00e0\u0080"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := webtext.Decode([]byte("> "), []byte(tt.text), tt.source); string(got) != "> "+tt.want {
				t.Errorf("Decode(%q) = %q, want %q", tt.text, got, "> "+tt.want)
			}
		})
	}
}

func TestPlain(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"white space", "a \t\r\n b  c", "a b c"},
		{"comments", "union/**/select/* x */1", "union select 1"},
		{"comment that runs", "/*!50000union*/ /*!select*/", " union select "},
		{"comment that does not end", "a/*b", "a/*b"},
		{"comments to the end of a line", "1--x\nunion#y\nselect", "1 union select"},
		{"marks of comments on the last line", "a#b--c", "a#b--c"},
		{"a comment between blanks is one blank", "a /**/ b", "a b"},
		{"slash that opens nothing", "/*/", "/ "},
		{"backslashes", `..\..\a`, "../../a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := webtext.Plain([]byte("> "), []byte(tt.text)); string(got) != "> "+tt.want {
				t.Errorf("Plain(%q) = %q, want %q", tt.text, got, "> "+tt.want)
			}
		})
	}
}

func TestShell(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"quotes", `c'a't "/etc"/pass""wd`, "cat /etc/passwd"},
		{"backslashes and carets", `c\at wh^oami`, "cat whoami"},
		{"IFS", "cat$IFS/a;cat${IFS}/a;cat${IFS%?}/b;cat$IFS$9/c", "cat /a;cat /a;cat /b;cat /c"},
		{"parameters that are not set", "c$@at wh$1oami i$*d", "cat whoami id"},
		{"commands that print nothing", "pi$()ng pi``ng", "ping ping"},
		{"variables within words", "cat$u /etc/ca${x}t", "cat /etc/cat"},
		{"variables of their own", "$HOME ${HOME} $", "$HOME ${HOME} $"},
		{"braces", ";{cat,/etc/passwd}", ";cat /etc/passwd"},
		{"no braces", `{"a":1,b} {a} {`, "{a:1,b} {a} {"},
		{"class of one character", "/bi[n]/c[a]t [ab] [", "/bin/cat [ab] ["},
		{"substitution", "`id` $(id)", "`id` $(id)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := webtext.Shell([]byte("> "), []byte(tt.text)); string(got) != "> "+tt.want {
				t.Errorf("Shell(%q) = %q, want %q", tt.text, got, "> "+tt.want)
			}
		})
	}
}

func TestBase64(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"padded", "c2VsZWN0IDE7LQ==", "select 1;-"},
		{"not padded", "c2VsZWN0IDE7LQ", "select 1;-"},
		{"alphabet of URLs", "Pz8_Pz8_Pj4-Pj4-", "??????>>>>>>"},
		{"other alphabet", "Pz8/Pz8/Pj4+Pj4+", "??????>>>>>>"},
		{"lines", "YQpiCWMNZCBlIGY=", "a\nb\tc\rd e f"},
		{"letters of other scripts", "w6TDtsO8w5/DpMO2", "\u00e4\u00f6\u00fc\u00df\u00e4\u00f6"},
		{name: "short", text: "aWQ7IGxz"},
		{name: "a word", text: "international"},
		{name: "a text", text: "a text of several words"},
		{name: "both alphabets", text: "Pz8/Pz8/Pj4-Pj4-"},
		{name: "no whole bytes", text: "c2VsZWN0IDE7LQ=x"},
		{name: "bytes that are no text", text: "AAECAwQFBgcICQ=="},
		{name: "bytes that are no UTF-8", text: "/////////////w=="},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := webtext.Base64([]byte("> "), []byte(tt.text))
			if string(got) != "> "+tt.want || ok != (tt.want != "") {
				t.Errorf("Base64(%q) = %q, %t, want %q", tt.text, got, ok, "> "+tt.want)
			}
		})
	}
}

// Text that encodes or nests without end must not take time without end: each of these is read in well under a second.
func TestHostileTextTakesTimeInProportion(t *testing.T) {
	for _, unit := range []string{"%25", "%2525", "&#", "&lt", `\u`, "/*", "*/", "--", "#", "$", "{a", "${IFS", "%c0", "%f0%80", "\n", "a\n#", "[", "%5c%75"} {
		text := []byte(strings.Repeat(unit, 1<<20/len(unit)))
		for _, source := range []webtext.Source{webtext.Other, webtext.Form, webtext.JSON} {
			decoded := webtext.Decode(nil, text, source)
			for name, got := range map[string][]byte{"Decode": decoded, "Plain": webtext.Plain(nil, text), "Shell": webtext.Shell(nil, text)} {
				if len(got) > len(text) {
					t.Errorf("%s(%q...) has %d bytes, more than the %d of the text", name, unit, len(got), len(text))
				}
			}
		}
	}
}

// FuzzReadings holds what doc.go promises of every text.
func FuzzReadings(f *testing.F) {
	for _, text := range []string{
		"", "%253Cscript%253e", "%u003c&#60;&lt;\\u003c\\x3c", "%c0%ae%e0%80%af", "1/**/or/*!1*/1=1--\n#\n", "c'a't${IFS}/e[t]c/$@{a,b}``", "\x00\xff\\",
	} {
		f.Add([]byte(text), uint8(0))
	}
	f.Fuzz(func(t *testing.T, text []byte, source uint8) {
		text = []byte(strings.ToValidUTF8(string(text), "\ufffd"))
		decoded := webtext.Decode(nil, text, webtext.Source(source%3))
		plain, shell := webtext.Plain(nil, decoded), webtext.Shell(nil, decoded)
		for name, got := range map[string][]byte{"Decode": decoded, "Plain": plain, "Shell": shell} {
			if !utf8.Valid(got) {
				t.Errorf("%s of %q = %q, which is no UTF-8", name, text, got)
			}
		}
		if strings.ContainsRune(string(decoded), 0) {
			t.Errorf("Decode(%q) = %q, with a null byte", text, decoded)
		}
		if got, ok := webtext.Base64(nil, text); ok && (!utf8.Valid(got) || len(got) >= len(text)) {
			t.Errorf("Base64 of %q = %q, which is no shorter UTF-8", text, got)
		}
		if len(decoded) > len(text) || len(plain) > len(decoded) || len(shell) > len(decoded) {
			t.Errorf("readings of %q are longer than it: %q, %q, %q", text, decoded, plain, shell)
		}
	})
}
