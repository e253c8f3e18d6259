package yamlx

import (
	"bytes"
	"errors"
	"io"

	"gopkg.in/yaml.v3"
)

// Bounds of a document once its aliases are followed. A rule or a configuration has some hundred nodes and some
// kilobytes; an alias bomb has millions of either.
const (
	maxNodes = 100_000
	maxText  = 4 << 20 // bytes of all its texts together
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
		return nil, &Error{Pos{1, 1}, ErrEmpty}
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
		return nil, &Error{pos(root), ErrEmpty}
	}
	if err := (&size{}).add(root, 0); err != nil {
		return nil, err
	}
	return &Doc{root: root}, nil
}

// size is how much of a document was seen.
type size struct{ nodes, text int }

// add walks n as decoding would and stops where it gets too large or too deep. A fault behind an alias stands at
// the alias, the outermost of several: that is what has to go.
func (s *size) add(n *yaml.Node, depth int) *Error {
	s.nodes++
	s.text += len(n.Value)
	switch {
	case s.nodes > maxNodes:
		return errorAt(pos(n), "document has more than %d nodes once its aliases are followed", maxNodes)
	case s.text > maxText:
		return errorAt(pos(n), "document has more than %d bytes of text once its aliases are followed", maxText)
	case depth > maxDepth:
		return errorAt(pos(n), "document is nested more than %d deep", maxDepth)
	case n.Kind == yaml.AliasNode:
		if err := s.add(n.Alias, depth+1); err != nil {
			return &Error{Pos: pos(n), Err: err.Err}
		}
	}
	for _, c := range n.Content {
		if err := s.add(c, depth+1); err != nil {
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
