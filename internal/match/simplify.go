package match

import "regexp/syntax"

// whether returns what is to be compiled for the question whether e matches anywhere, not where: what may be left out at
// its ends is left out, so that x*abc(def)? is abc, and what is repeated there is repeated as often as it must be.
func (e Expression) whether() *syntax.Regexp { return trim(trim(e.re, true), false) }

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
