package yamlx

import "testing"

func TestJSON(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		in   string
		want string
	}{
		{name: "text", in: "a b", want: `"a b"`},
		{name: "quoted number stays a text", in: "'12'", want: `"12"`},
		{name: "quoted truth value stays a text", in: `"true"`, want: `"true"`},
		{name: "date stays a text", in: "2026-01-02", want: `"2026-01-02"`},
		{name: "time stays a text", in: "2026-01-02T03:04:05Z", want: `"2026-01-02T03:04:05Z"`},
		{name: "old truth value stays a text", in: "yes", want: `"yes"`},
		{name: "block of text", in: "|\n  a\n  b\n", want: `"a\nb\n"`},
		{name: "no HTML escapes", in: "'<a href=\"x\">&'", want: `"<a href=\"x\">&"`},
		{name: "whole number", in: "12", want: `12`},
		{name: "negative number", in: "-12", want: `-12`},
		{name: "number beyond 64 bits", in: "123456789012345678901234567890", want: `123456789012345678901234567890`},
		{name: "float as written", in: "1.50", want: `1.50`},
		{name: "float with an exponent", in: "1e3", want: `1e3`},
		{name: "number that JSON cannot write so", in: "+1_000", want: `1000`},
		{name: "float without a leading zero", in: ".5", want: `0.5`},
		{name: "hexadecimal", in: "0xff", want: `255`},
		{name: "bool", in: "True", want: `true`},
		{name: "null", in: "~", want: `null`},
		{name: "absent value is null", in: "", want: `null`},
		{name: "list", in: "[1, a, [~]]", want: `[1,"a",[null]]`},
		{name: "empty list", in: "[]", want: `[]`},
		{name: "mapping with its keys sorted", in: "{b: 1, a: {d: 2, c: 3}}", want: `{"a":{"c":3,"d":2},"b":1}`},
		{name: "keys are texts as written", in: "{1.50: a, true: b, ~: c}", want: `{"1.50":"a","true":"b","~":"c"}`},
		{name: "empty mapping", in: "{}", want: `{}`},
		{name: "anchor and alias", in: "[&x {a: 1}, *x]", want: `[{"a":1},{"a":1}]`},
		{name: "merge key is a key", in: "{<<: 1}", want: `{"<<":1}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got struct {
				V JSON `yaml:"v"`
			}
			if err := decode(t, "v: "+tt.in, &got); err != nil {
				t.Fatalf("Decode(v: %s) = %v, want no error", tt.in, err)
			}
			if string(got.V) != tt.want {
				t.Errorf("Decode(v: %s) = %s, want %s", tt.in, got.V, tt.want)
			}
		})
	}
}

func TestJSONFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{name: "duplicate key", in: "v: {a: 1,\n b: 2, a: 3}", want: `2:8: key "a" is given twice, first in line 1`},
		{name: "key that is a list", in: "v: {[a]: 1}", want: "1:5: want a text as key, got a list"},
		{name: "infinite", in: "v: [1, .inf]", want: `1:8: no JSON for ".inf": it is no finite number`},
		{name: "no number", in: "v: {a: .NaN}", want: `1:8: no JSON for ".NaN": it is no finite number`},
		{name: "tag that lies", in: "v: !!int abc", want: "1:4: no JSON for this: yaml: cannot decode !!str `abc` as a !!int"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got struct {
				V JSON `yaml:"v"`
			}
			err := decode(t, tt.in, &got)
			if err == nil || err.Error() != tt.want {
				t.Errorf("Decode(%s) = %v, want %s", tt.in, err, tt.want)
			}
			if got.V != nil {
				t.Errorf("Decode(%s) set %s beside its fault, want nothing", tt.in, got.V)
			}
		})
	}
}
