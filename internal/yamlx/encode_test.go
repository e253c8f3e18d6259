package yamlx

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// reread writes n under a key and reads it again.
func reread(t interface {
	Fatalf(format string, args ...any)
}, n *Node,
) *Node {
	data, err := Encode(&Node{Kind: MapNode, Keys: []*Node{{Kind: TextNode, Text: "v"}}, Items: []*Node{n}})
	if err != nil {
		t.Fatalf("Encode = %v", err)
	}
	doc, err := Parse(data, 1<<20)
	if err != nil {
		t.Fatalf("Parse(%s) = %v", data, err)
	}
	var got struct {
		V *Node `yaml:"v"`
	}
	if err := doc.Decode(&got); err != nil {
		t.Fatalf("Decode(%s) = %v", data, err)
	}
	return got.V
}

func TestEncodeWritesWhatIsReadAgain(t *testing.T) {
	t.Parallel()
	scalars := rapid.OneOf(
		rapid.Map(rapid.SampledFrom([]string{
			"", " ", "a", "yes", "true", "null", "~", "1", "1.50", "0x1F", "1_000", "2026-01-02", "<<", "- a", "a: b", "#", " a ", "a\nb\n", "\ta",
			"\\", "*", "&x", "!x", "'", "\"", "%20", "\x1b", "\u00e4", "\u2028", "\U0001f40d", "a\r\nb", "@x", "`", "{", "[", "? a", "| x", "=", "\u0085",
		}), func(s string) *Node { return &Node{Kind: TextNode, Text: s} }),
		rapid.Map(rapid.StringOf(rapid.RuneFrom([]rune("ab01 :#-\n\t'\"\\*?|%{}[],&!~.\u00e4"))), func(s string) *Node { return &Node{Kind: TextNode, Text: s} }),
		rapid.Map(rapid.SampledFrom([]string{"0", "15", "-3", "1.50", "0x1F", "1e3", "1_000", ".5", "0o17"}), func(s string) *Node { return &Node{Kind: NumberNode, Text: s} }),
		rapid.Map(rapid.SampledFrom([]string{"true", "false"}), func(s string) *Node { return &Node{Kind: BoolNode, Text: s} }),
	)
	nodes := rapid.Custom(func(t *rapid.T) *Node {
		list := &Node{Kind: ListNode}
		for _, item := range rapid.SliceOfN(scalars, 0, 4).Draw(t, "items") {
			list.Items = append(list.Items, item, &Node{})
		}
		m := &Node{Kind: MapNode}
		for _, key := range rapid.SliceOfNDistinct(rapid.StringOf(rapid.RuneFrom([]rune("ab1 :#-'\"|\n~."))), 1, 4, rapid.ID[string]).Draw(t, "keys") {
			m.Keys, m.Items = append(m.Keys, &Node{Kind: TextNode, Text: key}), append(m.Items, scalars.Draw(t, "value"))
		}
		m.Keys, m.Items = append(m.Keys, &Node{Kind: TextNode, Text: "list"}), append(m.Items, list)
		return m
	})
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.OneOf(scalars, nodes).Draw(t, "node")
		if diff := cmp.Diff(n, reread(t, n), cmpopts.IgnoreFields(Node{}, "Pos")); diff != "" {
			t.Fatalf("read again (-written +read):\n%s", diff)
		}
	})
}
