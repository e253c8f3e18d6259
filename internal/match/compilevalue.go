package match

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// valueOf compiles one value of a field.
func (c *compiler) valueOf(field string, m *modifiers, n *Node) *expr {
	nothing := join(exprOr, nil)
	if c.full {
		return nothing
	}
	if n.Kind == List || n.Kind == Map {
		c.fault(n, "want a value, got a %s", n.Kind)
		return nothing
	}
	texts := []string{n.plain()}
	if m.typ == "re" {
		texts[0] = n.Text // a number as it is written
	}
	if m.expand {
		var err error
		if texts, err = c.expand(n.plain()); err != nil {
			c.fault(n, "%w", err)
			return nothing
		}
	}
	kids := make([]*expr, 0, len(texts))
	for _, text := range texts {
		e, err := c.typed(field, m, n, text)
		if err != nil {
			c.fault(n, "%w", err)
			return nothing
		}
		if len(c.atoms) > c.Limits.Atoms {
			c.fault(n, "detection has more than %d values (limits.detection_size)", c.Limits.Atoms)
			c.full = true
			return nothing
		}
		if m.expand && len(texts) > 1 {
			e = c.mark(Value, n.Pos, textOf(n, text), e)
		}
		kids = append(kids, e)
	}
	return join(exprOr, kids)
}

// typed compiles a value by the type that its modifiers give it.
func (c *compiler) typed(field string, m *modifiers, n *Node, text string) (*expr, error) {
	switch {
	case n.Kind == Null && (m.typ != "" || m.timePart != "" || len(m.transforms) > 0 || field == keywordField):
		return nil, errors.New("null goes with a field without modifiers that change values")
	case n.Kind == Null:
		return join(exprOr, []*expr{notExpr(c.atom(presentAtom(field))), c.atom(nullAtom(field))}), nil
	case m.timePart != "":
		return c.timePart(field, m, text)
	}
	switch m.typ {
	case "":
		return c.texts(field, m, text)
	case "re":
		return c.regexp(field, m, text)
	case "exists":
		return c.exists(field, n)
	case "cidr":
		return c.cidr(field, text)
	case "fieldref":
		return c.fieldRef(field, m, text)
	default:
		f, err := finite(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.typ, err)
		}
		return c.atom(compareAtom(field, relations[m.typ], f, canonicalNumber(text))), nil
	}
}

// texts compiles a plain value.
func (c *compiler) texts(field string, m *modifiers, text string) (*expr, error) {
	globs := []*glob{parseGlob(text)}
	for _, name := range m.transforms {
		var next []*glob
		for _, g := range globs {
			more, err := transform(name, g, c.Limits.Expansion)
			if err != nil {
				return nil, err
			}
			if next = append(next, more...); len(next) > c.Limits.Expansion {
				return nil, fmt.Errorf("%s makes more than %d values of this one (limits.expansion)", name, c.Limits.Expansion)
			}
		}
		globs = next
	}
	if len(globs) == 0 {
		return nil, fmt.Errorf("%s leaves nothing of %q: it is too short", strings.Join(m.transforms, "|"), text)
	}
	kids := make([]*expr, len(globs))
	for i, g := range globs {
		if field == keywordField && !slices.ContainsFunc(m.transforms, isAffix) {
			g = g.open(true, true)
		}
		kids[i] = c.atom(textAtom(field, g, m.cased))
	}
	return join(exprOr, kids), nil
}

// textAtom chooses the cheapest op that says the same as the glob.
func textAtom(field string, g *glob, cased bool) *atom {
	for i := range g.parts {
		if cased || g.parts[i].any != nil || field == keywordField && !g.isContains() {
			return globAtom(field, g, cased)
		}
	}
	if g.isContains() {
		return literalAtom(field, opContains, g.parts[1].text)
	}
	first, last := &g.parts[0], &g.parts[len(g.parts)-1]
	switch {
	case len(g.parts) == 1:
		return literalAtom(field, opExact, first.text)
	case len(g.parts) == 2 && first.empty():
		return literalAtom(field, opSuffix, last.text)
	case len(g.parts) == 2 && last.empty():
		return literalAtom(field, opPrefix, first.text)
	}
	return globAtom(field, g, false)
}

func (c *compiler) regexp(field string, m *modifiers, text string) (*expr, error) {
	if m.flags != "" {
		text = "(?" + m.flags + ")" + text
	}
	e, err := ParseExpression(text)
	if err != nil {
		return nil, fmt.Errorf("bad regular expression (RE2, which has no look-around and no back-references): %w", err)
	}
	if err := e.Check(c.Limits.Regexp); err != nil {
		return nil, err
	}
	return c.pattern([]string{field}, e, false), nil
}

func (c *compiler) exists(field string, n *Node) (*expr, error) {
	present := c.atom(presentAtom(field))
	switch {
	case strings.EqualFold(n.Text, "true"):
		return present, nil
	case strings.EqualFold(n.Text, "false"):
		return notExpr(present), nil
	}
	return nil, fmt.Errorf("exists wants true or false, got %q", n.Text)
}

func (c *compiler) cidr(field, text string) (*expr, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return nil, fmt.Errorf("cidr wants a network such as 10.0.0.0/8 or fe80::/10, got %q", text)
	}
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return c.atom(cidrAtom(field, p.Masked())), nil
}

func (c *compiler) fieldRef(field string, m *modifiers, text string) (*expr, error) {
	how := opExact
	if len(m.transforms) > 0 {
		how = map[string]op{"contains": opContains, "startswith": opPrefix, "endswith": opSuffix}[m.transforms[0]]
	}
	other := c.path(text)
	for step := range strings.SplitSeq(other, ".") {
		if step == "" {
			return nil, fmt.Errorf("fieldref wants a field, got %q", text)
		}
	}
	return c.atom(fieldRefAtom(field, how, other, m.cased)), nil
}

func (c *compiler) timePart(field string, m *modifiers, text string) (*expr, error) {
	f, err := finite(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.timePart, err)
	}
	r := relations["eq"]
	if m.typ != "" {
		r = relations[m.typ]
	}
	return c.atom(timePartAtom(field, m.timePart, r, f, canonicalNumber(text))), nil
}

// finite reads a number.
func finite(text string) (float64, error) {
	v := value{kind: textValue, text: []byte(text)}
	f, ok := v.number()
	if !ok {
		return 0, fmt.Errorf("want a number, got %q", text)
	}
	return f, nil
}

// expand replaces the placeholders of a value: %name% becomes each value of the list of that name. A percent sign
// behind a backslash is itself.
func (c *compiler) expand(text string) ([]string, error) {
	out := []string{""}
	appendAll := func(s string) {
		for i := range out {
			out[i] += s
		}
	}
	for {
		at := strings.IndexByte(text, '%')
		switch {
		case at < 0:
			appendAll(text)
			return out, nil
		case at > 0 && text[at-1] == '\\':
			appendAll(text[:at-1] + "%")
			text = text[at+1:]
			continue
		}
		appendAll(text[:at])
		name, rest, found := strings.Cut(text[at+1:], "%")
		if !found {
			appendAll(text[at:])
			return out, nil
		}
		var values []string
		if c.Lists != nil {
			values, found = c.Lists(name)
		}
		switch {
		case c.Lists == nil || !found:
			return nil, fmt.Errorf("unknown list %q: no list of that name is given for the placeholder", name)
		case len(out)*len(values) > c.Limits.Expansion:
			return nil, fmt.Errorf("expand makes more than %d values of this one (limits.expansion)", c.Limits.Expansion)
		}
		var next []string
		for _, begun := range out {
			for _, v := range values {
				next = append(next, begun+v)
			}
		}
		out, text = next, rest
	}
}

// plain is the text of a scalar that values are made of: numbers in canonical form.
func (n *Node) plain() string {
	if n.Kind != Number {
		return n.Text
	}
	s := strings.ReplaceAll(strings.TrimPrefix(n.Text, "+"), "_", "")
	if i, err := strconv.ParseInt(s, 0, 64); err == nil && len(s) > 2 && s[0] == '0' && strings.ContainsAny(s[:2], "xob") {
		return strconv.FormatInt(i, 10)
	}
	return canonicalNumber(s)
}
