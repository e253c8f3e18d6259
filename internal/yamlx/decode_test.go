package yamlx

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// all has a field of every type that Decode knows.
type all struct {
	Text    string          `yaml:"text"`
	Secret  secret          `yaml:"secret"`
	Int     int             `yaml:"int"`
	Small   int16           `yaml:"small"`
	Float   float64         `yaml:"float"`
	Bool    bool            `yaml:"bool"`
	Wait    time.Duration   `yaml:"wait"`
	Version *int            `yaml:"version"`
	Strings Strings         `yaml:"strings"`
	Maybe   *Strings        `yaml:"maybe"`
	JSON    JSON            `yaml:"json"`
	Inner   inner           `yaml:"inner"`
	Inners  []inner         `yaml:"inners"`
	Table   map[string]int  `yaml:"table"`
	Inline  inlined         `yaml:",inline"`
	Hidden  string          `yaml:"-"`
	Untold  string          // no tag
	Flags   map[secret]bool `yaml:"flags"`
}

type (
	secret string
	inner  struct {
		X int `yaml:"x"`
		Y int `yaml:"y"`
	}
	inlined struct {
		Extra string `yaml:"extra"`
	}
)

func decode(t *testing.T, text string, v any) error {
	t.Helper()
	doc, err := Parse([]byte(text), 1<<20)
	if err != nil {
		t.Fatalf("Parse(%q) = %v, want no error", text, err)
	}
	return doc.Decode(v)
}

func TestDecode(t *testing.T) {
	t.Parallel()
	seven := 7
	for _, tt := range []struct {
		name string
		in   string
		want all
	}{
		{name: "text", in: "text: a b", want: all{Text: "a b"}},
		{name: "text that looks like a number", in: "text: 010", want: all{Text: "010"}},
		{name: "text that looks like a truth value", in: "text: yes", want: all{Text: "yes"}},
		{name: "text that looks like a date", in: "text: 2026-02-30", want: all{Text: "2026-02-30"}},
		{name: "text type of its own", in: "secret: 'x'", want: all{Secret: "x"}},
		{name: "whole number", in: "int: -12", want: all{Int: -12}},
		{name: "number with separators", in: "int: 1_000", want: all{Int: 1000}},
		{name: "hexadecimal", in: "int: 0xFF", want: all{Int: 255}},
		{name: "float", in: "float: 0.25", want: all{Float: 0.25}},
		{name: "whole number as float", in: "float: 1", want: all{Float: 1}},
		{name: "bool", in: "bool: true", want: all{Bool: true}},
		{name: "duration", in: "wait: 1m30s", want: all{Wait: 90 * time.Second}},
		{name: "quoted duration", in: "wait: '250ms'", want: all{Wait: 250 * time.Millisecond}},
		{name: "zero duration needs no unit", in: "wait: 0", want: all{}},
		{name: "pointer", in: "version: 7", want: all{Version: &seven}},
		{name: "texts from one text", in: "strings: a", want: all{Strings: Strings{"a"}}},
		{name: "texts from an empty text", in: "strings: ''", want: all{Strings: Strings{""}}},
		{name: "texts from a number", in: "strings: 5", want: all{Strings: Strings{"5"}}},
		{name: "texts from a list", in: "strings: [a, 1.50, true]", want: all{Strings: Strings{"a", "1.50", "true"}}},
		{name: "texts from an empty list", in: "strings: []", want: all{Strings: Strings{}}},
		{name: "optional texts", in: "maybe: []", want: all{Maybe: &Strings{}}},
		{name: "table", in: "table: {a: 1, 2: 2}", want: all{Table: map[string]int{"a": 1, "2": 2}}},
		{name: "table with keys of a text type", in: "flags: {a: true}", want: all{Flags: map[secret]bool{"a": true}}},
		{name: "inline fields", in: "extra: x", want: all{Inline: inlined{Extra: "x"}}},
		{name: "alias as a value", in: "text: &x a\nsecret: *x", want: all{Text: "a", Secret: "a"}},
		{name: "alias as a key", in: "text: &x int\n*x : 4", want: all{Text: "int", Int: 4}},
		{
			name: "null leaves every field as it is",
			in:   "{text: ~, int: null, float: Null, bool: , wait: ~, version: ~, strings: ~, maybe: ~, inner: ~, inners: ~, table: ~}",
		},
		{name: "null in a list is the zero value", in: "strings: [a, ~]", want: all{Strings: Strings{"a", ""}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got all
			if err := decode(t, tt.in, &got); err != nil {
				t.Fatalf("Decode(%q) = %v, want no error", tt.in, err)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(all{})); diff != "" {
				t.Errorf("Decode(%q) (-want +got):\n%s", tt.in, diff)
			}
		})
	}
}

func TestDecodeKeepsDefaultsOfAbsentAndNullFields(t *testing.T) {
	t.Parallel()
	got := all{Text: "default", Int: 3, Strings: Strings{"d"}, Table: map[string]int{"d": 1}}
	if err := decode(t, "text: ~\nfloat: 2", &got); err != nil {
		t.Fatal(err)
	}
	want := all{Text: "default", Int: 3, Strings: Strings{"d"}, Table: map[string]int{"d": 1}, Float: 2}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Decode (-want +got):\n%s", diff)
	}
}

func TestDecodeFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		in   string
		want string // one fault per line
	}{
		{
			name: "unknown field", in: "text: a\nnope: 1\ninner: {z: 1}",
			want: "2:1: unknown field \"nope\"; known here: bool, extra, flags, float, inner, inners, int, json, maybe, secret, " +
				"small, strings, table, text, version, wait\n" +
				"3:9: unknown field \"z\"; known here: x, y",
		},
		{name: "field is named as in Go", in: "inner: {X: 1}", want: "1:9: unknown field \"X\"; known here: x, y"},
		{name: "duplicate field", in: "text: a\nint: 1\ntext: b", want: "3:1: field \"text\" is given twice, first in line 1"},
		{name: "duplicate key of a table", in: "table:\n  a: 1\n  a: 2", want: "3:3: key \"a\" is given twice, first in line 2"},
		{name: "key that is a list", in: "? [a]\n: 1", want: "1:3: want a text as field, got a list"},
		{name: "key of a table that is a mapping", in: "table:\n  {a: 1}: 2", want: "2:3: want a text as key, got a mapping"},
		{name: "mapping for a text", in: "text: {a: 1}", want: "1:7: want a text, got a mapping"},
		{name: "list for a text", in: "text: [a]", want: "1:7: want a text, got a list"},
		{name: "text for a whole number", in: "int: abc", want: "1:6: want a whole number, got \"abc\""},
		{name: "fraction for a whole number", in: "int: 1.9", want: "1:6: want a whole number, got \"1.9\""},
		{name: "quoted whole number", in: "int: '1'", want: "1:6: want a whole number, got \"1\""},
		{name: "whole number out of range", in: "small: 40000", want: "1:8: want a whole number of at most 16 bits, got \"40000\""},
		{name: "list for a whole number", in: "int: [1]", want: "1:6: want a whole number, got a list"},
		{name: "text for a number", in: "float: high", want: "1:8: want a number, got \"high\""},
		{name: "quoted number", in: "float: \"0.5\"", want: "1:8: want a number, got \"0.5\""},
		{name: "date for a number", in: "float: 2026-01-01", want: "1:8: want a number, got \"2026-01-01\""},
		{name: "text for a truth value", in: "bool: maybe", want: "1:7: want true or false, got \"maybe\""},
		{name: "truth value of old YAML", in: "bool: yes", want: "1:7: want true or false, got \"yes\""},
		{name: "number for a truth value", in: "bool: 1", want: "1:7: want true or false, got \"1\""},
		{name: "duration without a unit", in: "wait: 250", want: "1:7: want a duration such as 250ms, got \"250\""},
		{name: "mapping for a duration", in: "wait: {}", want: "1:7: want a duration such as 250ms, got a mapping"},
		{name: "pointer", in: "version: one", want: "1:10: want a whole number, got \"one\""},
		{name: "mapping for texts", in: "strings: {a: b}", want: "1:10: want a text or a list of texts, got a mapping"},
		{name: "list in texts", in: "strings: [a, [b]]", want: "1:14: want a text, got a list"},
		{name: "text for a list", in: "inners: a", want: "1:9: want a list, got \"a\""},
		{name: "text in a list of mappings", in: "inners: [{x: 1}, a]", want: "1:18: want a mapping, got \"a\""},
		{name: "text for a mapping", in: "inner: a", want: "1:8: want a mapping, got \"a\""},
		{name: "text for a table", in: "table: a", want: "1:8: want a mapping, got \"a\""},
		{name: "text in a table of numbers", in: "table: {a: b}", want: "1:12: want a whole number, got \"b\""},
		{name: "list for the document", in: "- a", want: "1:1: want a mapping, got a list"},
		{name: "merge key is a key", in: "inner: &i {x: 1}\ninners: [{<<: *i}]", want: "2:11: unknown field \"<<\"; known here: x, y"},
		{name: "fault behind an alias stands where it is written", in: "text: &x abc\nint: *x", want: "1:7: want a whole number, got \"abc\""},
		{
			name: "long text is shown in part", in: "int: " + strings.Repeat("\u00e4", 50),
			want: "1:6: want a whole number, got \"" + strings.Repeat("\u00e4", 40) + "...\"",
		},
		{
			name: "all faults in file order", in: "int: x\nfloat: y\nnope: 1\nbool: z\ninners: [{x: a, y: b}]",
			want: "1:6: want a whole number, got \"x\"\n2:8: want a number, got \"y\"\n" +
				"3:1: unknown field \"nope\"; known here: bool, extra, flags, float, inner, inners, int, json, maybe, secret, " +
				"small, strings, table, text, version, wait\n" +
				"4:7: want true or false, got \"z\"\n5:14: want a whole number, got \"a\"\n5:20: want a whole number, got \"b\"",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got all
			err := decode(t, tt.in, &got)
			if err == nil || err.Error() != tt.want {
				t.Errorf("Decode(%q) =\n%v\nwant\n%s", tt.in, err, tt.want)
			}
		})
	}
}

func TestDecodeSetsWhatHasNoFault(t *testing.T) {
	t.Parallel()
	got := all{Wait: time.Second, Version: new(int)}
	if err := decode(t, "text: a\nint: x\nwait: y\nversion: z\nfloat: 1.5", &got); err == nil {
		t.Fatal("Decode = nil, want faults")
	}
	if got.Text != "a" || got.Float != 1.5 || got.Wait != time.Second {
		t.Errorf("Decode set %+v, want text and float set and wait kept", got)
	}
}

func TestDecodeIntoATable(t *testing.T) {
	t.Parallel()
	var got map[string]inner
	if err := decode(t, "R1: {x: 1}\nR2: {y: 2}", &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]inner{"R1": {X: 1}, "R2": {Y: 2}}, got); diff != "" {
		t.Errorf("Decode (-want +got):\n%s", diff)
	}
}
