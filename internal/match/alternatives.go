package match

import (
	"regexp/syntax"
	"slices"
	"strconv"
)

const (
	// tellingLiteral is how long the literals of an expression must be for it to stay whole, in bytes. Shorter ones are in
	// most texts.
	tellingLiteral = 3
	// maxAlternatives bounds what one expression is taken apart into.
	maxAlternatives = 512
	// maxDistributed is over how many alternations of a sequence the rest of it is distributed: work grows with its power.
	maxDistributed = 3
	// maxTogether bounds the literals of parts that are joined again: large expressions are slow where they are searched for.
	maxTogether = 64
)

// alternatives returns expressions of which one matches in a text if and only if e does. An alternation that has no
// telling literals as a whole, because one of its parts has none or all of them have too many, is taken apart: then
// each part is searched for only where its own literals are.
func (e Expression) alternatives() []Expression {
	a := newAnalysis()
	parts := []*syntax.Regexp{e.re}
	if !a.telling(e.re) {
		parts = a.apart(e.re, maxDistributed)
	}
	if len(parts) == 1 || len(parts) > maxAlternatives {
		e.needs = a.required(e.re).best()
		return []Expression{e}
	}
	var out []Expression
	for i, part := range a.together(parts) {
		out = append(out, Expression{e.name + "\x00" + strconv.Itoa(i), part, true, a.required(part).best()})
	}
	return out
}

// telling reports whether every match of an expression contains one of a few literals that are rarely in a text.
func (a analysis) telling(re *syntax.Regexp) bool {
	return shortest(a.required(re).best()) >= tellingLiteral
}

// apart returns the alternatives of an expression, those of its alternatives in turn, and of a sequence those that are
// made by an alternation in it, if all of them tell; for that it may be distributed over depth alternations.
func (a analysis) apart(re *syntax.Regexp, depth int) []*syntax.Regexp {
	if a.telling(re) {
		return []*syntax.Regexp{re}
	}
	switch re.Op {
	case syntax.OpCapture:
		return a.apart(re.Sub[0], depth)
	case syntax.OpAlternate:
		var out []*syntax.Regexp
		for _, sub := range re.Sub {
			out = append(out, a.apart(sub, depth)...)
		}
		return out
	case syntax.OpConcat:
		for i, sub := range re.Sub {
			for sub.Op == syntax.OpCapture {
				sub = sub.Sub[0]
			}
			if sub.Op != syntax.OpAlternate || depth == 0 {
				continue
			}
			if out := a.distribute(re, i, sub.Sub, depth); out != nil {
				return out
			}
		}
	default: // one expression
	}
	return []*syntax.Regexp{re}
}

// distribute returns a sequence with each of the alternatives in turn at place i, taken apart further; nil if not all of
// them tell then.
func (a analysis) distribute(re *syntax.Regexp, i int, alternatives []*syntax.Regexp, depth int) []*syntax.Regexp {
	var out []*syntax.Regexp
	for _, alternative := range alternatives {
		inner := []*syntax.Regexp{alternative}
		if alternative.Op == syntax.OpConcat {
			inner = alternative.Sub // so that literals meet
		}
		one := *re
		one.Sub = slices.Concat(re.Sub[:i], inner, re.Sub[i+1:])
		for _, part := range a.apart(&one, depth-1) {
			if !a.telling(part) || len(out) == maxAlternatives {
				return nil
			}
			out = append(out, part)
		}
	}
	return out
}

// together joins neighbours again as far as the literals of what they make still tell and are few, for fewer expressions.
func (a analysis) together(parts []*syntax.Regexp) []*syntax.Regexp {
	var out []*syntax.Regexp
	var literals []string // of the last of out; nil = they do not tell
	for _, part := range parts {
		own := a.required(part).best()
		if shortest(own) < tellingLiteral {
			out, literals = append(out, part), nil
			continue
		}
		all := unique(slices.Concat(literals, own))
		if literals == nil || len(all) > maxTogether {
			out, literals = append(out, part), own
			continue
		}
		joined := &syntax.Regexp{Op: syntax.OpAlternate, Sub: []*syntax.Regexp{out[len(out)-1], part}}
		if last := out[len(out)-1]; last.Op == syntax.OpAlternate {
			joined.Sub = append(slices.Clone(last.Sub), part)
		}
		out[len(out)-1], literals = joined, all
	}
	return out
}
