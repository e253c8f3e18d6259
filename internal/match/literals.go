package match

import (
	"math/bits"
	"regexp/syntax"
	"slices"
	"strings"
)

// maxLiterals bounds a set: looking for very many texts one by one costs more than it spares.
const maxLiterals = 256

// Literals returns texts of which every match of a regular expression contains at least one, after Fold on both
// sides: a text that contains none of them need not be searched by it. It returns nil if there is no useful set.
// expr must compile.
func Literals(expr string) []string { return newAnalysis().required(mustParse(expr).re).best() }

// An analysis finds what is known of the matches of an expression and of all that it is taken apart into. Those share
// most of their parts, so it remembers what it has found. Sets are shared and nobody changes them.
type analysis struct {
	known map[*syntax.Regexp]texts
}

func newAnalysis() analysis { return analysis{known: map[*syntax.Regexp]texts{}} }

// texts is what is known of the texts that an expression matches.
type texts struct {
	exact  []string // all of them, folded; nil = not known
	inside []string // each contains one of these, folded; nil = not known
}

// best is the better of what each match contains.
func (t texts) best() []string {
	if worth(t.exact) > worth(t.inside) {
		return t.exact
	}
	if worth(t.inside) == 0 {
		return nil
	}
	return t.inside
}

// worth says how much a set tells: the longer its shortest text the more, and a little more if they are few. Beyond five
// bytes, which few texts have by chance, length counts for less than number, as each text is one to look for. A set with
// an empty text, or none, tells nothing.
func worth(set []string) int {
	n := shortest(set)
	if n == 0 {
		return 0
	}
	return 6*min(n, 5) + 2*min(n, 8) - bits.Len(uint(len(set)))
}

// required is what is known of the matches of an expression. To know nothing is always right.
func (a analysis) required(re *syntax.Regexp) texts {
	t, ok := a.known[re]
	if !ok {
		t = a.find(re)
		a.known[re] = t
	}
	return t
}

// find is required of what is not known yet.
func (a analysis) find(re *syntax.Regexp) texts {
	switch re.Op {
	case syntax.OpLiteral:
		return texts{exact: []string{Fold(string(re.Rune))}}
	case syntax.OpCharClass:
		return texts{exact: classTexts(re.Rune)}
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return texts{exact: []string{""}}
	case syntax.OpCapture:
		return a.required(re.Sub[0])
	case syntax.OpPlus:
		return texts{inside: a.required(re.Sub[0]).best()}
	case syntax.OpQuest:
		if t := a.required(re.Sub[0]); t.exact != nil && len(t.exact) < maxLiterals {
			return texts{exact: unique(append(slices.Clip(t.exact), ""))}
		}
	case syntax.OpRepeat:
		if re.Min > 0 {
			return texts{inside: a.required(re.Sub[0]).best()}
		}
	case syntax.OpConcat:
		return a.requiredOfAll(re.Sub)
	case syntax.OpAlternate:
		return a.requiredOfAny(re.Sub)
	default: // any character, what may be repeated or not be there
	}
	return texts{}
}

// requiredOfAll is required of parts one behind the other. Neighbours of which all texts are known make longer ones; of
// what they make, the set that is worth most is taken.
func (a analysis) requiredOfAll(parts []*syntax.Regexp) texts {
	var best []string
	consider := func(set []string) {
		if worth(set) > worth(best) {
			best = set
		}
	}
	run, whole := []string{""}, true // the texts of the neighbours so far; whether those are all parts
	for _, part := range parts {
		if once := a.repeated(part); once != nil && len(run)*len(once) <= maxLiterals { // begins and ends with one of once
			consider(product(run, once))
			whole, run = false, once
			continue
		}
		t := a.required(part)
		consider(t.inside)
		if t.exact != nil && len(run)*len(t.exact) <= maxLiterals {
			run = product(run, t.exact)
			consider(run)
			continue
		}
		whole, run = false, []string{""}
		if t.exact != nil {
			run = t.exact
			consider(run)
		}
	}
	if whole {
		return texts{exact: run, inside: best}
	}
	return texts{inside: best}
}

// repeated is all texts of what a part repeats at least once; nil = not known, or it repeats nothing.
func (a analysis) repeated(part *syntax.Regexp) []string {
	if part.Op == syntax.OpPlus || part.Op == syntax.OpRepeat && part.Min > 0 {
		return a.required(part.Sub[0]).exact
	}
	return nil
}

// requiredOfAny is required of alternatives.
func (a analysis) requiredOfAny(parts []*syntax.Regexp) texts {
	all := texts{exact: []string{}, inside: []string{}}
	for _, part := range parts {
		t := a.required(part)
		if all.exact != nil && t.exact != nil && len(all.exact)+len(t.exact) <= maxLiterals {
			all.exact = append(all.exact, t.exact...)
		} else {
			all.exact = nil
		}
		if set := t.best(); all.inside != nil && set != nil && len(all.inside)+len(set) <= maxLiterals {
			all.inside = append(all.inside, set...)
		} else {
			all.inside = nil
		}
	}
	all.exact, all.inside = unique(all.exact), unique(all.inside)
	return all
}

// product is the set of all texts that are one of begins with one of ends behind it.
func product(begins, ends []string) []string {
	switch {
	case len(begins) == 1 && begins[0] == "":
		return ends
	case len(ends) == 1 && ends[0] == "":
		return begins
	}
	out := make([]string, 0, len(begins)*len(ends))
	for _, b := range begins {
		for _, e := range ends {
			out = append(out, b+e)
		}
	}
	return unique(out)
}

func unique(set []string) []string {
	slices.Sort(set)
	return slices.Compact(set)
}

// classTexts are the characters of a class, folded, if they are few.
func classTexts(ranges []rune) []string {
	n := rune(0)
	for i := 0; i+1 < len(ranges) && n <= maxLiterals; i += 2 {
		n += ranges[i+1] - ranges[i] + 1
	}
	if n > maxLiterals {
		return nil
	}
	out := make([]string, 0, n)
	for i := 0; i+1 < len(ranges); i += 2 {
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			out = append(out, string(foldRune(r)))
		}
	}
	return unique(out)
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

// containsAny reports whether a folded text contains any of a set of folded literals. A nil set says nothing, so it
// is true.
func containsAny(folded string, literals []string) bool {
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
