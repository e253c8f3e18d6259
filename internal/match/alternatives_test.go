package match

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestAlternativesHaveTheirOwnLiterals(t *testing.T) {
	for _, tt := range []struct {
		name, expr string
		want       []string // of each alternative; nil = the expression stays whole
	}{
		{name: "one literal", expr: `union +select`},
		{name: "literals for all", expr: `wget|curl`},
		{name: "one part without", expr: `wget .*http|;\d`, want: []string{`(?-s:wget .*http)`, `;[0-9]`}},
		{name: "a group with a part without", expr: `(?:wget|;\d)`, want: []string{`wget`, `;[0-9]`}},
		{name: "capitals do not count", expr: `(?i)wget|[;|]`, want: []string{`(?i:WGET)`, `[;\|]`}},
		{name: "prefix that parts share", expr: `\bwget\b|\bx\d`, want: []string{`\bwget\b`, `\bx[0-9]`}},
		{name: "sequence that an alternation gives literals", expr: `[;|](?:cat|w[gz]et)`},
		{name: "sequence that tells when it is taken apart", expr: `ab(?:c\d*|d\d*)`, want: []string{`abc[0-9]*|abd[0-9]*`}},
		{name: "nothing to be had", expr: `[a-z]+|\d+`, want: []string{`[a-z]+`, `[0-9]+`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, re := range mustParse(tt.expr).alternatives() {
				got = append(got, re.String())
			}
			want := tt.want
			if want == nil {
				want = []string{tt.expr}
			}
			if !slices.Equal(got, want) {
				t.Errorf("alternatives(%q) = %q, want %q", tt.expr, got, want)
			}
		})
	}
}

// Alternatives share parts of the expression, and each must be written so that it can be read.
func TestAlternativesWithASharedPartCanBeWritten(t *testing.T) {
	for _, part := range mustParse(`ab(?:abc.|(?i:AB))(?i:AB)|\d`).alternatives() {
		if _, err := regexp.Compile(part.String()); err != nil {
			t.Error(err)
		}
	}
}

// Too many literals for one set are several sets, none of them larger than maxTogether.
func TestManyAlternativesAreJoinedInSets(t *testing.T) {
	var words []string
	for a := 'a'; a <= 'z'; a++ {
		for b := 'a'; b <= 'z'; b++ {
			words = append(words, "x"+string(a)+"y"+string(b)+"z")
		}
	}
	parts := mustParse(strings.Join(words[:500], "|") + `|\d`).alternatives()
	if len(parts) < 500/maxTogether || len(parts) > 500/4 {
		t.Fatalf("%d parts of 501 alternatives", len(parts))
	}
	for _, re := range parts {
		if n := len(re.needs); n > maxTogether {
			t.Errorf("a part has %d literals, want at most %d", n, maxTogether)
		}
	}
}

// An expression that is all alternations in a row must not be distributed for ever.
func TestSequencesOfAlternationsStayInBounds(t *testing.T) {
	parts := mustParse(strings.Repeat(`(?:ab+|[cd]|e?)`, 30)).alternatives()
	if len(parts) > maxAlternatives {
		t.Errorf("%d parts, want at most %d", len(parts), maxAlternatives)
	}
}

func TestAlternativesMatchWhatTheExpressionMatches(t *testing.T) {
	piece := rapid.SampledFrom([]string{
		`abc`, `ab`, `a`, `[ab]`, `\d`, `a?`, `b+`, `(?:ab|c)`, `(?:abc|bca|[c1])`, `(?:a|)`, `\b`, `^`, `$`, `(?i:AB)`, `(?i:k)`, `(c1|1c)`, `.`, `[^a]`, ` `,
	})
	rapid.Check(t, func(t *rapid.T) {
		var alternation []string
		for range rapid.IntRange(1, 4).Draw(t, "alternatives") {
			alternation = append(alternation, strings.Join(rapid.SliceOfN(piece, 1, 4).Draw(t, "pieces"), ""))
		}
		expr := strings.Join(alternation, "|")
		if rapid.Bool().Draw(t, "in a sequence") {
			expr = piece.Draw(t, "before") + "(?:" + expr + ")" + piece.Draw(t, "behind")
		}
		re := regexp.MustCompile(expr)
		text := rapid.StringOf(rapid.SampledFrom([]rune("abcABC1k \u212a\n"))).Draw(t, "text")
		got := slices.ContainsFunc(mustParse(expr).alternatives(), func(one Expression) bool { return regexp.MustCompile(one.String()).MatchString(text) })
		if want := re.MatchString(text); got != want {
			t.Fatalf("an alternative of %q matches %q: %t, want %t", expr, text, got, want)
		}
	})
}
