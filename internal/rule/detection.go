package rule

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ttpworker/internal/match"
	"ttpworker/internal/yamlx"
)

// A written is a detection as its file has it, with what else its meaning depends on. It is never changed.
type written struct {
	node   *yamlx.Node         // the mapping of selections and condition
	fields map[string]string   // payload path of each mapped field that it names
	lists  map[string][]string // values of each list that it names
	limits match.Limits        // that it keeps
}

// compile compiles the mapping n. Its faults are *yamlx.Error, joined.
func compile(n *yamlx.Node, fields map[string]string, lists lookup, limits match.Limits) (*match.Detection, *written, error) {
	w := &written{node: n, fields: map[string]string{}, lists: map[string][]string{}, limits: limits}
	eachField(n, func(name string) {
		if path, mapped := fields[name]; mapped {
			w.fields[name] = path
		}
	})
	d, err := match.Compile(matchNode(n), match.Options{
		Fields: fields,
		Limits: limits,
		Lists: func(name string) ([]string, bool) {
			values, known := lists(name)
			if known {
				w.lists[name] = values
			}
			return values, known
		},
	})
	if err == nil {
		return d, w, nil
	}
	var errs []error
	for _, fault := range yamlx.Faults(err) {
		e, ok := errors.AsType[*match.Error](fault)
		if !ok {
			errs = append(errs, &yamlx.Error{Pos: n.Pos, Err: fault})
			continue
		}
		at := yamlx.Pos(e.Pos)
		if at.Line == 0 {
			at = n.Pos
		}
		fault := e.Err
		if strings.HasPrefix(fault.Error(), "unknown list ") {
			fault = fmt.Errorf("%w; add it to the shared lists (rule_store.lists_dir) or, in a rule of our own form, to match.lists", fault)
		}
		errs = append(errs, &yamlx.Error{Pos: at, Err: fault})
	}
	return nil, w, errors.Join(errs...)
}

func matchNode(n *yamlx.Node) *match.Node {
	out := &match.Node{Pos: match.Pos(n.Pos), Text: n.Text, Keys: matchNodes(n.Keys), Items: matchNodes(n.Items)}
	switch n.Kind {
	case yamlx.NullNode:
		out.Kind = match.Null
	case yamlx.BoolNode:
		out.Kind = match.Bool
	case yamlx.NumberNode:
		out.Kind = match.Number
	case yamlx.TextNode:
		out.Kind = match.Text
	case yamlx.ListNode:
		out.Kind = match.List
	case yamlx.MapNode:
		out.Kind = match.Map
	}
	return out
}

func matchNodes(nodes []*yamlx.Node) []*match.Node {
	out := make([]*match.Node, len(nodes))
	for i, n := range nodes {
		out[i] = matchNode(n)
	}
	return out
}

// fieldOf splits a key of a selection into the field and what follows: modifiers, each with a | before it.
func fieldOf(key string) (field, modifiers string) {
	i := strings.IndexByte(key, '|')
	if i < 0 {
		return key, ""
	}
	return key[:i], key[i:]
}

// refersToField reports whether the values under these modifiers are names of fields.
func refersToField(modifiers string) bool {
	return slices.Contains(strings.Split(modifiers, "|"), "fieldref")
}

// eachField calls name with every field that the selections of a detection name.
func eachField(detection *yamlx.Node, name func(string)) {
	rename(detection, func(field string) string {
		name(field)
		return field
	})
}

// rename is a detection with other names of fields.
func rename(detection *yamlx.Node, to func(string) string) *yamlx.Node {
	out := *detection
	out.Items = slices.Clone(detection.Items)
	for i, selection := range out.Items {
		if detection.Keys[i].Text != "condition" {
			out.Items[i] = renameFields(selection, to)
		}
	}
	return &out
}

// renameFields renames in a selection: a mapping of fields, or a list of such mappings and keywords.
func renameFields(n *yamlx.Node, to func(string) string) *yamlx.Node {
	out := *n
	out.Items = slices.Clone(n.Items)
	out.Keys = slices.Clone(n.Keys)
	for i, item := range out.Items {
		if n.Kind != yamlx.MapNode {
			out.Items[i] = renameFields(item, to)
			continue
		}
		field, modifiers := fieldOf(n.Keys[i].Text)
		if field != "" { // |contains without a field is about keywords
			key := *n.Keys[i]
			key.Text = to(field) + modifiers
			out.Keys[i] = &key
		}
		if refersToField(modifiers) {
			out.Items[i] = renameValues(item, to)
		}
	}
	return &out
}

func renameValues(n *yamlx.Node, to func(string) string) *yamlx.Node {
	out := *n
	out.Items = slices.Clone(n.Items)
	for i, item := range out.Items {
		out.Items[i] = renameValues(item, to)
	}
	if n.Kind == yamlx.TextNode {
		out.Text = to(n.Text)
	}
	return &out
}

// mapped is the detection in payload paths.
func (w *written) mapped() *yamlx.Node {
	return rename(w.node, func(field string) string {
		if path, ok := w.fields[field]; ok {
			return path
		}
		return field
	})
}

// detection compiles match.detection of our form.
func (c *checker) detection() (Match, *written) {
	f := &c.file.Match
	if _, missing := c.doc.Find("match", "pattern"); !missing {
		c.fault(errors.New("match has a pattern and a detection: give one of them"), "match", "detection")
	}
	if len(f.Field) > 0 {
		c.fault(errors.New("match.field goes with match.pattern: a detection names its fields"), "match", "field")
	}
	lists := make(map[string][]string, len(f.Lists))
	for _, name := range slices.Sorted(maps.Keys(f.Lists)) {
		if lists[name] = f.Lists[name]; len(lists[name]) == 0 {
			c.fault(fmt.Errorf("list %q is empty", name), "match", "lists", name)
		}
	}
	return c.compile(f.Detection, nil, lists, c.parser.Limits)
}

// compile compiles a detection, whose lists of its own are own, and reports its faults.
func (r *report) compile(n *yamlx.Node, fields map[string]string, own map[string][]string, limits match.Limits) (Match, *written) {
	if n.Kind != yamlx.MapNode {
		r.add(&yamlx.Error{Pos: n.Pos, Err: fmt.Errorf("want a mapping of selections and a condition, got %s", n.Found())})
		return Match{}, nil
	}
	d, w, err := compile(n, fields, r.lookup(own), limits)
	r.addAll(err)
	if err == nil {
		r.unused(n)
	}
	return Match{Detection: d}, w
}
