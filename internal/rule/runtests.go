package rule

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ttpworker/internal/tagger"
)

// A Test is an example that a rule carries: an event and the techniques the rule shows on it.
type Test struct {
	Name         string
	Kind         string   // source kind of the event
	IdentityUUID string   // of the event; "" = null
	Payload      []byte   // a JSON object
	Expect       []string // most specific technique ids, sorted, each once; empty = the rule stays silent
	Line         int      // where it stands in the file
}

func (c *checker) tests(emits []tagger.Emit) []Test {
	tests := make([]Test, 0, len(c.file.Tests))
	for i, t := range c.file.Tests {
		out := Test{Name: t.Name, Kind: t.Kind, IdentityUUID: t.IdentityUUID, Payload: t.Payload, Line: c.doc.At("tests", i).Line}
		if t.Name == "" {
			c.fault(errors.New("name of the test is missing"), "tests", i, "name")
		}
		switch {
		case t.Kind == "" && len(c.file.AppliesTo) > 0:
			out.Kind = c.file.AppliesTo[0]
		case t.Kind != "" && !slices.Contains(c.parser.Kinds, t.Kind):
			c.fault(fmt.Errorf("unknown source kind %q", t.Kind), "tests", i, "kind")
		}
		switch _, missing := c.doc.Find("tests", i, "payload"); {
		case missing:
			c.fault(errors.New("payload of the test is missing"), "tests", i, "payload")
		case t.Payload != nil && t.Payload[0] != '{': // nil has a fault already
			c.fault(errors.New("payload of the test is no mapping"), "tests", i, "payload")
		}
		if t.Expect == nil {
			c.fault(errors.New("expect is missing: technique ids, or [] where the rule must stay silent"), "tests", i, "expect")
			continue
		}
		for k, id := range *t.Expect {
			if len(emits) > 0 && !slices.ContainsFunc(emits, func(e tagger.Emit) bool { return e.Technique() == id }) {
				c.fault(fmt.Errorf("test expects %q, which the rule never emits", id), "tests", i, "expect", k)
			}
		}
		out.Expect = slices.Compact(slices.Sorted(slices.Values(*t.Expect)))
		tests = append(tests, out)
	}
	return tests
}

// RunTests tags the example events of r with t, which holds r among its rules or alone, and reports every test
// whose techniques by r are not those expected, joined.
func RunTests(r *Rule, t tagger.Tagger) error {
	var errs []error
	for _, test := range r.Tests {
		ev := tagger.TaggerEvent{SourceKind: test.Kind, SourceID: "test", IdentityUUID: test.IdentityUUID, Payload: test.Payload}
		tags, err := t.AppendTags(nil, &ev)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: rule %q, test %q: %w", r.File.Path, test.Line, r.ID, test.Name, err))
			continue
		}
		got := []string{}
		for i := range tags {
			if tags[i].RuleID == r.ID {
				got = append(got, tags[i].Technique())
			}
		}
		slices.Sort(got)
		if got = slices.Compact(got); !slices.Equal(got, test.Expect) {
			errs = append(errs, fmt.Errorf("%s:%d: rule %q, test %q: got %s, want %s",
				r.File.Path, test.Line, r.ID, test.Name, list(got), list(test.Expect)))
		}
	}
	return errors.Join(errs...)
}

func list(ids []string) string { return "[" + strings.Join(ids, " ") + "]" }
