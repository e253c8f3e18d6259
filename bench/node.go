package main

import (
	"gopkg.in/yaml.v3"

	"ttpworker/internal/match"
)

// node is what match compiles, of a piece of a file.
func node(n *yaml.Node) *match.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	out := &match.Node{Pos: match.Pos{Line: n.Line, Col: n.Column}, Text: n.Value}
	switch n.Kind {
	case yaml.MappingNode:
		out.Kind = match.Map
		for i := 0; i+1 < len(n.Content); i += 2 {
			out.Keys = append(out.Keys, node(n.Content[i]))
			out.Items = append(out.Items, node(n.Content[i+1]))
		}
	case yaml.SequenceNode:
		out.Kind = match.List
		for _, item := range n.Content {
			out.Items = append(out.Items, node(item))
		}
	default:
		out.Kind = scalar(n)
	}
	return out
}

func scalar(n *yaml.Node) match.Kind {
	switch n.ShortTag() {
	case "!!null":
		return match.Null
	case "!!bool":
		return match.Bool
	case "!!int", "!!float":
		return match.Number
	default:
		return match.Text
	}
}
