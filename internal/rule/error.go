package rule

import (
	"errors"
	"fmt"
	"strings"
)

// An Error is one fault of a rule file, where it is. Parse joins all faults of a file, in file order.
type Error struct {
	File string // path as given to Parse
	Line int    // from 1; 0 where the fault is the file as a whole
	Col  int    // from 1, in characters; 0 with Line 0
	Rule string // rule_id, "" where the file does not say
	Name string // of a warning, by which rules acknowledge it; "" for a fault
	Err  error

	filter bool // Rule is a filter's
}

// Error says file:line:column: rule "id": what is wrong; or filter "id". The name of a warning is behind it, in brackets.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Col)
	}
	b.WriteString(": ")
	switch {
	case e.Rule != "" && e.filter:
		fmt.Fprintf(&b, "filter %q: ", e.Rule)
	case e.Rule != "":
		fmt.Fprintf(&b, "rule %q: ", e.Rule)
	}
	b.WriteString(e.Err.Error())
	if e.Name != "" {
		fmt.Fprintf(&b, " [%s]", e.Name)
	}
	return b.String()
}

// Unwrap returns the fault without its place.
func (e *Error) Unwrap() error { return e.Err }

// ErrDuplicate is the fault of a rule whose rule_id another file in force has too.
var ErrDuplicate = errors.New("duplicate rule_id")

var errDuplicateFilter = errors.New("duplicate id of a filter")

// Duplicate is the fault of r against the rule of the same id that is in force; it names both files.
func Duplicate(r, inForce *Rule) error {
	what := ErrDuplicate
	if r.Filter != nil {
		what = errDuplicateFilter
	}
	return &Error{
		File: r.File.Path, Line: r.idPos.Line, Col: r.idPos.Col, Rule: r.ID, filter: r.Filter != nil,
		Err: fmt.Errorf("%w: %s has it already", what, inForce.File.Path),
	}
}

// TooMany is the fault of a rule or filter that is one more than may be in force.
func TooMany(r *Rule, limit int) error {
	return &Error{
		File: r.File.Path, Line: r.idPos.Line, Col: r.idPos.Col, Rule: r.ID, filter: r.Filter != nil,
		Err: fmt.Errorf("there are %d rules and filters already, as many as may be in force (limits.rules)", limit),
	}
}
