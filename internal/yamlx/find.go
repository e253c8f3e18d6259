package yamlx

import "gopkg.in/yaml.v3"

func pos(n *yaml.Node) Pos { return Pos{max(n.Line, 1), max(n.Column, 1)} }

// At returns where the value at path stands: keys are texts, list positions ints. Where the path leaves the
// document, it is the place of the last value that exists, so that a missing key points at its mapping.
func (d *Doc) At(path ...any) Pos {
	p, _ := d.Find(path...)
	return p
}

// Find is At, and says whether path ends at a key that a mapping lacks. The place is then that of the mapping,
// which is also the place of its first key.
func (d *Doc) Find(path ...any) (p Pos, missing bool) {
	n := d.root
	for _, step := range path {
		next := child(resolve(n), step)
		if next == nil {
			return pos(n), resolve(n).Kind == yaml.MappingNode
		}
		n = next
	}
	return pos(n), false
}

func child(n *yaml.Node, step any) *yaml.Node {
	switch step := step.(type) {
	case string:
		if n.Kind != yaml.MappingNode {
			return nil
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if key := resolve(n.Content[i]); key.Kind == yaml.ScalarNode && key.Value == step {
				return n.Content[i+1]
			}
		}
	case int:
		if n.Kind == yaml.SequenceNode && step >= 0 && step < len(n.Content) {
			return n.Content[step]
		}
	}
	return nil
}

// Has reports whether the document is a mapping with this key.
func (d *Doc) Has(key string) bool { return child(resolve(d.root), key) != nil }
