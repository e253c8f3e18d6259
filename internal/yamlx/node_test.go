package yamlx

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func nodeOf(t *testing.T, text string) (*Node, error) {
	t.Helper()
	var got struct {
		V *Node `yaml:"v"`
	}
	err := decode(t, text, &got)
	return got.V, err
}

func TestNodeIsWhatIsWritten(t *testing.T) {
	t.Parallel()
	scalar := func(kind NodeKind, line, col int, text string) *Node {
		return &Node{Kind: kind, Pos: Pos{line, col}, Text: text}
	}
	for _, tt := range []struct {
		name string
		in   string
		want *Node
	}{
		{name: "missing", in: "{}"},
		{name: "null", in: "v: ~"},
		{name: "text", in: "v: 'a b'", want: scalar(TextNode, 1, 4, "a b")},
		{name: "quoted number is a text", in: "v: '15'", want: scalar(TextNode, 1, 4, "15")},
		{name: "number as written", in: "v: 1.50", want: scalar(NumberNode, 1, 4, "1.50")},
		{name: "hexadecimal as written", in: "v: 0x1F", want: scalar(NumberNode, 1, 4, "0x1F")},
		{name: "truth value", in: "v: True", want: scalar(BoolNode, 1, 4, "true")},
		{name: "truth value of old YAML is a text", in: "v: yes", want: scalar(TextNode, 1, 4, "yes")},
		{name: "date is a text", in: "v: 2026-01-02", want: scalar(TextNode, 1, 4, "2026-01-02")},
		{
			name: "list", in: "v:\n  - a\n  - ~\n",
			want: &Node{Kind: ListNode, Pos: Pos{2, 3}, Items: []*Node{scalar(TextNode, 2, 5, "a"), scalar(NullNode, 3, 5, "")}},
		},
		{
			name: "mapping in file order", in: "v:\n  b: 1\n  a: ''\n",
			want: &Node{
				Kind: MapNode, Pos: Pos{2, 3}, Keys: []*Node{scalar(TextNode, 2, 3, "b"), scalar(TextNode, 3, 3, "a")},
				Items: []*Node{scalar(NumberNode, 2, 6, "1"), scalar(TextNode, 3, 6, "")},
			},
		},
		{name: "key that looks like a number is a text", in: "v: {1: a}", want: &Node{
			Kind: MapNode, Pos: Pos{1, 4}, Keys: []*Node{scalar(TextNode, 1, 5, "1")}, Items: []*Node{scalar(TextNode, 1, 8, "a")},
		}},
		{name: "alias", in: "w: &x a\nv: *x", want: scalar(TextNode, 1, 4, "a")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got struct {
				V *Node  `yaml:"v"`
				W string `yaml:"w"`
			}
			if err := decode(t, tt.in, &got); err != nil {
				t.Fatalf("Decode(%q) = %v, want no error", tt.in, err)
			}
			if diff := cmp.Diff(tt.want, got.V); diff != "" {
				t.Errorf("Decode(%q) (-want +got):\n%s", tt.in, diff)
			}
		})
	}
}

func TestNodeFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{name: "key given twice", in: "v:\n  a: {b: 1, b: 2}", want: "2:13: key \"b\" is given twice, first in line 2"},
		{name: "key that is a list", in: "v: {? [a] : 1}", want: "1:7: want a text as key, got a list"},
		{name: "merge key", in: "v: {a: &x {b: 1}, c: {<<: *x}}", want: "1:23: merge keys (<<) are not read here: write the keys out"},
	} {
		if _, err := nodeOf(t, tt.in); err == nil || err.Error() != tt.want {
			t.Errorf("%s: Decode(%q) = %v, want %s", tt.name, tt.in, err, tt.want)
		}
	}
}

func TestNodeGetAndWithout(t *testing.T) {
	t.Parallel()
	n, err := nodeOf(t, "v: {a: 1, b: 2, c: 3}")
	if err != nil {
		t.Fatal(err)
	}
	if got := n.Get("b"); got == nil || got.Text != "2" {
		t.Errorf("Get(b) = %v, want 2", got)
	}
	rest := n.Without("b")
	if rest.Get("b") != nil || rest.Get("c") == nil || len(rest.Keys) != 2 || len(n.Keys) != 3 {
		t.Errorf("Without(b) = %v of %v, want a and c of all three", rest, n)
	}
	if n.Get("a").Get("x") != nil || n.Get("nope") != nil {
		t.Error("Get finds what is not there")
	}
}

func TestDecodeKnownPassesOverUnknownKeysOfTheTopLevelOnly(t *testing.T) {
	t.Parallel()
	doc, err := Parse([]byte("custom: [1, {a: b}]\ntext: a\ninner: {x: 1, z: 2}\ntext: b"), 1000)
	if err != nil {
		t.Fatal(err)
	}
	var got all
	const want = "3:15: unknown field \"z\"; known here: x, y\n4:1: field \"text\" is given twice, first in line 2"
	if err := doc.DecodeKnown(&got); err == nil || err.Error() != want {
		t.Errorf("DecodeKnown = %v, want %s", err, want)
	}
	if got.Text != "a" || got.Inner.X != 1 {
		t.Errorf("DecodeKnown gives %+v, want what is known in it", got)
	}
}
