package match

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// expressions generates regular expressions of all that there is in the syntax.
func expressions() *rapid.Generator[string] {
	leaf := rapid.SampledFrom([]string{
		`a`, `ab`, `(?i:k)`, `[a-c]`, `\pL`, `.`, `(?s:.)`, `\b`, `\B`, `^`, `$`, `(?m:^)`, `(?m:$)`, `\z`, `[^\x00-\x{10FFFF}]`, ``,
	})
	times := rapid.SampledFrom([]string{``, ``, ``, `*`, `+`, `?`, `*?`, `{0}`, `{1}`, `{3}`, `{0,2}`, `{2,}`, `{2,5}`, `{0,}`})
	var of func(depth int) *rapid.Generator[string]
	of = func(depth int) *rapid.Generator[string] {
		if depth == 0 {
			return leaf
		}
		return rapid.Custom(func(t *rapid.T) string {
			parts := rapid.SliceOfN(rapid.OneOf(leaf, of(depth-1)), 1, 3).Draw(t, "parts")
			open := rapid.SampledFrom([]string{`(?:`, `(`}).Draw(t, "group")
			return open + strings.Join(parts, rapid.SampledFrom([]string{``, `|`}).Draw(t, "between")) + `)` + times.Draw(t, "times")
		})
	}
	return of(3)
}

func TestMatchesEmptyIsWhatRegexpFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		expr := expressions().Draw(t, "expr")
		if got, want := mustParse(expr).MatchesEmpty(), regexp.MustCompile(expr).MatchString(""); got != want {
			t.Fatalf("MatchesEmpty(%q) = %t, want %t", expr, got, want)
		}
	})
}

// Check compiles nothing where mostInstructions is within the limit, so that must be no less than the size.
func TestMostInstructionsIsNoLessThanTheSize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := mustParse(expressions().Draw(t, "expr"))
		n, most := e.instructions(), mostInstructions(e.re)
		if n > most {
			t.Fatalf("mostInstructions(%q) = %d, less than the size of %d", e, most, n)
		}
		if e.Check(n) != nil || e.Check(n-1) == nil {
			t.Fatalf("Check(%q) of %d instructions by limits of %d and %d: %v, %v", e, n, n, n-1, e.Check(n), e.Check(n-1))
		}
	})
}
