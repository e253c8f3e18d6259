package match

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ttpworker/internal/match/dfa"
)

func TestWhether(t *testing.T) {
	for _, tt := range []struct{ expr, want string }{
		{`abc`, `abc`},
		{`.*abc.*`, `abc`},
		{`x*abc(def)?`, `abc`},
		{`-k\s\w{1,64}(?:\s?(?:-p|-s))?`, `-k[\t\n\f\r ][0-9A-Z_a-z]`},
		{`a{2,5}$`, `a{2,5}$`},
		{`^a{2,5}`, `^a{2}`},
		{`(a|b+)+c?`, `[ab]`},
		{`a*`, ``},
		{`[^a]*b[^a]*`, `[^a]*b[^a]*`},
	} {
		re := regexp.MustCompile(tt.want)
		if got := mustParse(tt.expr).whether().String(); got != re.String() && !same(got, tt.want) {
			t.Errorf("whether(%q) = %q, want %q", tt.expr, got, tt.want)
		}
	}
}

// same compares expressions by what they match of some texts.
func same(a, b string) bool {
	x, y := regexp.MustCompile(a), regexp.MustCompile(b)
	for _, text := range []string{"", "a", "aa", "b", "abc", "-k x", "-k ", "aaaaaa", "ba"} {
		if x.MatchString(text) != y.MatchString(text) {
			return false
		}
	}
	return true
}

// What is left out of an expression must not change whether it matches.
func TestWhetherMatchesWhereTheExpressionDoes(t *testing.T) {
	part := rapid.SampledFrom([]string{"a", "b", "ab", ".", "[ab]", "[^a]", `\w`, `\b`, "^", "$", "(a|b)", "(?:ab|)", "(a*b)", `\s`, "(?i:A)", "(?s:.)", "(?m:^)"})
	times := rapid.SampledFrom([]string{"", "", "*", "+", "?", "{0,2}", "{1,3}", "{2}", "{2,}", "*?", "+?"})
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		for range rapid.IntRange(1, 5).Draw(t, "parts") {
			b.WriteString("(?:" + part.Draw(t, "part") + ")" + times.Draw(t, "times"))
			if rapid.IntRange(0, 5).Draw(t, "or") == 0 {
				b.WriteString("|")
			}
		}
		expr := b.String()
		re, err := regexp.Compile(expr)
		if err != nil {
			t.Skip("no regular expression")
		}
		whether := mustParse(expr).whether()
		short := dfa.New(whether)
		text := rapid.StringOf(rapid.SampledFrom([]rune("abAB \n_"))).Draw(t, "text")
		if got, want := short.Match([]byte(text)), re.MatchString(text); got != want {
			t.Fatalf("whether(%q) = %q, which matches %q: %t, want %t", expr, whether, text, got, want)
		}
	})
}
