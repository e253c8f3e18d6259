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

// A TestError is a test that has failed.
type TestError struct {
	File string // of the rule
	Rule string // rule_id
	Test *Test
	Err  error
}

// Error says file:line: rule "id", test "name": what is wrong.
func (e *TestError) Error() string {
	return fmt.Sprintf("%s:%d: rule %q, test %q: %v", e.File, e.Test.Line, e.Rule, e.Test.Name, e.Err)
}

// Unwrap returns the fault without its place.
func (e *TestError) Unwrap() error { return e.Err }

// RunTests tags the example events of r with t, which holds r among its rules or alone, and reports every test
// whose techniques by r are not those expected, each a *TestError, joined.
func RunTests(r *Rule, t tagger.Tagger) error {
	var errs []error
	for i := range r.Tests {
		test := &r.Tests[i]
		fault := func(err error) { errs = append(errs, &TestError{r.File.Path, r.ID, test, err}) }
		ev := tagger.TaggerEvent{SourceKind: test.Kind, SourceID: "test", IdentityUUID: test.IdentityUUID, Payload: test.Payload}
		tags, err := t.AppendTags(nil, &ev)
		if err != nil {
			fault(err)
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
			fault(fmt.Errorf("got %s, want %s", list(got), list(test.Expect)))
		}
	}
	return errors.Join(errs...)
}

func list(ids []string) string { return "[" + strings.Join(ids, " ") + "]" }
