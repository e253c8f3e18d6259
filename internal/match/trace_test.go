package match

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func traceOf(t *testing.T, text string) *Trace {
	t.Helper()
	n, err := decodeNode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	trace, err := NewTrace(n, testOptions())
	if err != nil {
		t.Fatalf("NewTrace(%s) = %v", text, err)
	}
	return trace
}

// label is a branch in one line.
func label(b Branch) string {
	sign := ""
	if b.Negated {
		sign = "not "
	}
	return fmt.Sprintf("%d:%d %s%s %s", b.Line, b.Col, sign, b.Kind, b.Text)
}

func TestBranchesKnowTheirPlaces(t *testing.T) {
	trace := traceOf(t, `{"s": {"f|contains": ["a", "b"], "g|contains|all": ["c", "d"]},
 "list": [{"f": "e"}, "word"],
 "x": {"f|expand": "%admins%", "g|neq": ["n"]},
 "unused": {"f": "u"},
 "condition": ["(s and x) or s or 1 of l*", "s and not x"]}`)
	var got []string
	for _, b := range trace.Branches() {
		got = append(got, label(b))
	}
	if diff := cmp.Diff([]string{
		"1:2 selection s", "1:23 value f|contains: a", "1:28 value f|contains: b", "1:53 value g|contains|all: c", "1:58 value g|contains|all: d",
		"2:2 selection list", "2:11 item list, item 1", "2:17 value f: e", "2:23 item list, item 2", "2:23 value word",
		"3:2 selection x", "3:2 not selection x", "3:20 value f|expand: %admins%", "3:20 value %admins%: root", "3:20 value %admins%: Administrator",
		"3:20 not value f|expand: %admins%", "3:20 not value %admins%: root", "3:20 not value %admins%: Administrator",
		"3:42 not value g|neq: n", "3:42 value g|neq: n",
		"5:16 condition ( s and x )", "5:45 condition s and not x",
	}, got); diff != "" {
		t.Errorf("branches (-want +got):\n%s", diff)
	}
}

func TestCover(t *testing.T) {
	const shadow = `{"file": {"f|contains": ["passwd", "shadow"]}, "man": {"f|startswith": ["man ", "info "]}, "user": {"u": "root"}, "condition": "file and user and not man"}`
	for _, tt := range []struct {
		name, detection string
		payloads        []string
		want            []string // not covered
	}{
		{
			name: "no payload covers nothing", detection: `{"s": {"f": "a"}, "condition": "s"}`,
			want: []string{"selection s", "value f: a"},
		},
		{
			name: "a value that no payload has", detection: shadow, payloads: []string{`{"f":"cat shadow","u":"root"}`, `{"f":"man shadow","u":"root"}`},
			want: []string{"value f|contains: passwd", "not value f|startswith: info "},
		},
		{
			name: "what holds without a match is not covered", detection: shadow, payloads: []string{`{"f":"cat shadow"}`, `{"u":"root"}`},
			want: []string{
				"selection file", "value f|contains: passwd", "value f|contains: shadow", "not selection man", "not value f|startswith: man ",
				"not value f|startswith: info ", "selection user", "value u: root",
			},
		},
		{
			name: "an exception that would not be needed is not covered", detection: shadow, payloads: []string{`{"f":"man shadow"}`, `{"f":"cat shadow passwd","u":"root"}`},
			want: []string{"not selection man", "not value f|startswith: man ", "not value f|startswith: info "},
		},
		{
			name: "an alternative that does not hold covers nothing", detection: `{"a": {"f": "1"}, "b": {"g": "1"}, "c": {"h": "1"}, "condition": "(a and b) or c"}`,
			payloads: []string{`{"f":1,"h":1}`}, want: []string{"selection a", "value f: 1", "selection b", "value g: 1", "condition ( a and b )"},
		},
		{
			name: "an exception of an exception", detection: `{"a": {"f": "1"}, "b": {"g": "1"}, "c": {"h": "1"}, "condition": "a and not (b and not c)"}`,
			payloads: []string{`{"f":1,"g":1,"h":1}`, `{"f":1,"g":1}`}, want: nil,
		},
		{
			name: "an exception of two parts of which one holds", detection: `{"a": {"f": "1"}, "b": {"g": "1", "h": "1"}, "condition": "a and not b"}`,
			payloads: []string{`{"f":1,"g":1}`}, want: []string{"not selection b", "not value g: 1", "not value h: 1"},
		},
		{
			name: "neq is an exception", detection: `{"a": {"f": "1", "u|neq": ["x", "y"]}, "condition": "a"}`,
			payloads: []string{`{"f":1}`, `{"f":1,"u":"y"}`}, want: []string{"not value u|neq: x"},
		},
		{
			name: "a negation alone", detection: `{"a": {"f": ["1", "2"]}, "condition": "not a"}`,
			payloads: []string{`{"f":3}`, `{"f":2}`}, want: []string{"not value f: 1"},
		},
		{
			name: "an or arm with a negation", detection: `{"a": {"f": "1"}, "b": {"g": "1"}, "condition": "a or not b"}`,
			payloads: []string{`{"f":1,"g":1}`}, want: []string{"not selection b", "not value g: 1", "condition not b"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			trace := traceOf(t, tt.detection)
			if got := uncovered(t, trace, tt.payloads); !slices.Equal(got, tt.want) {
				t.Errorf("not covered: %q, want %q", got, tt.want)
			}
		})
	}
}

// uncovered are the labels, without places, of the branches that no payload covers.
func uncovered(t *testing.T, trace *Trace, payloads []string) []string {
	t.Helper()
	branches := trace.Branches()
	covered := make([]bool, len(branches))
	for _, payload := range payloads {
		doc, err := ParseDocument([]byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		trace.Cover(doc, covered)
	}
	var out []string
	for i, b := range branches {
		if !covered[i] {
			_, text, _ := strings.Cut(label(b), " ")
			out = append(out, text)
		}
	}
	return out
}

func TestCoverOfPatterns(t *testing.T) {
	exprs := []Expression{mustParse("a+"), mustParse("b+"), mustParse("ab")}
	trace := TracePatterns([]string{"f", "g"}, exprs, []Pos{{1, 1}, {2, 1}, {3, 1}})
	if got, want := uncovered(t, trace, []string{`{"g":["x","aa"]}`}), []string{"pattern b+", "pattern ab"}; !slices.Equal(got, want) {
		t.Errorf("not covered: %q, want %q", got, want)
	}
}

// A trace gives the answers of the detection, and what it covers explains them.
func TestTracesMatchWhereDetectionsDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := randomDetection().Draw(t, "detection")
		d, err := Compile(n, testOptions())
		trace, traceErr := NewTrace(n, testOptions())
		if fmt.Sprint(err) != fmt.Sprint(traceErr) {
			t.Fatalf("Compile = %v, but NewTrace = %v", err, traceErr)
		}
		if err != nil {
			t.Skip("the detection has a fault")
		}
		branches := trace.Branches()
		for range 3 {
			doc, err := ParseDocument(randomJSON().Draw(t, "payload"))
			if err != nil {
				t.Skip("the payload has a fault")
			}
			covered := make([]bool, len(branches))
			matches := trace.Cover(doc, covered)
			if matches != d.Match(doc) {
				t.Fatalf("Cover says %t, and Match %t", matches, !matches)
			}
			for i, b := range branches {
				if covered[i] && !b.Negated && !matches {
					t.Fatalf("%s is covered without a match", label(b))
				}
			}
		}
	})
}
