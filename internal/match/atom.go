package match

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"time"

	"ttpworker/internal/match/dfa"
)

// An op is what an atom asks of a field.
type op uint8

// The first group are asked of folded texts, the second of what is there, the third of values one by one.
const (
	opContains op = iota
	opPrefix
	opSuffix
	opExact

	opPresent // the field is there, whatever its value
	opNull    // it has a value that is null

	opGlob
	opCased // a glob that sees case
	opRegexp
	opCIDR
	opCompare
	opTimePart
	opFieldRef
)

// isLiteral reports whether the op looks for a literal in folded texts.
func (o op) isLiteral() bool { return o <= opExact }

// weight is about what an op costs, in units of one that the scan answers.
func (o op) weight() int {
	switch {
	case o <= opNull:
		return 1
	case o == opRegexp:
		return 200
	default:
		return 20
	}
}

// keywordField is the field of atoms that are asked of every scalar of the payload. No path is empty.
const keywordField = ""

// An atomKey is the identity of an atom: equal keys ask the same.
type atomKey struct {
	field string
	op    op
	text  string // the folded literal; for the third group a canonical form
}

// An atom is one question about one field. It is true if it is true of any value of the field.
type atom struct {
	atomKey
	test func(*value) bool // of the third group, but for opFieldRef; not asked about null
	// Of opRegexp: what the reference asks in place of test, and how the expression is written.
	plain      func(*value) bool
	expression func() string
	// Of opFieldRef: the field that is compared with, how, and whether case counts.
	other   string
	otherOp op
	cased   bool
	// Of a text that the atom is true of, each match contains one of the needs: folded literals, looked for with
	// needOp. nil = nothing is known.
	needs  []string
	needOp op
}

// literal asks for a literal in the folded text.
func literalAtom(field string, o op, text string) *atom {
	return &atom{atomKey: atomKey{field, o, Fold(text)}}
}

func presentAtom(field string) *atom { return &atom{atomKey: atomKey{field: field, op: opPresent}} }

func nullAtom(field string) *atom { return &atom{atomKey: atomKey{field: field, op: opNull}} }

// globAtom asks for a glob that has wildcards inside; cased ones need none.
func globAtom(field string, g *glob, cased bool) *atom {
	folded := g.mapText(Fold)
	a := &atom{atomKey: atomKey{field, opGlob, folded.String()}}
	if cased {
		g = g.mapText(asText)
		a.op, a.text = opCased, g.String()
		a.test = func(v *value) bool { return g.match(v.text) }
	} else {
		a.test = func(v *value) bool { return folded.match(v.folded) }
	}
	text, atStart, atEnd := folded.longest()
	if text == "" {
		return a
	}
	a.needs = []string{text}
	switch {
	case field == keywordField: // of which the scan looks for nothing else
	case atStart && atEnd:
		a.needOp = opExact
	case atStart:
		a.needOp = opPrefix
	case atEnd:
		a.needOp = opSuffix
	}
	return a
}

// asText replaces each byte that is no UTF-8, as in payloads: bytes of UTF-16 must not match within a character.
func asText(s string) string { return strings.Map(func(r rune) rune { return r }, s) }

// What the text of an opRegexp atom begins with, before the name of the expression.
const (
	ofAll   = "all:"
	ofTexts = "texts:"
)

// A pattern is a regular expression ready to be asked of fields.
type pattern struct {
	Expression
	found *dfa.DFA              // for the index
	plain func() *regexp.Regexp // for the reference: compiled when it asks first
}

func newPattern(e Expression) pattern {
	p := pattern{Expression: e, found: dfa.New(e.whether())}
	if !e.part {
		p.re = nil // not to keep it for its text
	}
	text := p.String
	p.plain = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text()) })
	return p
}

// atom asks for a match of the expression anywhere in a field. textsOnly leaves numbers and truth values out.
func (p pattern) atom(field string, textsOnly bool) *atom {
	a := &atom{atomKey: atomKey{field, opRegexp, ofAll + p.name}, needs: p.needs, expression: p.String}
	if textsOnly {
		a.text = ofTexts + p.name
	}
	a.test = func(v *value) bool {
		return (!textsOnly || v.kind == textValue) && p.found.Match(v.text)
	}
	a.plain = func(v *value) bool { return (!textsOnly || v.kind == textValue) && p.plain().Match(v.text) }
	return a
}

func cidrAtom(field string, p netip.Prefix) *atom {
	return &atom{atomKey: atomKey{field, opCIDR, p.String()}, test: func(v *value) bool {
		a, ok := v.addr()
		return ok && p.Contains(a)
	}}
}

// A relation compares two numbers.
type relation struct {
	name  string
	holds func(a, b float64) bool
}

var relations = map[string]relation{
	"lt":  {"lt", func(a, b float64) bool { return a < b }},
	"lte": {"lte", func(a, b float64) bool { return a <= b }},
	"gt":  {"gt", func(a, b float64) bool { return a > b }},
	"gte": {"gte", func(a, b float64) bool { return a >= b }},
	"eq":  {"eq", func(a, b float64) bool { return a == b }},
}

func compareAtom(field string, r relation, than float64, text string) *atom {
	return &atom{atomKey: atomKey{field, opCompare, r.name + " " + text}, test: func(v *value) bool {
		f, ok := v.number()
		return ok && r.holds(f, than)
	}}
}

// timeParts are the modifiers that take a part of a time.
var timeParts = map[string]func(time.Time) int{
	"minute": time.Time.Minute,
	"hour":   time.Time.Hour,
	"day":    time.Time.Day,
	"week": func(t time.Time) int {
		_, week := t.ISOWeek()
		return week
	},
	"month": func(t time.Time) int { return int(t.Month()) },
	"year":  time.Time.Year,
}

func timePartAtom(field, part string, r relation, than float64, text string) *atom {
	of := timeParts[part]
	return &atom{atomKey: atomKey{field, opTimePart, part + " " + r.name + " " + text}, test: func(v *value) bool {
		t, ok := v.clock()
		return ok && r.holds(float64(of(t)), than)
	}}
}

// maxCompared is how many values of each field fieldref compares, the first ones: all pairs of long arrays would take
// time without end.
const maxCompared = 64

// fieldRefAtom asks whether some value of field equals, begins with, ends with or contains some value of other.
func fieldRefAtom(field string, how op, other string, cased bool) *atom {
	key := atomKey{field, opFieldRef, fmt.Sprintf("%d %t %s", how, cased, other)}
	return &atom{atomKey: key, other: other, otherOp: how, cased: cased}
}

// refHolds asks an opFieldRef atom about one value of each of its fields.
func (a *atom) refHolds(v, other *value) bool {
	switch {
	case v.kind == nullValue || other.kind == nullValue:
		return false
	case a.cased:
		return literalHolds(a.otherOp, v.text, view(other.text))
	default:
		return literalHolds(a.otherOp, v.folded, view(other.folded))
	}
}

// literalHolds asks an op of the first group about a text.
func literalHolds(o op, text []byte, literal string) bool {
	switch o {
	case opContains:
		return strings.Contains(view(text), literal)
	case opPrefix:
		return strings.HasPrefix(view(text), literal)
	case opSuffix:
		return strings.HasSuffix(view(text), literal)
	default:
		return view(text) == literal
	}
}

// holds asks the atom about one value, which is folded. Ops of the second group and opFieldRef are not for it.
func (a *atom) holds(v *value) bool {
	switch {
	case v.kind == nullValue:
		return false
	case a.op.isLiteral():
		return literalHolds(a.op, v.folded, a.text)
	default:
		return a.test(v)
	}
}

// plainly is holds for the reference, which leaves regular expressions to regexp.
func (a *atom) plainly(v *value) bool {
	if a.plain == nil {
		return a.holds(v)
	}
	return v.kind != nullValue && a.plain(v)
}
