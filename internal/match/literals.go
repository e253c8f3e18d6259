package match

import (
	"regexp/syntax"
	"strings"
	"unicode"
)

const (
	// maxLiterals bounds a set: looking for very many texts one by one costs more than it spares.
	maxLiterals = 64
	// minLiteral is the shortest text worth looking for, in bytes.
	minLiteral = 2
)

// Literals returns texts of which every match of a regular expression contains at least one, after Fold on both
// sides: a text that contains none of them need not be searched by it. It returns nil if there is no useful set.
// expr must compile.
func Literals(expr string) []string {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil
	}
	set := required(re)
	if shortest(set) < minLiteral {
		return nil
	}
	return set
}

// required is Literals of a parsed expression. What it does not know gives nil, which is always right.
func required(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		return []string{Fold(string(re.Rune))}
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return required(re.Sub[0])
		}
	case syntax.OpConcat: // every part is there: the one whose texts are longest is the rarest
		var best []string
		for _, sub := range re.Sub {
			if set := required(sub); shortest(set) > shortest(best) {
				best = set
			}
		}
		return best
	case syntax.OpAlternate: // one of the parts is there
		var all []string
		for _, sub := range re.Sub {
			set := required(sub)
			if set == nil || len(all)+len(set) > maxLiterals {
				return nil
			}
			all = append(all, set...)
		}
		return all
	default: // classes, anchors, what may be there or not
	}
	return nil
}

// shortest is the length of the shortest text of a set in bytes, 0 for none.
func shortest(set []string) int {
	n := 0
	for i, s := range set {
		if i == 0 || len(s) < n {
			n = len(s)
		}
	}
	return n
}

// Fold maps texts that differ in case only to one: every character becomes the first of those that
// unicode.SimpleFold takes for the same, as case-insensitive regular expressions do.
func Fold(s string) string {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return strings.Map(foldRune, s)
		}
	}
	return strings.ToUpper(s)
}

func foldRune(r rune) rune {
	first := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		first = min(first, f)
	}
	return first
}

// ContainsAny reports whether a folded text contains any of a set of folded literals. A nil set says nothing, so it
// is true.
func ContainsAny(folded string, literals []string) bool {
	if literals == nil {
		return true
	}
	for _, l := range literals {
		if strings.Contains(folded, l) {
			return true
		}
	}
	return false
}
