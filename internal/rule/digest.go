package rule

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"ttpworker/internal/yamlx"
)

// digest is the SHA-256, in hexadecimal, of the canonical JSON of what tagging depends on: keys sorted, no white
// space, defaults resolved. Comments, description, references, author and tests are left out, so editing them
// changes the file's hash but not the digest.
func digest(r *Rule) string {
	if r.Filter != nil {
		return "" // no rule, and part of the digest of each rule that it is merged into
	}
	type object = map[string]any // encoding/json sorts its keys
	emits := make([]object, len(r.Emits))
	for i, e := range r.Emits {
		emits[i] = object{
			"tactic": orNull(e.Tactic), "technique_id": orNull(e.TechniqueID), "sub_technique_id": orNull(e.SubTechniqueID),
			"confidence": e.Confidence,
		}
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(object{
		"rule_id": r.ID, "rule_version": r.Version, "name": r.Name, "applies_to": r.Kinds,
		"match": matchOf(r),
		"emits": emits, "evidence_fields": append([]string{}, r.EvidenceFields...), // absent is the same as []
	})
	if err != nil {
		panic("rule: texts and finite numbers are always JSON: " + err.Error())
	}
	sum := sha256.Sum256(bytes.TrimSuffix(buf.Bytes(), []byte("\n")))
	return hex.EncodeToString(sum[:])
}

// matchOf is what the rule looks for, as JSON.
func matchOf(r *Rule) map[string]any {
	if l := r.Match.Lift; l != nil {
		return map[string]any{"kind": lifterPrefix + l.Name, "parameters": l.Parameters}
	}
	if r.written == nil {
		patterns := make([]string, len(r.Match.Patterns))
		for i, e := range r.Match.Patterns {
			patterns[i] = e.String()
		}
		return map[string]any{"field": fields(r), "pattern": patterns}
	}
	m := r.written.canonical()
	if len(r.filters) > 0 {
		filters := make([]any, len(r.filters))
		for i, f := range r.filters {
			filters[i] = f.canonical()
		}
		m["filters"] = filters
	}
	return m
}

// canonical is the detection with the fields and lists that it uses.
func (w *written) canonical() map[string]any {
	return map[string]any{"detection": canonical(w.node), "fields": w.fields, "lists": w.lists}
}

// canonical is a node as encoding/json writes it: one JSON text for what is written with the same meaning, whatever
// the quotes and the order of keys. A number that JSON cannot write as it stands is an object that no text is.
func canonical(n *yamlx.Node) any {
	switch n.Kind {
	case yamlx.MapNode:
		m := make(map[string]any, len(n.Keys))
		for i, key := range n.Keys {
			m[key.Text] = canonical(n.Items[i])
		}
		return m
	case yamlx.ListNode:
		list := make([]any, len(n.Items))
		for i, item := range n.Items {
			list[i] = canonical(item)
		}
		return list
	case yamlx.NumberNode:
		if json.Valid([]byte(n.Text)) {
			return json.Number(n.Text)
		}
		return map[string]any{"number": n.Text}
	case yamlx.BoolNode:
		return n.Text == "true"
	case yamlx.NullNode:
		return nil
	default:
		return n.Text
	}
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// fields is the list of paths where it is the same for all kinds of the rule, so that a default and the same path
// written out are one; else the list by kind.
func fields(r *Rule) any {
	first := r.Match.Fields[r.Kinds[0]]
	for _, kind := range r.Kinds {
		if !slices.Equal(r.Match.Fields[kind], first) {
			return r.Match.Fields
		}
	}
	return first
}
