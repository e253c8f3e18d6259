package yamlx_test

import (
	"strings"
	"testing"

	"ttpworker/internal/yamlx"
)

// rootOf parses a document.
func rootOf(t *testing.T, text string) *yamlx.Node {
	t.Helper()
	doc, err := yamlx.Parse([]byte(text), 1<<16)
	if err != nil {
		t.Fatalf("Parse(%q) = %v", text, err)
	}
	var root *yamlx.Node
	if err := doc.Decode(&root); err != nil {
		t.Fatalf("Decode(%q) = %v", text, err)
	}
	return root
}

func TestReplaceKeepsWhatIsAround(t *testing.T) {
	t.Parallel()
	const byHand = "cannot be edited in place: it is not written plainly"
	for _, tt := range []struct{ name, text, to, want string }{
		{name: "plain", text: "a: old # why\nb: c\n", want: "a: new # why\nb: c\n"},
		{name: "at the end", text: "a: old", want: "a: new"},
		{name: "quotes", text: "{b: 1, a: 'old', c: \"old\"}\n", want: "{b: 1, a: 'new', c: \"old\"}\n"},
		{name: "double quotes behind other scripts", text: "{\"\u00e4\u20ac\": \"\U0001f600\", a: \"old\"}\r\n", want: "{\"\u00e4\u20ac\": \"\U0001f600\", a: \"new\"}\r\n"},
		{name: "a byte order mark", text: "\ufeffa: old\n", want: "\ufeffa: new\n"},
		{name: "null in place of a text", text: "a: 'old' # x\n", to: "null", want: "a: null # x\n"},
		{name: "null", text: "{a: ~}\n", want: "{a: new}\n"},
		{name: "a number", text: "a:   17\n", want: "a:   new\n"},
		{name: "nothing", text: "a:\nb: c\n", want: byHand},
		{name: "an anchor", text: "a: &x old\nb: *x\n", want: byHand},
		{name: "a tag", text: "a: !!str old\n", want: byHand},
		{name: "an escape", text: "a: \"ol\\x64\"\n", want: byHand},
		{name: "a block", text: "a: |\n  old\n", want: byHand},
		{name: "two lines", text: "a: old\n  text\n", want: byHand},
		{name: "a list", text: "a: [old]\n", want: byHand},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			to := tt.to
			if to == "" {
				to = "new"
			}
			got := byHand
			edit, err := yamlx.Replace([]byte(tt.text), rootOf(t, tt.text).Get("a"), to)
			if err == nil {
				var out []byte
				out, err = yamlx.Apply([]byte(tt.text), []yamlx.Edit{edit, edit})
				got = string(out)
			}
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("Replace in %q = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestInsertAfter(t *testing.T) {
	t.Parallel()
	const byHand = "cannot be edited in place: it is not written plainly"
	for _, tt := range []struct{ name, text, want string }{
		{name: "block", text: "- a: x # why\n  c: y\n", want: "- a: x # why\n  new: 1\n  c: y\n"},
		{name: "block that is not the first key", text: "- c: y\n  a: x", want: "- c: y\n  a: x\n  new: 1"},
		{name: "block with other line ends", text: "- a: x\r\n  c: y\r\n", want: "- a: x\r\n  new: 1\r\n  c: y\r\n"},
		{name: "braces", text: "- {a: 'x', c: y}\n", want: "- {a: 'x', new: 1, c: y}\n"},
		{name: "braces over several lines", text: "- {c: y,\n   a: x}\n", want: "- {c: y,\n   a: x, new: 1}\n"},
		{name: "a value on the next line", text: "- a:\n    x\n", want: byHand},
		{name: "an alias", text: "- &n {a: x}\n- *n\n", want: byHand},
		{name: "no such key", text: "- b: x\n", want: byHand},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			edit, err := yamlx.InsertAfter([]byte(tt.text), rootOf(t, tt.text).Items[0], "a", "new", "1")
			if err == nil {
				var out []byte
				out, err = yamlx.Apply([]byte(tt.text), []yamlx.Edit{edit})
				got = string(out)
			}
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("InsertAfter in %q = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestDiffOfEdits(t *testing.T) {
	t.Parallel()
	const text = "a: 1\nb: 2\nc: 3\nd: 4\ne: 5\nf: 6"
	at := func(part, with string) yamlx.Edit {
		i := strings.Index(text, part)
		return yamlx.Edit{From: i, To: i + len(part), Text: with}
	}
	got, err := yamlx.Diff("x.yaml", []byte(text), []yamlx.Edit{at("6", "60"), at("2", "20\nbb: 21"), at("b", "B"), at("c", "C")})
	const want = `--- x.yaml
+++ x.yaml
@@ -2,2 +2,3 @@
-b: 2
-c: 3
+B: 20
+bb: 21
+C: 3
@@ -6,1 +7,1 @@
-f: 6
\ No newline at end of file
+f: 60
\ No newline at end of file
`
	if err != nil || got != want {
		t.Errorf("Diff = %v\n%s\nwant\n%s", err, got, want)
	}
	if got, err := yamlx.Diff("x.yaml", []byte(text), nil); got != "" || err != nil {
		t.Errorf("Diff of nothing = %q, %v", got, err)
	}
	if _, err := yamlx.Apply([]byte(text), []yamlx.Edit{at("2", "3"), at("2", "4")}); err == nil {
		t.Error("Apply takes two edits of one place")
	}
}
