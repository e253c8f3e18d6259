package match

import (
	"bytes"
	"regexp/syntax"
)

// beginnings are texts with one of which every text that a regular expression matches begins, after Fold on both sides;
// nil = not known. To compare the first bytes of a text costs a hundredth of what a search costs that then fails at once,
// and most texts that an anchored expression is asked about are of that kind.
type beginnings struct {
	texts [][]byte
	first [256]bool // first bytes of texts
}

// beginnings returns what each match of e begins with; nil if it may begin anywhere or with too many texts.
func (e expression) beginnings() *beginnings {
	set := begins(e.re)
	if shortest(set) == 0 {
		return nil
	}
	b := &beginnings{}
	for _, s := range unique(set) {
		b.texts = append(b.texts, []byte(s))
		b.first[s[0]] = true
	}
	return b
}

// begins is the beginnings of what an expression matches that is bound to the beginning of a text.
func begins(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpCapture:
		return begins(re.Sub[0])
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			set := begins(sub)
			if set == nil || len(all)+len(set) > maxLiterals {
				return nil
			}
			all = append(all, set...)
		}
		return all
	case syntax.OpConcat:
		if first := re.Sub[0]; first.Op != syntax.OpBeginText {
			return begins(first) // the group that is bound may be followed by anything
		}
		return behind(re.Sub[1:])
	default:
		return nil
	}
}

// behind is how parts that stand one behind the other begin: as far as all texts of the parts are known, and few.
func behind(parts []*syntax.Regexp) []string {
	run := []string{""}
	for _, part := range parts {
		t := required(part)
		if t.exact == nil || len(run)*len(t.exact) > maxLiterals {
			break
		}
		run = product(run, t.exact)
	}
	return run
}

// of reports whether a folded text begins with one of them. Nil says nothing, so it is true.
func (b *beginnings) of(folded []byte) bool {
	if b == nil {
		return true
	}
	if len(folded) == 0 || !b.first[folded[0]] {
		return false
	}
	for _, t := range b.texts {
		if bytes.HasPrefix(folded, t) {
			return true
		}
	}
	return false
}
