package match_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ttpworker/internal/match"
	"ttpworker/internal/rule"
	"ttpworker/rules"
)

func TestLiterals(t *testing.T) {
	for _, tt := range []struct {
		expr string
		want []string
	}{
		{`nmap`, []string{"NMAP"}},
		{`(?i)nMaP`, []string{"NMAP"}},
		{`\b(wget|curl)\s+(-\S+\s+)*https?://`, []string{"HTTP://", "HTTPS://"}},
		{`\bcat\s.*/etc/shadow\b`, []string{"/ETC/SHADOW"}},
		{`(abc){2,}x?`, []string{"ABC"}},
		{`(abc)*`, nil},
		{`a|bc`, []string{"A", "BC"}},
		{`foo|(bar)?`, nil},
		{`[ab]cd`, []string{"ACD", "BCD"}},
		{`-(W|R) ?"`, []string{"-R \"", "-R\"", "-W \"", "-W\""}},
		{`-[wr]x?[0-9]`, []string{
			"-R0", "-R1", "-R2", "-R3", "-R4", "-R5", "-R6", "-R7", "-R8", "-R9", "-RX0", "-RX1", "-RX2", "-RX3", "-RX4", "-RX5", "-RX6", "-RX7", "-RX8", "-RX9",
			"-W0", "-W1", "-W2", "-W3", "-W4", "-W5", "-W6", "-W7", "-W8", "-W9", "-WX0", "-WX1", "-WX2", "-WX3", "-WX4", "-WX5", "-WX6", "-WX7", "-WX8", "-WX9",
		}},
		{`(?i)sleep ?\( ?['"]?\d`, []string{"SLEEP (", "SLEEP("}}, // not 120 texts with a digit at the end
		{`union.*information_schema`, []string{"INFORMATION_SCHEMA"}},
		{`.`, nil},
		{`(?i)k`, []string{"K"}},
		{`(?i)\x{212a}elvin`, []string{"KELVIN"}},
	} {
		if got := match.Literals(tt.expr); !slices.Equal(got, tt.want) {
			t.Errorf("Literals(%q) = %q, want %q", tt.expr, got, tt.want)
		}
	}
}

// What matches must contain a literal, whatever is matched.
func TestNoMatchIsEverGatedOut(t *testing.T) {
	atoms := rapid.SampledFrom([]string{
		"ab", "K", "s", "\u017f", "\u212a", "\u03c3", `\s`, `\w`, `.`, `[a-c]`, `[^a]`, `\b`, "/etc/", "-", "x", "(?i)wGet", `^`, `$`, "\u00e4",
	})
	exprs := rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		for range rapid.IntRange(1, 5).Draw(t, "parts") {
			part := atoms.Draw(t, "atom")
			if rapid.Bool().Draw(t, "alternative") {
				part = "(?:" + part + "|" + atoms.Draw(t, "other") + ")"
			}
			b.WriteString("(?:" + part + ")" + rapid.SampledFrom([]string{"", "", "*", "+", "?", "{2}", "{0,2}"}).Draw(t, "times"))
		}
		return rapid.SampledFrom([]string{"", "(?i)", "(?s)"}).Draw(t, "flags") + b.String()
	})
	rapid.Check(t, func(t *rapid.T) {
		expr := exprs.Draw(t, "expr")
		re, err := regexp.Compile(expr)
		if err != nil {
			t.Skip("no regular expression")
		}
		text := rapid.OneOf(rapid.StringMatching(expr), rapid.StringOf(rapid.SampledFrom([]rune("abABkK\u212asS\u017f\u03c3\u03c2\u03a3\u00e4\u00c4wget/c- x")))).Draw(t, "text")
		if re.MatchString(text) && !match.ContainsAny(match.Fold(text), match.Literals(expr)) {
			t.Fatalf("%q matches %q, which has none of %q", expr, text, match.Literals(expr))
		}
	})
}

// mostBare is how many shipped patterns may have no literal to hide behind: each is paid for on every event.
const mostBare = 15

func TestShippedPatternsHideBehindLiteralsAndAreNotGatedOut(t *testing.T) {
	pack, err := rule.NewParser(rule.DefaultMaxBytes).Load(rules.Pack(), ".", "rules/ttp")
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, r := range pack {
		for _, test := range r.Tests {
			texts = append(texts, string(test.Payload))
		}
	}
	var bare []string
	for _, r := range pack {
		for _, e := range r.Match.Patterns {
			re := regexp.MustCompile(e.String())
			literals := match.Literals(re.String())
			if literals == nil {
				bare = append(bare, r.ID)
			}
			for _, text := range texts {
				if re.MatchString(text) && !match.ContainsAny(match.Fold(text), literals) {
					t.Errorf("%s: %q matches %q, which has none of %q", r.ID, re, text, literals)
				}
			}
		}
	}
	if len(bare) > mostBare {
		t.Errorf("%d patterns without a literal, in %v; want at most %d", len(bare), bare, mostBare)
	}
}
