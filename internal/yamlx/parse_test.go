package yamlx

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestParseRefusesWithAPlace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		in   string
		max  int // bytes; 0 = plenty
		want string
	}{
		{name: "empty file", in: "", want: "1:1: file is empty"},
		{name: "only comments", in: "# nothing\n# here\n", want: "1:1: file is empty"},
		{name: "only a document start", in: "# nothing\n---\n", want: "3:1: file is empty"},
		{name: "null document", in: "# nothing\n~\n", want: "2:1: file is empty"},
		{name: "too large", in: "a: 12345", max: 7, want: "1:1: file has 8 bytes, more than the limit of 7"},
		{name: "second document", in: "a: 1\n---\nb: 2\n", want: "2:1: a second YAML document begins here: one file holds one"},
		{name: "empty second document", in: "a: 1\n---\n", want: "2:1: a second YAML document begins here: one file holds one"},
		{name: "broken second document", in: "a: 1\n---\nb: [\n", want: "4:1: did not find expected node content"},
		{name: "not UTF-8, counted in characters", in: "a: 1\n\u00e4\u00f6: \xff\n", want: "2:5: file is not UTF-8"},
		{name: "not UTF-8 at the very start", in: "\xfe\xffa", want: "1:1: file is not UTF-8"},
		{name: "half a character at the end", in: "a: \xc3", want: "1:4: file is not UTF-8"},
		{name: "surrogate in UTF-8", in: "a: \xed\xa0\x80", want: "1:4: file is not UTF-8"},
		{name: "zero byte", in: "a: 1\nbc: \x00\n", want: "2:5: control character U+0000 is not allowed"},
		{name: "escape character", in: "a: \x1b[31m\n", want: "1:4: control character U+001B is not allowed"},
		{name: "delete character", in: "a: \u00e4\x7f\n", want: "1:5: control character U+007F is not allowed"},
		{name: "no character at all", in: "a: \uffff\n", want: "1:4: control character U+FFFF is not allowed"},
		{name: "tab as indentation", in: "a: 1\nb:\n\t- x\n", want: "3:1: a tab is in the indentation, which YAML wants to be of blanks"},
		{name: "tab behind spaces", in: "a: 1\n  \tb: 2\n", want: "2:3: a tab is in the indentation, which YAML wants to be of blanks"},
		{name: "tab behind a text that began before", in: "a:\n  b: 1\n\tc: 2\n", want: "3:1: a tab is in the indentation, which YAML wants to be of blanks"},
		{name: "tab that is right, behind a fault", in: "b: @x\na: |\n  x\n  \ty\n", want: "1:1: found character that cannot start any token: put the text into quotes"},
		{name: "wrong indentation", in: "a: 1\n  b: 2\n", want: "2:3: mapping values are not allowed in this context: a key is indented too far, or a text has a colon in it and needs quotes"},
		{name: "fault in the first line", in: "a: b: c\n", want: "1:1: mapping values are not allowed in this context: a key is indented too far, or a text has a colon in it and needs quotes"},
		{name: "list never closed", in: "a: 1\nb: [1, 2\nc: 3\n", want: "2:1: did not find expected ',' or ']'"},
		{name: "mapping never closed", in: "a: 1\nb:\n  c: {x: 1\nd: 3\n", want: "3:3: did not find expected ',' or '}'"},
		{name: "bracket that closes nothing", in: "a: 1\nb: ]\n", want: "2:1: did not find expected node content"},
		{name: "key that does not line up", in: "a:\n  - b\n c: 1\n", want: "3:2: did not find expected key"},
		{name: "list behind a key", in: "a: 1\n- b\n", want: "2:1: did not find expected key"},
		{name: "key behind a list", in: "- a\nb: 1\n", want: "2:1: did not find expected '-' indicator"},
		{name: "reserved character", in: "a: 1\nb: @x\n", want: "2:1: found character that cannot start any token: put the text into quotes"},
		{name: "bad escape", in: "a: 1\nb: \"\\q\"\n", want: "2:1: found unknown escape character: in double quotes a backslash begins an escape of YAML, so put patterns into single quotes"},
		{name: "half a pair of escapes", in: "a: 1\nb: \"\\uD800\"\n", want: "2:1: found invalid Unicode character escape code"},
		{name: "no colon", in: "a: 1\nb\nc: 1\n", want: "2:1: could not find expected ':'"},
		{name: "Windows line ends", in: "a: 1\r\n  b: 2\r\n", want: "2:3: mapping values are not allowed in this context: a key is indented too far, or a text has a colon in it and needs quotes"},
		{name: "unknown anchor", in: "a: 1\nb: [x, *nope]\n", want: "2:8: unknown anchor 'nope' referenced"},
		{name: "unknown tag handle", in: "x: 1\na: !x!y z\n", want: "2:1: found undefined tag handle"},
		{name: "version from the future", in: "%YAML 3.0\n---\na: 1\n", want: "1:1: found incompatible YAML document"},
		{
			name: "alias of itself", in: "a: 1\nb: &x\n  - c\n  - [*x]\n",
			want: "4:6: document is nested more than 100 deep",
		},
		{
			name: "aliases of each other", in: "a: &x\n  b: &y\n    c: *x\n    d: *y\n",
			want: "3:8: document is nested more than 100 deep",
		},
		{
			name: "nested too deep", in: strings.Repeat("[", 102) + strings.Repeat("]", 102),
			want: "1:102: document is nested more than 100 deep",
		},
		{
			name: "billion laughs", in: billionLaughs(9),
			want: "5:45: document has more than 100000 nodes once its aliases are followed",
		},
		{
			name: "one long text, many aliases", in: "a: &x " + strings.Repeat("y", 1<<20) + "\nb: [*x, *x, *x, *x]\n",
			want: "2:13: document has more than 4194304 bytes of text once its aliases are followed",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			limit := tt.max
			if limit == 0 {
				limit = 2 << 20
			}
			_, err := Parse([]byte(tt.in), limit)
			if err == nil || err.Error() != tt.want {
				t.Errorf("Parse(%.80q) = %v, want %s", tt.in, err, tt.want)
			}
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Errorf("Parse(%.80q) gives a %T, want an *Error", tt.in, err)
			}
		})
	}
}

// billionLaughs has 10 texts in its first list, and each further level has 10 aliases of the one before.
func billionLaughs(levels int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "a0: &a0 [%s]\n", strings.Repeat("ha, ", 10))
	for i := 1; i <= levels; i++ {
		alias := fmt.Sprintf("*a%d, ", i-1)
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.Repeat(alias, 10))
	}
	fmt.Fprintf(&b, "all: *a%d\n", levels)
	return b.String()
}

func TestParseTakes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in string }{
		{name: "mapping", in: "a: 1\n"},
		{name: "explicit start and end", in: "---\na: 1\n...\n"},
		{name: "byte order mark", in: "\ufeffa: 1\n"},
		{name: "Windows line ends", in: "a: 1\r\nb: 2\r\n"},
		{name: "JSON with tabs", in: "{\n\t\"a\":\t1\n}\n"},
		{name: "replacement character", in: "a: \ufffd\n"},
		{name: "character beyond the basic plane", in: "a: \U0001f40d\n"},
		{name: "alias", in: "a: &x [1]\nb: *x\n"},
		{name: "nested as deep as allowed", in: strings.Repeat("[", 101) + strings.Repeat("]", 101)},
		{name: "as large as allowed", in: "a: " + strings.Repeat("b", 2<<20-3)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := Parse([]byte(tt.in), 2<<20); err != nil {
				t.Errorf("Parse(%.80q) = %v, want no error", tt.in, err)
			}
		})
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	const text = `# comment
name: x
list:
  - a
  - key: &anchor {inner: 1}
alias: *anchor
`
	doc, err := Parse([]byte(text), 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		path    []any
		want    Pos
		missing bool
	}{
		{name: "no path is the document", want: Pos{2, 1}},
		{name: "value of a key", path: []any{"name"}, want: Pos{2, 7}},
		{name: "element of a list", path: []any{"list", 0}, want: Pos{4, 5}},
		{name: "below a list", path: []any{"list", 1, "key", "inner"}, want: Pos{5, 26}},
		{name: "alias stands where it is used", path: []any{"alias"}, want: Pos{6, 8}},
		{name: "below an alias stands where it is written", path: []any{"alias", "inner"}, want: Pos{5, 26}},
		{name: "missing key points at its mapping", path: []any{"nope"}, want: Pos{2, 1}, missing: true},
		{name: "missing key below a list", path: []any{"list", 1, "nope", "more"}, want: Pos{5, 5}, missing: true},
		{name: "below a text there is no key", path: []any{"name", "nope"}, want: Pos{2, 7}},
		{name: "past the end of a list", path: []any{"list", 2}, want: Pos{4, 3}},
		{name: "position in a mapping", path: []any{0}, want: Pos{2, 1}, missing: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, missing := doc.Find(tt.path...)
			if got != tt.want || missing != tt.missing {
				t.Errorf("Find(%v) = %v, %v, want %v, %v", tt.path, got, missing, tt.want, tt.missing)
			}
			if at := doc.At(tt.path...); at != tt.want {
				t.Errorf("At(%v) = %v, want %v", tt.path, at, tt.want)
			}
		})
	}
}
