package match

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// line is a reason in one line: what was asked, and of each field what is there, with brackets around what matched.
func line(r Reason) string {
	var s strings.Builder
	if r.Negated {
		s.WriteString("not ")
	}
	fmt.Fprintf(&s, "%s %s %t", r.Selection, r.Text, r.Holds)
	for _, f := range r.Fields {
		if !f.Present {
			fmt.Fprintf(&s, "; %s is missing", f.Field)
		}
		for _, v := range f.Values {
			fmt.Fprintf(&s, "; %s: %s", v.Path, v.Text[:v.From])
			if v.To > v.From {
				s.WriteString("[" + v.Text[v.From:v.To] + "]")
			}
			s.WriteString(v.Text[v.To:])
		}
		if f.More > 0 {
			fmt.Fprintf(&s, "; and %d", f.More)
		}
	}
	return s.String()
}

func reasonsOf(t *testing.T, trace *Trace, payload string) (bool, []string) {
	t.Helper()
	doc, err := ParseDocument([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	matches, why := trace.Reasons(doc)
	var lines []string
	for _, r := range why {
		lines = append(lines, line(r))
	}
	return matches, lines
}

func TestReasons(t *testing.T) {
	const shadow = `{"file": {"f|contains": ["passwd", "shadow"]}, "man": {"f|startswith": "man "}, "user": {"u": "root", "g|exists": false}, "condition": "file and user and not man"}`
	for _, tt := range []struct {
		name, detection, payload string
		matches                  bool
		want                     []string
	}{
		{
			name: "a match", detection: shadow, payload: `{"f":"cat /etc/SHADOW x","u":"Root"}`, matches: true,
			want: []string{"file f|contains: shadow true; f: cat /etc/[SHADOW] x", "user u: root true; u: [Root]", "user g|exists: false true; g is missing", "not man f|startswith: man  false; f: cat /etc/SHADOW x"},
		},
		{
			name: "a field that is missing", detection: shadow, payload: `{"f":"cat shadow"}`,
			want: []string{"user u: root false; u is missing"},
		},
		{
			name: "the first that fails, with its alternatives", detection: shadow, payload: `{"f":"ls","u":"x"}`,
			want: []string{"file f|contains: passwd false; f: ls", "file f|contains: shadow false; f: ls"},
		},
		{
			name: "an exception that holds", detection: shadow, payload: `{"f":"man shadow","u":"root"}`,
			want: []string{"not man f|startswith: man  true; f: [man ]shadow"},
		},
		{
			name: "alternatives of selections", detection: `{"a": {"f": "1", "g": "2"}, "b": [{"h": "3"}, "word"], "condition": "a or b"}`, payload: `{"f":1,"h":[4,{"i":true}]}`,
			want: []string{"a g: 2 false; g is missing", "b h: 3 false; h.0: 4; h.1.i: true", "b word false; f: 1; h.0: 4; h.1.i: true"},
		},
		{
			name: "places in lists", detection: `{"a": {"x.y|re": "b+"}, "condition": "a"}`, payload: `{"x":[{"y":["a","abbc"]},{"y":"b"}]}`, matches: true,
			want: []string{"a x.y|re: b+ true; x.0.y.1: a[bb]c; x.1.y: [b]"},
		},
		{
			name: "capitals of other scripts", detection: `{"a": {"f|endswith": "stra\u00dfe"}, "b": {"f|contains": "\u00df"}, "condition": "a and b"}`,
			payload: `{"f":"\u00c4\u00d6 STRA\u1e9eE"}`, matches: true,
			want: []string{
				"a f|endswith: stra\u00dfe true; f: \u00c4\u00d6 [STRA\u1e9eE]", "b f|contains: \u00df true; f: \u00c4\u00d6 STRA[\u1e9e]E",
			},
		},
		{
			name: "numbers, networks, globs, others' values", detection: `{"a": {"n|gt": 3, "ip|cidr": "192.0.2.0/24", "p": "/a/*/b?", "u|fieldref": "v"}, "condition": "a"}`,
			payload: `{"n":4.50,"ip":"192.0.2.7","p":"/A/x/bc","u":"me","v":["you","ME"]}`, matches: true,
			want: []string{"a n|gt: 3 true; n: [4.5]", "a ip|cidr: 192.0.2.0/24 true; ip: [192.0.2.7]", "a p: /a/*/b? true; p: [/A/x/bc]", "a u|fieldref: v true; u: [me]"},
		},
		{
			name: "null", detection: `{"a": {"f": null, "g": null}, "condition": "a"}`, payload: `{"g":null}`, matches: true,
			want: []string{"a f:  true; f is missing", "a g:  true; g: "},
		},
		{
			name: "more values than are shown", detection: `{"a": {"f": "x"}, "condition": "a"}`, payload: `{"f":[1,2,3,4,5,6,7]}`,
			want: []string{"a f: x false; f.0: 1; f.1: 2; f.2: 3; f.3: 4; f.4: 5; and 2"},
		},
		{
			name: "values of a list", detection: `{"a": {"f|expand": "%admins%"}, "condition": "a"}`, payload: `{"f":"root"}`, matches: true,
			want: []string{"a %admins%: root true; f: [root]"},
		},
		{
			name: "a key with dots", detection: `{"a": {"x.y": "1"}, "condition": "a"}`, payload: `{"x.y":1}`, matches: true,
			want: []string{"a x.y: 1 true; x.y: [1]"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			matches, got := reasonsOf(t, traceOf(t, tt.detection), tt.payload)
			if matches != tt.matches {
				t.Errorf("matches = %t, want %t", matches, tt.matches)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReasonsOfPatterns(t *testing.T) {
	exprs := []Expression{mustParse(`(?i)\b(?:cat|less) \S*shadow`), mustParse(`evil`)}
	trace := TracePatterns([]string{"f", "g"}, exprs, []Pos{{1, 1}, {2, 1}})
	for _, tt := range []struct {
		payload string
		matches bool
		want    []string
	}{
		{`{"f":1,"g":["x","sudo LESS /etc/shadow-"]}`, true, []string{` (?i)\b(?:cat|less) \S*shadow true; g.1: sudo [LESS /etc/shadow]-`}},
		{`{"f":"ls"}`, false, []string{` (?i)\b(?:cat|less) \S*shadow false; f: ls; g is missing`, " evil false; f: ls; g is missing"}},
	} {
		matches, got := reasonsOf(t, trace, tt.payload)
		if diff := cmp.Diff(tt.want, got); matches != tt.matches || diff != "" {
			t.Errorf("%s matches %t, want %t; reasons (-want +got):\n%s", tt.payload, matches, tt.matches, diff)
		}
	}
}

// Whatever the detection and the document: the answer is that of the reference, there is a reason for it, a reason that
// holds says so of a value that is there, and what matched lies within.
func TestReasonsAgreeWithTheReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := randomDetection().Draw(t, "detection")
		trace, err := NewTrace(n, testOptions())
		if err != nil {
			t.Skip(err)
		}
		d, err := Compile(n, testOptions())
		if err != nil {
			t.Fatal(err)
		}
		payload := drawObject(t, 3)
		doc, err := ParseDocument(payload)
		if err != nil {
			t.Skip(err)
		}
		matches, why := trace.Reasons(doc)
		if want := d.Match(doc); matches != want || len(why) == 0 {
			t.Fatalf("Reasons(%s) = %t for %d reasons, the reference says %t", payload, matches, len(why), want)
		}
		for _, r := range why {
			if !matches && r.Holds != r.Negated && len(why) == 1 {
				t.Fatalf("%s does not match because %s", payload, line(r))
			}
			for _, f := range r.Fields {
				values, present := doc.field(f.Field)
				if present != f.Present || !r.Holds && len(f.Values)+f.More != len(values) {
					t.Fatalf("%s: %d values of %s, present %t; want %d, %t", payload, len(f.Values)+f.More, f.Field, f.Present, len(values), present)
				}
				for _, v := range f.Values {
					if !slices.ContainsFunc(values, func(o *value) bool { return string(o.text) == v.Text }) || v.From > v.To || v.To > len(v.Text) {
						t.Fatalf("%s: %s has no value %+v", payload, f.Field, v)
					}
				}
			}
		}
	})
}

// Of thousands of alternatives not each is told.
func TestReasonsAreBounded(t *testing.T) {
	values := make([]string, 3*maxReasons)
	for i := range values {
		values[i] = fmt.Sprintf(`"hash%d"`, i)
	}
	n, err := decodeNode([]byte(`{"s": {"f": [` + strings.Join(values, ",") + `]}, "condition": "s"}`))
	if err != nil {
		t.Fatal(err)
	}
	trace, err := NewTrace(n, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, got := reasonsOf(t, trace, `{"f":"x"}`); len(got) != maxReasons {
		t.Errorf("%d reasons, want %d", len(got), maxReasons)
	}
}
