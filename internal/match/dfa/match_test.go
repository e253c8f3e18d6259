package dfa

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// parse parses an expression in Perl syntax.
func parse(t testing.TB, expr string) *syntax.Regexp {
	t.Helper()
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		t.Fatalf("Parse(%q): %v", expr, err)
	}
	return re
}

// check holds an automaton against regexp over texts, twice: first its states are made, then they are there.
func check(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, d *DFA, re *regexp.Regexp, texts ...string,
) {
	t.Helper()
	for range 2 {
		for _, text := range texts {
			want := re.MatchString(text)
			if got := d.Match([]byte(text)); got != want {
				t.Fatalf("%q matches %q: %t, want %t", re, text, got, want)
			}
			if got := runs(d, []byte(text)); got != want {
				t.Fatalf("without states, %q matches %q: %t, want %t", re, text, got, want)
			}
		}
	}
}

// runs is Match that makes no states.
func runs(d *DFA, text []byte) bool {
	t := d.begin()
	if t.start <= matched {
		return t.start == matched
	}
	return t.run(t.keys[t.start/t.width()], text)
}

// Texts in which the ends of lines, words and characters meet.
var texts = []string{
	"", "a", "b", "ab", "ba", "abc", "cab", "A", "AB", "a b", " a", "a ", "_", "-", "a-b", "\n", "a\n", "\na", "a\nb", "a\n\nb", "\n\n", "b\na\n", "\r\n", "k", "K", "\u212a", "s", "\u017f",
	"\u00e4", "\u00c4", "a\u00e4b", "\u00e4\n", "\u03a9", "\u2126", "\U0001f600", "a\U0001f600b", "\ufffd", "\x80", "a\xff", "\xe4\xb8", "\xe4\xb8a", "\xe4\xb8\xad", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\x80", "\x00",
	"\x7f", "\u0080", "\U0010ffff", strings.Repeat("a", 50), strings.Repeat("ab", 40) + "c", strings.Repeat("x", 300),
}

func TestMatch(t *testing.T) {
	for _, expr := range []string{
		"", "a", "abc", "a*", "a+b", "(a|b)c", "a|", "[ab]", "[^a]", "[^a]b", ".", "..", "(?s).", "(?s)^..$", "^.$", "^a", "a$", "^a$", "^$", "$", "^", "$^", "^*", "a^b", "a$b", "(?m)^a", "(?m)a$", "(?m)^a$",
		"(?m)^$", "(?m)$^", "(?m)a$\nb", "(?m)^\n^", `\A`, `\z`, `\Aa\z`, `(?m)\Aa`, `(?m)a\z`, `\b`, `\B`, `\ba`, `a\b`, `a\B`, `\Bb`, `\b\B`, `\bab\b`, `^\b`, `\b$`, `\B$`, `^\B`, `^\B$`, `a\b\n`, `\b-\b`, `(?m)^\b$`, `(?m)\b^`,
		"(?i)k", "(?i)ks", "(?i)[k]", "(?i)\u00e4", "(?i)\u03c9", "(?i)[^k]", "\u00e4", "[\u00e4\u03a9]", `\x{fffd}`, `[^\x{fffd}]`, `\x{10ffff}`, `[\x{80}-\x{10ffff}]`, `^[\x{80}-\x{10ffff}]+$`, `\x00`, `\pL`, `\PL`, `\p{Greek}`, `^\pL$`,
		"a{3}", "a{2,4}", "^a{2,4}$", "(ab){3,}", "(ab){2,40}c", "(?:a?){20}a{20}", "x{100}", "a.{0,30}b.{0,30}c", "(?U)a+b", "a+?", "(?P<x>a)b", "(a)(b)|(c)", `[[:^alpha:]]`, `\w+\s`, `\d`, `[^\n]*b`, "(?:(?:^)|b)a", "(|a)+b", "(|a)*$", `\Qa-b\E`,
	} {
		t.Run(expr, func(t *testing.T) { check(t, New(parse(t, expr)), regexp.MustCompile(expr), texts...) })
	}
}

// An expression that is never true is one that has failed before the text begins.
func TestNeverTrue(t *testing.T) {
	re := &syntax.Regexp{Op: syntax.OpNoMatch}
	d := New(re)
	if d.Match(nil) || d.Match([]byte("a")) || d.table.Load().start != failed {
		t.Errorf("the expression that matches nothing matches")
	}
}

var pieces = []string{
	"a", "b", "ab", "c", "k", "s", "_", "-", " ", `\n`, ".", "[ab]", "[^a]", "[^k-s]", `\w`, `\W`, `\s`, `\d`, `\b`, `\B`, "^", "$", `\A`, `\z`, "(?m:^)", "(?m:$)", "(?s:.)", "(?i:k)", "(?i:S)", "(?i:[a-k])", "(?i:\u00e4)", "\u00e4", "[\u00c0-\u00ff]", "[^\u00e4]",
	`\x{fffd}`, `[^\x{fffd}]`, "\U0001f600", `\pL`, `\p{Greek}`, "(a|b)", "(?:ab|)", "(a*b)", "(?:^|b)", "(?:$|a)", `(?:\b|_)`, "(?:a|ab|abc)", "a{2}",
}

// drawExpr draws an expression of pieces, which regexp may refuse.
func drawExpr(t *rapid.T) string {
	piece := rapid.SampledFrom(pieces)
	times := rapid.SampledFrom([]string{"", "", "", "*", "+", "?", "{0,2}", "{1,3}", "{2}", "{2,}", "{0,12}", "*?", "+?"})
	flags := rapid.SampledFrom([]string{"", "", "(?i)", "(?m)", "(?s)", "(?im)", "(?U)"})
	var b strings.Builder
	b.WriteString(flags.Draw(t, "flags"))
	for range rapid.IntRange(1, 7).Draw(t, "pieces") {
		one := piece.Draw(t, "piece")
		if rapid.IntRange(0, 4).Draw(t, "group") == 0 {
			one += piece.Draw(t, "more") + "|" + piece.Draw(t, "or")
		}
		fmt.Fprintf(&b, "(?:%s)%s", one, times.Draw(t, "times"))
		if rapid.IntRange(0, 6).Draw(t, "alternative") == 0 {
			b.WriteString("|")
		}
	}
	return b.String()
}

// drawText draws a text of what the pieces look for, or of bytes.
func drawText(t *rapid.T) string {
	return strings.Join(rapid.SliceOfN(rapid.OneOf(
		rapid.SampledFrom([]string{"a", "b", "ab", "c", "k", "K", "s", "S", "_", "-", " ", "\n", "0", "aa", "\u212a", "\u017f", "\u00e4", "\u00c4", "\u03a9", "\U0001f600", "\ufffd", "\xff", "\x80", "\xe4\xb8", "\xed\xa0\x80"}),
		rapid.StringOfN(rapid.Rune(), 1, 1, -1),
	), 0, 24).Draw(t, "text"), "")
}

func TestMatchesWhereRegexpDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		expr := drawExpr(t)
		re, err := regexp.Compile(expr)
		if err != nil {
			t.Skip("no regular expression")
		}
		parsed, _ := syntax.Parse(expr, syntax.Perl)
		d := New(parsed)
		for range 4 {
			check(t, d, re, drawText(t))
		}
	})
}

// FuzzMatch holds any expression against regexp over any bytes, with the table and without.
func FuzzMatch(f *testing.F) {
	for i, expr := range pieces {
		f.Add(expr, []byte(texts[i%len(texts)]))
		f.Add("(?im)^"+expr+"{1,3}|"+pieces[(7*i+1)%len(pieces)]+"$", []byte(strings.Join(texts[i%len(texts):], "")))
	}
	f.Fuzz(func(t *testing.T, expr string, text []byte) {
		re, err := regexp.Compile(expr)
		if err != nil {
			return
		}
		d := New(parse(t, expr))
		want := re.Match(text)
		for _, when := range []string{"at first", "again"} {
			if got := d.Match(text); got != want {
				t.Fatalf("%s, %q matches %q: %t, want %t", when, expr, text, got, want)
			}
		}
		if got := runs(New(parse(t, expr)), text); got != want {
			t.Fatalf("without states, %q matches %q: %t, want %t", expr, text, got, want)
		}
	})
}
