package yamlx

import (
	"bytes"
	"encoding/json"
	"math"

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
		d.entries(n, "key", func(key string, _, val *yaml.Node) { m[key] = d.plain(val) })
		return m
	case yaml.SequenceNode:
		s := make([]any, len(n.Content))
		for i, c := range n.Content {
			s[i] = d.plain(c)
		}
		return s
	default:
		return d.plainScalar(n)
	}
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
	if f, ok := v.(float64); ok && (math.IsInf(f, 0) || math.IsNaN(f)) {
		d.fault(n, "no JSON for %s: it is no finite number", quote(n.Value))
	}
	return v
}
