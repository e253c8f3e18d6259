package yamlx

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"
)

// Encode writes n as a YAML document from which Decode reads the same kinds, texts and order again. Places are not
// looked at.
func Encode(n *Node) ([]byte, error) {
	var buf bytes.Buffer
	enc := yaml.NewEncoder(&buf)
	enc.SetIndent(2)
	if err := enc.Encode(yamlNode(n)); err != nil {
		return nil, fmt.Errorf("writing YAML: %w", err)
	}
	if err := enc.Close(); err != nil {
		return nil, fmt.Errorf("writing YAML: %w", err)
	}
	return buf.Bytes(), nil
}

func yamlNode(n *Node) *yaml.Node {
	out := &yaml.Node{Kind: yaml.ScalarNode, Value: n.Text}
	switch n.Kind {
	case NullNode:
		out.Tag, out.Value = "!!null", "null"
	case BoolNode:
		out.Tag = "!!bool"
	case NumberNode:
		out.Tag = "!!float"
		if whole := (&yaml.Node{Kind: yaml.ScalarNode, Value: n.Text}).ShortTag(); whole == "!!int" {
			out.Tag = whole
		}
	case TextNode:
		out.Tag = "!!str"
		if strings.ContainsFunc(n.Text, func(r rune) bool { return r != ' ' && !unicode.IsGraphic(r) }) {
			out.Style = yaml.DoubleQuotedStyle // yaml.v3 writes some texts of white space in block style that lose it
		}
	case ListNode:
		out.Kind, out.Tag = yaml.SequenceNode, "!!seq"
		if len(n.Items) == 0 {
			out.Style = yaml.FlowStyle
		}
		for _, item := range n.Items {
			out.Content = append(out.Content, yamlNode(item))
		}
	case MapNode:
		out.Kind, out.Tag = yaml.MappingNode, "!!map"
		for i, key := range n.Keys {
			out.Content = append(out.Content, yamlNode(key), yamlNode(n.Items[i]))
		}
	}
	return out
}
