package match

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Detection is a compiled condition over a payload. It never changes and is safe for concurrent use.
type Detection struct {
	atoms []*atom // each once
	code  []instr // over atoms
}

// Compile compiles the mapping under `detection`: selections and a condition. The error joins one *Error per fault, in
// file order.
func Compile(n *Node, o Options) (*Detection, error) {
	c := &compiler{Options: o}
	e, err := c.compile(n)
	if err != nil {
		return nil, err
	}
	return c.finish(e), nil
}

// compile compiles the mapping under `detection`.
func (c *compiler) compile(n *Node) (*expr, error) {
	d := DefaultLimits()
	c.Limits = Limits{
		Regexp:    cmp.Or(c.Limits.Regexp, d.Regexp),
		Expansion: cmp.Or(c.Limits.Expansion, d.Expansion),
		Atoms:     cmp.Or(c.Limits.Atoms, d.Atoms),
	}
	c.ids, c.selections = map[atomKey]int32{}, map[string]*expr{}
	e := c.detection(n)
	if len(c.errs) > 0 {
		slices.SortStableFunc(c.errs, func(a, b *Error) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
		})
		errs := make([]error, len(c.errs))
		for i, err := range c.errs {
			errs[i] = err
		}
		return nil, errors.Join(errs...)
	}
	return e, nil
}

// Patterns is a detection that matches where any of the Expressions is found in any text of any of the fields. It sees
// texts only: numbers and truth values have nothing to say to it. There may be as many pairs of both as limits allow
// values of a detection.
func Patterns(fields []string, exprs []Expression) *Detection {
	c := &compiler{ids: map[atomKey]int32{}}
	var kids []*expr
	for _, e := range exprs {
		kids = append(kids, c.pattern(fields, e, true))
	}
	return c.finish(join(exprOr, kids))
}

// pattern looks for an expression in any text of any of the fields, and unless textsOnly in numbers and truth values.
func (c *compiler) pattern(fields []string, e Expression, textsOnly bool) *expr {
	var kids []*expr
	for _, one := range e.alternatives() {
		p := newPattern(one)
		for _, field := range fields {
			kids = append(kids, c.atom(p.atom(field, textsOnly)))
		}
	}
	return join(exprOr, kids)
}

// CheckPatterns reports more pairs of fields and expressions than limits allow values of a detection.
func CheckPatterns(fields, exprs int, limits Limits) error {
	if most := cmp.Or(limits.Atoms, DefaultLimits().Atoms); fields*exprs > most {
		return fmt.Errorf("%d patterns in each of %d fields are more than %d values of a detection (limits.detection_size)", exprs, fields, most)
	}
	return nil
}

// And is a detection that matches where all of ds do, of which there is at least one.
func And(ds ...*Detection) *Detection {
	c := &compiler{ids: map[atomKey]int32{}}
	out := &Detection{code: []instr{{op: exprAnd}}}
	for _, d := range ds {
		local := make([]int32, len(d.atoms))
		for i, a := range d.atoms {
			local[i] = c.atom(a).atom
		}
		base := int32(len(out.code)) //nolint:gosec // Limits.Atoms bounds it
		for _, in := range d.code {
			in.end += base
			if in.op == exprAtom {
				in.atom = local[in.atom]
			}
			out.code = append(out.code, in)
		}
	}
	out.code[0].end = int32(len(out.code)) //nolint:gosec // as above
	out.atoms = c.atoms
	return out
}

// Fields lists the payload paths that the detection names outside negations, in the order of the conditions, each
// once. A keyword names none.
func (d *Detection) Fields() []string {
	var fields []string
	var walk func(i int32, positive bool)
	walk = func(i int32, positive bool) {
		n := &d.code[i]
		if n.op == exprAtom {
			if f := d.atoms[n.atom].field; positive && f != keywordField && !slices.Contains(fields, f) {
				fields = append(fields, f)
			}
			return
		}
		for k := i + 1; k < n.end; k = d.code[k].end {
			walk(k, positive != (n.op == exprNot))
		}
	}
	walk(0, true)
	return fields
}

// A compiler compiles one detection and collects what is wrong.
type compiler struct {
	Options

	atoms      []*atom
	ids        map[atomKey]int32
	selections map[string]*expr
	names      []string // of the selections, as in the file
	errs       []*Error
	full       bool // told that there are too many atoms
	used       int  // size of all that the conditions name
	tracing    bool // keep marks
}

func (c *compiler) fault(n *Node, format string, args ...any) {
	c.errs = append(c.errs, &Error{n.Pos, fmt.Errorf(format, args...)})
}

// atom gives an atom its number.
func (c *compiler) atom(a *atom) *expr {
	id, ok := c.ids[a.atomKey]
	if !ok {
		id = int32(len(c.atoms)) //nolint:gosec // Limits.Atoms bounds it
		c.ids[a.atomKey] = id
		c.atoms = append(c.atoms, a)
	}
	return &expr{op: exprAtom, atom: id}
}

// finish makes the detection of an expression over the compiler's atoms.
func (c *compiler) finish(e *expr) *Detection {
	e.sort(func(atom int32) int { return c.atoms[atom].op.weight() })
	return &Detection{atoms: c.atoms, code: e.flatten(nil)}
}

// detection compiles all selections and the condition over them.
func (c *compiler) detection(n *Node) *expr {
	if n == nil || n.Kind != Map {
		if n == nil {
			n = &Node{}
		}
		c.fault(n, "a detection is a mapping of selections and a condition")
		return nil
	}
	var condition *Node
	for i, key := range n.Keys {
		switch key.Text {
		case "condition":
			condition = n.Items[i]
		case "timeframe":
			c.fault(key, "timeframe belongs to correlations, which are not supported: a rule sees one event")
		default:
			c.names = append(c.names, key.Text)
			c.selections[key.Text] = c.mark(Selection, key.Pos, key.Text, c.selection(key, n.Items[i]))
		}
	}
	switch {
	case condition == nil:
		c.fault(n, "condition is missing")
		return nil
	case len(c.names) == 0:
		c.fault(n, "a detection needs a selection beside its condition")
		return nil
	}
	return c.conditions(condition)
}

// selection compiles what stands under the name of a selection.
func (c *compiler) selection(key, n *Node) *expr {
	switch n.Kind {
	case Map:
		return c.mapping(n)
	case List:
		if len(n.Items) == 0 {
			c.fault(n, "selection %q is empty", key.Text)
		}
		var kids []*expr
		for i, item := range n.Items {
			var e *expr
			switch item.Kind {
			case Map:
				e = c.mapping(item)
			case List, Null:
				c.fault(item, "selection %q: want a mapping or a keyword, got a %s", key.Text, item.Kind)
				continue
			default:
				e = c.keyword(item)
			}
			if len(n.Items) > 1 {
				e = c.mark(Item, item.Pos, fmt.Sprintf("%s, item %d", key.Text, i+1), e)
			}
			kids = append(kids, e)
		}
		return join(exprOr, kids)
	case Null:
		c.fault(key, "selection %q is empty", key.Text)
		return join(exprOr, nil)
	default:
		return c.keyword(n)
	}
}

// keyword looks for a text anywhere in the payload.
func (c *compiler) keyword(n *Node) *expr {
	return c.item(&Node{Kind: Text, Pos: n.Pos}, n)
}

// mapping compiles fields and their values, all of which must match.
func (c *compiler) mapping(n *Node) *expr {
	if len(n.Keys) == 0 {
		c.fault(n, "mapping is empty")
	}
	kids := make([]*expr, len(n.Keys))
	for i, key := range n.Keys {
		kids[i] = c.item(key, n.Items[i])
	}
	return join(exprAnd, kids)
}

// item compiles one field with its modifiers and values.
func (c *compiler) item(key, n *Node) *expr {
	nothing := join(exprOr, nil)
	field, rest, _ := strings.Cut(key.Text, "|")
	var names []string
	if len(key.Text) > len(field) {
		names = strings.Split(rest, "|")
	}
	m, err := parseModifiers(names)
	switch {
	case err != nil:
		c.fault(key, "%q: %w", key.Text, err)
		return nothing
	case field == keywordField && (m.typ != "" && m.typ != "re" || m.timePart != ""):
		c.fault(key, "%q: modifier %q needs a field", key.Text, m.typ+m.timePart)
		return nothing
	case field != keywordField && slices.Contains(strings.Split(c.path(field), "."), ""):
		c.fault(key, "%q: field %q is no dotted path", key.Text, c.path(field))
		return nothing
	}
	values := []*Node{n}
	switch {
	case n.Kind == List && len(n.Items) == 0:
		c.fault(n, "%q: list of values is empty", key.Text)
		return nothing
	case n.Kind == List:
		values = n.Items
	}
	kind := Value
	if m.all || len(values) == 1 {
		kind = Part
	}
	kids := make([]*expr, len(values))
	for i, v := range values {
		kids[i] = c.mark(kind, v.Pos, textOf(key, v.Text), c.valueOf(c.path(field), &m, v))
	}
	o := exprOr
	if m.all {
		o = exprAnd
	}
	e := join(o, kids)
	if m.neq {
		return notExpr(e)
	}
	return e
}

// path is where the payload has a field.
func (c *compiler) path(field string) string {
	if mapped, ok := c.Fields[field]; ok {
		return mapped
	}
	return field
}
