package match

import (
	"fmt"
	"slices"
	"strings"
)

// maxImplied bounds the work of Implies, in steps: what takes more is not known.
const maxImplied = 200_000

// Implies reports whether o matches every payload that d does. It looks at how both are built and at literals that
// contain each other, not at what regular expressions mean: false is not known.
func (d *Detection) Implies(o *Detection) bool {
	p := &prover{a: d, b: o}
	return p.implies(0, 0) && p.steps <= maxImplied
}

// A prover shows that a node of a is true only where a node of b is.
type prover struct {
	a, b  *Detection
	steps int
}

// implies reports whether node j of b is true wherever node i of a is.
func (p *prover) implies(i, j int32) bool {
	if p.steps++; p.steps > maxImplied {
		return false
	}
	a, b := &p.a.code[i], &p.b.code[j]
	switch {
	case b.op == exprAnd:
		return p.each(p.b, j, func(k int32) bool { return p.implies(i, k) })
	case a.op == exprOr:
		return p.each(p.a, i, func(k int32) bool { return p.implies(k, j) })
	case a.op == exprAnd && p.some(p.a, i, func(k int32) bool { return p.implies(k, j) }):
		return true
	case b.op == exprOr:
		return p.some(p.b, j, func(k int32) bool { return p.implies(i, k) })
	case a.op == exprNot && b.op == exprNot:
		back := &prover{a: p.b, b: p.a, steps: p.steps}
		defer func() { p.steps = back.steps }()
		return back.implies(j+1, i+1)
	case a.op == exprAtom && b.op == exprAtom:
		return p.a.atoms[a.atom].implies(p.b.atoms[b.atom])
	default:
		return false
	}
}

// each reports whether holds is true of all nodes right below node i of d.
func (p *prover) each(d *Detection, i int32, holds func(k int32) bool) bool {
	return !p.some(d, i, func(k int32) bool { return !holds(k) })
}

func (p *prover) some(d *Detection, i int32, holds func(k int32) bool) bool {
	for k := i + 1; k < d.code[i].end; k = d.code[k].end {
		if holds(k) {
			return true
		}
	}
	return false
}

// implies reports whether b is true wherever a is.
func (a *atom) implies(b *atom) bool {
	switch {
	case a.atomKey == b.atomKey:
		return true
	case b.field == keywordField:
		return b.op == opContains && a.op.isLiteral() && strings.Contains(a.text, b.text)
	case a.field != b.field:
		return false
	case b.op == opPresent:
		return true
	case a.op == opRegexp && b.op == opRegexp:
		name, ofTextsOnly := strings.CutPrefix(a.text, ofTexts)
		return ofTextsOnly && b.text == ofAll+name
	case !a.op.isLiteral() || !b.op.isLiteral():
		return false
	}
	text := []byte(a.text)
	switch b.op {
	case opContains:
		return strings.Contains(a.text, b.text)
	case opPrefix, opSuffix:
		return (a.op == opExact || a.op == b.op) && literalHolds(b.op, text, b.text)
	default:
		return false // a would have the same key
	}
}

// Canonical is a text that detections have in common which ask the same of the same fields, in whatever order they say
// so. Detections can match the same payloads and have different ones.
func (d *Detection) Canonical() string { return d.canonical(0) }

func (d *Detection) canonical(i int32) string {
	n := &d.code[i]
	if n.op == exprAtom {
		a := d.atoms[n.atom]
		return fmt.Sprintf("%q %d %q", a.field, a.op, a.text)
	}
	var kids []string
	for k := i + 1; k < n.end; k = d.code[k].end {
		kids = append(kids, d.canonical(k))
	}
	slices.Sort(kids)
	return fmt.Sprintf("%d(%s)", n.op, strings.Join(kids, ", "))
}
