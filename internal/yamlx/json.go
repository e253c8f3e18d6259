package yamlx

import (
	"bytes"
	"encoding/json"

	"gopkg.in/yaml.v3"
)

// json renders a node as JSON, or reports why it cannot.
func (d *decoder) json(n *yaml.Node) ([]byte, bool) {
	faults := len(d.errs)
	v := d.plain(n)
	if len(d.errs) > faults {
		return nil, false
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		d.fault(n, "no JSON for this: %w", err)
		return nil, false
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), true
}

// plain turns a node into maps, slices and scalars that encoding/json writes.
func (d *decoder) plain(n *yaml.Node) any {
	n = resolve(n)
	switch n.Kind {
	case yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if _, twice := m[key.Value]; twice || key.Kind != yaml.ScalarNode {
				d.fault(key, "key %q is given twice or is no text", key.Value)
			}
			m[key.Value] = d.plain(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		s := make([]any, len(n.Content))
		for i, c := range n.Content {
			s[i] = d.plain(c)
		}
		return s
	}
	return d.plainScalar(n)
}

func (d *decoder) plainScalar(n *yaml.Node) any {
	switch n.ShortTag() {
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return json.Number(n.Value)
		}
	case "!!bool", "!!null":
	default: // texts, and what YAML takes for a time: as written
		return n.Value
	}
	var v any
	if err := n.Decode(&v); err != nil {
		d.fault(n, "no JSON for this: %w", err)
	}
	return v
}
