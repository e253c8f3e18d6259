package yamlx

import (
	"bytes"
	"errors"
	"io"

	"gopkg.in/yaml.v3"
)

// maxNodes bounds a document after its aliases are followed, and maxDepth its nesting. A rule or a configuration
// has some hundred nodes; an alias bomb has millions.
const (
	maxNodes = 100_000
	maxDepth = 100
)

// A Doc is one parsed YAML document that holds something.
type Doc struct{ root *yaml.Node }

// Parse reads one YAML document of at most maxBytes. The error is an *Error.
func Parse(data []byte, maxBytes int) (doc *Doc, err error) {
	if len(data) > maxBytes {
		return nil, errorAt(Pos{1, 1}, "file has %d bytes, more than the limit of %d", len(data), maxBytes)
	}
	if err := checkText(data); err != nil {
		return nil, err
	}
	defer func() { // yaml.v3 is known to panic on some malformed input
		if p := recover(); p != nil {
			doc, err = nil, errorAt(Pos{1, 1}, "YAML reader gave up: %v", p)
		}
	}()
	var node, second yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	switch err := dec.Decode(&node); {
	case errors.Is(err, io.EOF):
		return nil, errorAt(Pos{1, 1}, "file is empty")
	case err != nil:
		return nil, syntaxError(data, err)
	}
	switch err := dec.Decode(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return nil, syntaxError(data, err)
	default:
		return nil, errorAt(pos(&second), "a second YAML document begins here: one file holds one")
	}
	root := node.Content[0]
	if isNull(root) {
		return nil, errorAt(pos(root), "file is empty")
	}
	budget := maxNodes
	if err := bound(root, &budget, 0); err != nil {
		return nil, err
	}
	return &Doc{root: root}, nil
}

// bound walks n as decoding would and stops where it gets too large or too deep. A fault behind an alias stands
// at the alias, the outermost of several: that is what has to go.
func bound(n *yaml.Node, budget *int, depth int) *Error {
	if *budget--; *budget < 0 {
		return errorAt(pos(n), "document has more than %d nodes once its aliases are followed", maxNodes)
	}
	if depth > maxDepth {
		return errorAt(pos(n), "document is nested more than %d deep", maxDepth)
	}
	if n.Kind == yaml.AliasNode {
		if err := bound(n.Alias, budget, depth+1); err != nil {
			return &Error{Pos: pos(n), Err: err.Err}
		}
	}
	for _, c := range n.Content {
		if err := bound(c, budget, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }
