package match

import (
	"math/rand/v2"
	"regexp/syntax"
	"strings"
	"testing"
	"unicode"
)

// checkPatternsAgainstRegexp holds what the index asks of each regular expression of ds against what the reference asks:
// over texts that the expression matches, the same with a fault, and some of texts, which move on from one to the next.
func checkPatternsAgainstRegexp(t *testing.T, ds []*Detection, texts []string) {
	t.Helper()
	r, seen, matches := rand.New(rand.NewPCG(11, 3)), map[string]bool{}, 0 //nolint:gosec // the same texts in every run
	for _, d := range ds {
		for _, a := range d.atoms {
			if a.op != opRegexp || seen[a.text] {
				continue
			}
			seen[a.text] = true
			re := mustParse(a.expression()).re
			some := []string{"", "\n"}
			for range 6 {
				text := matching(re, r)
				at := r.IntN(len(text) + 1)
				some = append(some, text, "a"+text+" ", "-\n"+text+"\n", text[:at], text[at:], text[:at]+"\xff"+text[at:], strings.ToUpper(text))
			}
			for range min(len(texts), 40) {
				some = append(some, texts[r.IntN(len(texts))])
			}
			for _, text := range some {
				v := &value{text: []byte(text), folded: []byte(Fold(text))}
				got, want := a.holds(v), a.plainly(v)
				if got != want {
					t.Fatalf("%q matches %q: %t, by regexp %t", a.expression(), text, got, want)
				}
				if want {
					matches++
				}
			}
		}
	}
	t.Logf("%d expressions, %d matches", len(seen), matches)
	if matches < 3*len(seen) {
		t.Errorf("%d expressions match %d texts: the texts are of no use", len(seen), matches)
	}
}

// matching makes a text that re matches but for what its assertions want.
func matching(re *syntax.Regexp, r *rand.Rand) string {
	times := func(least, most int) string {
		var b strings.Builder
		for range least + r.IntN(most-least+1) {
			b.WriteString(matching(re.Sub[0], r))
		}
		return b.String()
	}
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		if len(re.Rune) == 0 {
			return ""
		}
		i := 2 * r.IntN(len(re.Rune)/2)
		from, to := re.Rune[i], min(re.Rune[i+1], re.Rune[i]+100)
		return string(from + r.Int32N(to-from+1))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return []string{"a", " ", "/", "\u00e4", string(unicode.MaxRune)}[r.IntN(5)]
	case syntax.OpConcat:
		var b strings.Builder
		for _, sub := range re.Sub {
			b.WriteString(matching(sub, r))
		}
		return b.String()
	case syntax.OpAlternate:
		return matching(re.Sub[r.IntN(len(re.Sub))], r)
	case syntax.OpCapture:
		return matching(re.Sub[0], r)
	case syntax.OpStar:
		return times(0, 3)
	case syntax.OpPlus:
		return times(1, 3)
	case syntax.OpQuest:
		return times(0, 1)
	case syntax.OpRepeat:
		return times(re.Min, max(re.Max, re.Min+1)) // where Max is -1 there is no most
	default:
		return ""
	}
}
