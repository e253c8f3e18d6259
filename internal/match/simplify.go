package match

import (
	"regexp"
	"regexp/syntax"
)

// whether compiles e for the question whether it matches anywhere, not where: what may be left out at its
// ends is left out, so that x*abc(def)? is abc, and what is repeated there is repeated as often as it must be.
func (e expression) whether() *regexp.Regexp {
	if classSize(e.re) <= maxClass {
		if short, err := regexp.Compile(trim(trim(e.re, true), false).String()); err == nil {
			return short
		}
	}
	return regexp.MustCompile(e.text)
}

// maxClass bounds the characters in classes of an expression that is written anew: for that, syntax looks at the cases
// of each of them, which takes milliseconds for a negated class.
const maxClass = 10_000

// classSize is the number of characters in all classes of an expression.
func classSize(re *syntax.Regexp) int {
	n := 0
	if re.Op == syntax.OpCharClass {
		for i := 0; i+1 < len(re.Rune); i += 2 {
			n += int(re.Rune[i+1] - re.Rune[i])
		}
	}
	for _, sub := range re.Sub {
		n += classSize(sub)
	}
	return n
}

// trim leaves out what need not be there at the beginning, or at the end, of what re matches.
func trim(re *syntax.Regexp, beginning bool) *syntax.Regexp {
	switch re.Op {
	case syntax.OpStar, syntax.OpQuest:
		return &syntax.Regexp{Op: syntax.OpEmptyMatch}
	case syntax.OpPlus, syntax.OpCapture:
		return trim(re.Sub[0], beginning)
	case syntax.OpRepeat:
		switch re.Min {
		case 0:
			return &syntax.Regexp{Op: syntax.OpEmptyMatch}
		case 1:
			return trim(re.Sub[0], beginning)
		}
		least := *re
		least.Max = re.Min
		return &least
	case syntax.OpAlternate:
		out := *re
		out.Sub = make([]*syntax.Regexp, len(re.Sub))
		for i, sub := range re.Sub {
			out.Sub[i] = trim(sub, beginning)
		}
		return &out
	case syntax.OpConcat:
		subs := re.Sub
		for len(subs) > 0 {
			at := len(subs) - 1
			if beginning {
				at = 0
			}
			end := trim(subs[at], beginning)
			if end.Op != syntax.OpEmptyMatch {
				out := *re
				out.Sub = append([]*syntax.Regexp(nil), subs...)
				out.Sub[at] = end
				return &out
			}
			subs = append(append([]*syntax.Regexp(nil), subs[:at]...), subs[at+1:]...)
		}
		return &syntax.Regexp{Op: syntax.OpEmptyMatch}
	default:
		return re
	}
}
