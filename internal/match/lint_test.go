package match

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// sel is a detection of one selection.
func sel(selection string) string { return `{"s": ` + selection + `, "condition": "s"}` }

// names are the warnings as "line:column name", sorted; the condition's column is "end".
func names(trace *Trace) []string {
	var out []string
	for _, w := range trace.Lint() {
		at := fmt.Sprintf("%d:%d", w.Line, w.Col)
		if w.Pos == trace.at {
			at = "end"
		}
		out = append(out, at+" "+w.Name)
	}
	slices.Sort(out)
	return out
}

func TestLint(t *testing.T) {
	for _, tt := range []struct {
		name, detection string
		want            []string
	}{
		{name: "nothing", detection: sel(`{"f|contains": "shadow"}`)},

		{name: "a star", detection: sel(`{"f": "*"}`), want: []string{"1:13 always-true"}},
		{name: "an empty part", detection: sel(`{"f|contains": ""}`), want: []string{"1:22 always-true"}},
		{name: "stars of two fields", detection: sel(`{"f": "**", "g|startswith": "*"}`), want: []string{"1:13 always-true"}},
		{name: "an expression that matches all", detection: sel(`{"f|re": "^.*$"}`), want: []string{"1:16 always-true", "1:16 no-literal"}},
		{name: "any text at all", detection: sel(`{"f|re": "."}`), want: []string{"1:16 always-true", "1:16 no-literal"}},
		{name: "a star among values", detection: sel(`{"f": ["abcd", "*"], "g": "h"}`), want: []string{"1:22 always-true"}},
		{name: "a star beside a condition says that the field is there", detection: sel(`{"f": "*", "g": "h"}`)},
		{name: "a star behind not says that the field is not there", detection: `{"s": {"f": "*"}, "a": {"g": "h"}, "condition": "a and not s"}`},
		{name: "exists is meant", detection: sel(`{"f|exists": true}`)},
		{name: "one character is not all", detection: sel(`{"f": "?"}`), want: []string{"1:13 no-literal"}},

		{name: "a negation alone", detection: `{"s": {"f": "h"}, "condition": "not s"}`, want: []string{"end matches-empty"}},
		{name: "null", detection: sel(`{"f": null}`), want: []string{"end matches-empty"}},
		{name: "an or with a negation", detection: `{"s": {"f": "h"}, "a": {"g": "h"}, "condition": "a or not s"}`, want: []string{"end matches-empty"}},
		{name: "null beside a condition", detection: sel(`{"f": null, "g": "h"}`)},

		{name: "three letters anywhere", detection: sel(`{"f|contains": ["shadow", "id "]}`), want: []string{"1:33 short-literal"}},
		{name: "four letters", detection: sel(`{"f|contains": "nmap"}`)},
		{name: "three characters, not all letters", detection: sel(`{"f|contains": "../"}`)},
		{name: "two characters, not all letters", detection: sel(`{"f|contains": "^^"}`), want: []string{"1:22 short-literal"}},
		{name: "a short whole text", detection: sel(`{"f": "id"}`)},
		{name: "a short beginning", detection: sel(`{"f|startswith": "id"}`)},
		{name: "short beside a condition", detection: sel(`{"f|contains": "-e", "g|endswith": "/nc"}`)},
		{name: "short, all of them", detection: sel(`{"f|contains|all": ["-e", "nc"]}`)},
		{name: "short beside exceptions", detection: `{"s": {"f|contains": "nc"}, "x": {"g": "h"}, "condition": "s and not x"}`, want: []string{"1:22 short-literal"}},
		{name: "short exceptions", detection: `{"s": {"f|contains": "nc"}, "x": {"g": "h"}, "condition": "x and not s"}`},
		{name: "a short keyword", detection: sel(`["nc", "shadow"]`), want: []string{"1:8 short-literal"}},
		{name: "a letter of another alphabet", detection: sel(`{"f|contains": "\u0441"}`)},
		{name: "a bare word in an expression", detection: sel(`{"f|re": "(nc|ncat)|socat"}`)},
		{name: "a bare word among others", detection: sel(`{"f|re": "(?i)socat|nc"}`), want: []string{"1:16 short-literal"}},
		{name: "a word with boundaries", detection: sel(`{"f|re": "\\bnc\\b"}`)},

		{name: "no literal", detection: sel(`{"f|re": ["wget", "[0-9]+x", "\\w\\w"]}`), want: []string{"1:36 no-literal"}},
		{name: "no literal beside one", detection: sel(`{"f|re": "[0-9]+", "g": "h"}`)},
		{name: "no literal in a keyword", detection: sel(`{"|re": "[0-9]+"}`), want: []string{"1:15 no-literal"}},
		{name: "a cheap question", detection: sel(`{"f|cidr": "10.0.0.0/8"}`)},
		{name: "a large expression", detection: sel(`{"f|re": "ab[a-f]{900}c"}`)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := names(traceOf(t, tt.detection)); !slices.Equal(got, tt.want) {
				t.Errorf("Lint(%s) = %q, want %q", tt.detection, got, tt.want)
			}
		})
	}
}

func TestLintOfALargeExpression(t *testing.T) {
	n, err := decodeNode([]byte(sel(`{"f|re": "shadow([a-f]x?y?){900}"}`)))
	if err != nil {
		t.Fatal(err)
	}
	trace, err := NewTrace(n, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(trace), []string{"1:16 large-regexp"}; !slices.Equal(got, want) {
		t.Errorf("Lint = %q, want %q", got, want)
	}
}

// What the index evaluates for each payload has a warning that says so.
func TestLintTellsOfWhatIsAlwaysEvaluated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := randomDetection().Draw(t, "detection")
		d, err := Compile(n, testOptions())
		if err != nil {
			t.Skip("the detection has a fault")
		}
		trace, err := NewTrace(n, testOptions())
		if err != nil {
			t.Fatal(err)
		}
		told := slices.ContainsFunc(trace.Lint(), func(w Warning) bool { return w.Name == NoLiteral || w.Name == MatchesEmpty })
		if always := indexOf(d).Stats().Always > 0; always && !told {
			t.Fatal("always evaluated, and no warning")
		}
	})
}

func TestImplies(t *testing.T) {
	for _, tt := range []struct {
		a, b        string
		there, back bool
	}{
		{a: sel(`{"f": "a"}`), b: sel(`{"f": "A"}`), there: true, back: true},
		{a: sel(`{"f": "abc"}`), b: sel(`{"f|contains": "b"}`), there: true},
		{a: sel(`{"f|endswith": "abc"}`), b: sel(`{"f|endswith": "bc"}`), there: true},
		{a: sel(`{"f|endswith": "abc"}`), b: sel(`{"f|startswith": "a"}`)},
		{a: sel(`{"f|contains": "abc"}`), b: sel(`{"g|contains": "abc"}`)},
		{a: sel(`{"f|contains": "abc"}`), b: sel(`["bc"]`), there: true},
		{a: sel(`{"f|re": "a.c"}`), b: sel(`{"f|exists": true}`), there: true},
		{a: sel(`{"f|contains": ["a", "b"]}`), b: sel(`{"f|contains": ["b", "c", "a"]}`), there: true},
		{a: sel(`{"f|contains|all": ["a", "b"]}`), b: sel(`{"f|contains": ["c", "a"]}`), there: true},
		{a: sel(`{"f": ["a", "b"], "g": "c"}`), b: sel(`{"f": ["a", "b", "d"]}`), there: true},
		{
			a: `{"s": {"f": "a"}, "x": {"g": ["b", "c"]}, "condition": "s and not x"}`,
			b: `{"s": {"f": "a"}, "x": {"g": "b"}, "condition": "s and not x"}`, there: true,
		},
		{a: sel(`{"f": "a"}`), b: `{"s": {"f": "a"}, "condition": "not s"}`},
	} {
		a, b := compileJSON(t, tt.a), compileJSON(t, tt.b)
		if there, back := a.Implies(b), b.Implies(a); there != tt.there || back != tt.back {
			t.Errorf("Implies of %s and %s = %t, and back %t, want %t, %t", tt.a, tt.b, there, back, tt.there, tt.back)
		}
	}
}

// drawAlike compiles a detection out of so little that two of them often have to do with each other.
func drawAlike(t *rapid.T) *Detection {
	word, field := rapid.SampledFrom([]string{"a", "ab", "ba", "aba", "b"}), rapid.SampledFrom([]string{"a", "b"})
	n := &Node{Kind: Map}
	for _, name := range []string{"s1", "s2"} {
		values := &Node{Kind: List}
		for range rapid.IntRange(1, 3).Draw(t, "values") {
			values.Items = append(values.Items, textNode(word.Draw(t, "value")))
		}
		modifier := rapid.SampledFrom([]string{"", "|contains", "|startswith", "|endswith", "|contains|all", "|re", "|neq"}).Draw(t, "modifier")
		n.Keys = append(n.Keys, textNode(name))
		n.Items = append(n.Items, &Node{Kind: Map, Keys: []*Node{textNode(field.Draw(t, "field") + modifier)}, Items: []*Node{values}})
	}
	n.Keys = append(n.Keys, textNode("condition"))
	n.Items = append(n.Items, textNode(drawCondition(t, []string{"s1", "s2"}, 2)))
	d, err := Compile(n, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// One detection implies another only if it matches nothing that the other does not, and equal ones imply each other.
func TestImpliedDetectionsMatch(t *testing.T) {
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		ds := []*Detection{drawAlike(t), drawAlike(t), drawAlike(t), drawAlike(t)}
		if odd := drawDetection(t); odd != nil {
			ds = append(ds, odd, And(odd, ds[0]))
		}
		for _, a := range ds {
			for _, b := range ds {
				if !And(a, b).Implies(a) || !And(a, b).Implies(b) || a.Canonical() == b.Canonical() && !a.Implies(b) {
					t.Fatal("a detection does not imply what it is put together of, or one that is equal")
				}
				if a == b || !a.Implies(b) {
					continue
				}
				found++
				for range 3 {
					doc, err := ParseDocument(alikePayload(t))
					if err != nil {
						t.Fatal(err)
					}
					if a.Match(doc) && !b.Match(doc) {
						t.Fatal("the implied detection does not match")
					}
				}
			}
		}
	})
	if found == 0 {
		t.Error("no pair was found that implies: the test says nothing")
	}
}

// alikePayload has what drawAlike looks for.
func alikePayload(t *rapid.T) []byte {
	word := rapid.SampledFrom([]string{"", "a", "ab", "ba", "aba", "b", "bab", "c"})
	return fmt.Appendf(nil, `{"a":%q,"b":[%q,%q]}`, word.Draw(t, "a"), word.Draw(t, "b"), word.Draw(t, "b"))
}

func TestCanonicalDoesNotSeeOrder(t *testing.T) {
	one := compileJSON(t, `{"a": {"f": ["x", "y"]}, "b": {"g": "z"}, "condition": "a and not b"}`)
	other := compileJSON(t, `{"p": {"g": "Z"}, "q": {"f": ["Y", "x"]}, "condition": "not p and q"}`)
	if one.Canonical() != other.Canonical() {
		t.Errorf("Canonical = %s and %s, want one", one.Canonical(), other.Canonical())
	}
	if third := compileJSON(t, `{"a": {"f": ["x", "y"]}, "b": {"g": "z"}, "condition": "a and b"}`); strings.Contains(one.Canonical(), third.Canonical()) {
		t.Errorf("Canonical = %s for another detection too", third.Canonical())
	}
}
