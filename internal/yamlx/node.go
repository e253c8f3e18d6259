package yamlx

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// A NodeKind says what a Node is.
type NodeKind uint8

// The kinds of nodes: the scalars, and what holds others. What YAML takes for a time is a text.
const (
	NullNode NodeKind = iota
	BoolNode
	NumberNode
	TextNode
	ListNode
	MapNode
)

// A Node is any YAML value as it is written, with its place; aliases are followed. Field types are *Node: a null
// value and a missing one leave nil.
type Node struct {
	Kind  NodeKind
	Pos   Pos     // of a value behind an alias, where it is written
	Text  string  // of a scalar: a text without its quotes, a number as written, "true" or "false"; else ""
	Keys  []*Node // of a mapping, each a TextNode whatever it looks like
	Items []*Node // of a list its items, of a mapping the values, one per key
}

// Get returns the value of a key of a mapping, nil if n is none or has no such key.
func (n *Node) Get(key string) *Node {
	for i := range n.Keys {
		if n.Keys[i].Text == key {
			return n.Items[i]
		}
	}
	return nil
}

// Without is a mapping without one of its keys. n stays as it is.
func (n *Node) Without(key string) *Node {
	out := &Node{Kind: n.Kind, Pos: n.Pos, Text: n.Text}
	for i := range n.Keys {
		if n.Keys[i].Text != key {
			out.Keys, out.Items = append(out.Keys, n.Keys[i]), append(out.Items, n.Items[i])
		}
	}
	return out
}

// Found says what a node is, the way a person who wrote it would.
func (n *Node) Found() string {
	switch n.Kind {
	case MapNode:
		return "a mapping"
	case ListNode:
		return "a list"
	case NullNode:
		return "nothing"
	default:
		return quote(n.Text)
	}
}

// node copies a YAML node. Faults of keys are noted, and their values left out.
func (d *decoder) node(n *yaml.Node) *Node {
	n = resolve(n)
	out := &Node{Pos: pos(n)}
	switch n.Kind {
	case yaml.MappingNode:
		out.Kind = MapNode
		d.entries(n, "key", func(key string, keyNode, val *yaml.Node) {
			if resolve(keyNode).ShortTag() == "!!merge" {
				d.fault(keyNode, "merge keys (<<) are not read here: write the keys out")
				return
			}
			out.Keys = append(out.Keys, &Node{Kind: TextNode, Pos: pos(keyNode), Text: key})
			out.Items = append(out.Items, d.node(val))
		})
	case yaml.SequenceNode:
		out.Kind = ListNode
		for _, c := range n.Content {
			out.Items = append(out.Items, d.node(c))
		}
	default:
		out.Kind, out.Text = scalarOf(n)
	}
	return out
}

func scalarOf(n *yaml.Node) (NodeKind, string) {
	switch n.ShortTag() {
	case "!!null":
		return NullNode, ""
	case "!!bool":
		return BoolNode, strings.ToLower(n.Value)
	case "!!int", "!!float":
		return NumberNode, n.Value
	default:
		return TextNode, n.Value
	}
}
