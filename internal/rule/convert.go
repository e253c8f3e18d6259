package rule

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"ttpworker/internal/tagger"
	"ttpworker/internal/yamlx"
)

// Convert writes a Sigma rule in our form: the same events give the same emits and evidence. The error says what our
// form has no place for: no technique, filters, a kind that the mapping does not yield, two fields of a selection that
// are one payload field here.
func (p Parser) Convert(r *Rule) ([]byte, error) {
	if err := p.convertible(r); err != nil {
		return nil, &Error{File: r.File.Path, Rule: r.ID, Err: err}
	}
	detection := r.written.mapped()
	if twice := collision(detection); twice != nil {
		return nil, &Error{
			File: r.File.Path, Line: twice.Pos.Line, Col: twice.Pos.Col, Rule: r.ID,
			Err: fmt.Errorf("the mapping makes two fields of this selection one, %s", twice.Text),
		}
	}
	var out yamlx.Node
	put := func(key string, value *yamlx.Node) { add(&out, key, value) }
	put("rule_id", text(r.ID))
	put("rule_version", &yamlx.Node{Kind: yamlx.NumberNode, Text: "1"})
	put("name", text(r.Name))
	if r.Description != "" {
		put("description", text(r.Description))
	}
	put("applies_to", texts(r.Kinds))
	var m yamlx.Node
	add(&m, "detection", detection)
	put("match", &m)
	emits := &yamlx.Node{Kind: yamlx.ListNode}
	for _, e := range r.Emits {
		emits.Items = append(emits.Items, emitNode(e))
	}
	put("emits", emits)
	put("evidence_fields", texts(r.EvidenceFields))
	if len(r.References) > 0 {
		put("references", texts(distinct(r.References)))
	}
	if r.Author != "" {
		put("author", text(r.Author))
	}
	return yamlx.Encode(&out)
}

func (p Parser) convertible(r *Rule) error {
	switch {
	case r.sigma == nil:
		return errors.New("it is in our form already")
	case len(r.Filters) > 0:
		return fmt.Errorf("our form has no filters, and this rule has %q", r.Filters)
	case r.Emits[0].TechniqueID == "":
		return errors.New("no technique: rules of our form name at least one")
	case !slices.Contains(p.Kinds, r.Kinds[0]):
		return fmt.Errorf("source kind %q is not in the mapping: give it an entry, so that our own rules can apply to it", r.Kinds[0])
	}
	return nil
}

// collision returns a key that a mapping below n has twice, nil if there is none.
func collision(n *yamlx.Node) *yamlx.Node {
	seen := map[string]bool{}
	for _, key := range n.Keys {
		if seen[key.Text] {
			return key
		}
		seen[key.Text] = true
	}
	for _, item := range n.Items {
		if twice := collision(item); twice != nil {
			return twice
		}
	}
	return nil
}

func emitNode(e tagger.Emit) *yamlx.Node {
	var n yamlx.Node
	add(&n, "tactic", text(e.Tactic))
	add(&n, "technique_id", text(e.TechniqueID))
	if e.SubTechniqueID != "" {
		add(&n, "sub_technique_id", text(e.SubTechniqueID))
	}
	add(&n, "confidence", &yamlx.Node{Kind: yamlx.NumberNode, Text: strconv.FormatFloat(e.Confidence, 'f', -1, 64)})
	return &n
}

// add puts a key into a mapping.
func add(n *yamlx.Node, key string, value *yamlx.Node) {
	n.Kind = yamlx.MapNode
	n.Keys, n.Items = append(n.Keys, text(key)), append(n.Items, value)
}

func text(s string) *yamlx.Node { return &yamlx.Node{Kind: yamlx.TextNode, Text: s} }

func texts(list []string) *yamlx.Node {
	n := &yamlx.Node{Kind: yamlx.ListNode}
	for _, s := range list {
		n.Items = append(n.Items, text(s))
	}
	return n
}

// distinct is a list without what is empty or was there before.
func distinct(list []string) []string {
	var out []string
	for _, s := range list {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
