package match

import (
	"regexp"
	"regexp/syntax"
	"slices"
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

// alternatives returns expressions of which one matches in a text if and only if re does. An alternation that has no
// telling literals as a whole, because one of its parts has none or all of them have too many, is taken apart: then
// each part is searched for only where its own literals are.
func alternatives(re *regexp.Regexp) []*regexp.Regexp {
	parsed, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil || telling(parsed) {
		return []*regexp.Regexp{re}
	}
	parts := apart(parsed, maxDistributed)
	if len(parts) == 1 || len(parts) > maxAlternatives {
		return []*regexp.Regexp{re}
	}
	out := make([]*regexp.Regexp, 0, len(parts))
	for _, part := range together(parts) {
		one, err := regexp.Compile(part.String())
		if err != nil {
			return []*regexp.Regexp{re}
		}
		out = append(out, one)
	}
	return out
}

// telling reports whether every match of an expression contains one of a few literals that are rarely in a text.
func telling(re *syntax.Regexp) bool { return shortest(required(re).best()) >= tellingLiteral }

// apart returns the alternatives of an expression, those of its alternatives in turn, and of a sequence those that are
// made by an alternation in it, if all of them tell; for that it may be distributed over depth alternations.
func apart(re *syntax.Regexp, depth int) []*syntax.Regexp {
	if telling(re) {
		return []*syntax.Regexp{re}
	}
	switch re.Op {
	case syntax.OpCapture:
		return apart(re.Sub[0], depth)
	case syntax.OpAlternate:
		var out []*syntax.Regexp
		for _, sub := range re.Sub {
			out = append(out, apart(sub, depth)...)
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
			if out := distribute(re, i, sub.Sub, depth); out != nil {
				return out
			}
		}
	default: // one expression
	}
	return []*syntax.Regexp{re}
}

// distribute returns a sequence with each of the alternatives in turn at place i, taken apart further; nil if not all of
// them tell then.
func distribute(re *syntax.Regexp, i int, alternatives []*syntax.Regexp, depth int) []*syntax.Regexp {
	var out []*syntax.Regexp
	for _, alternative := range alternatives {
		inner := []*syntax.Regexp{alternative}
		if alternative.Op == syntax.OpConcat {
			inner = alternative.Sub // so that literals meet
		}
		one := *re
		one.Sub = slices.Concat(re.Sub[:i], inner, re.Sub[i+1:])
		for _, part := range apart(&one, depth-1) {
			if !telling(part) || len(out) == maxAlternatives {
				return nil
			}
			out = append(out, part)
		}
	}
	return out
}

// together joins neighbours again as far as the literals of what they make still tell, for fewer expressions.
func together(parts []*syntax.Regexp) []*syntax.Regexp {
	var out []*syntax.Regexp
	for _, part := range parts {
		if n := len(out); n > 0 && telling(part) {
			joined := &syntax.Regexp{Op: syntax.OpAlternate, Sub: []*syntax.Regexp{out[n-1], part}}
			if last := out[n-1]; last.Op == syntax.OpAlternate {
				joined.Sub = append(slices.Clone(last.Sub), part)
			}
			if telling(joined) && len(required(joined).best()) <= maxTogether {
				out[n-1] = joined
				continue
			}
		}
		out = append(out, part)
	}
	return out
}
