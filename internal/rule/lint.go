package rule

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"ttpworker/internal/match"
	"ttpworker/internal/yamlx"
)

// The names of warnings, beside those that match has. Rules acknowledge warnings by these names, so they never change.
const (
	UnusedSelection    = "unused-selection"  // no condition names it
	UnknownTechnique   = "unknown-technique" // of a Sigma rule, which is in force without it
	SigmaTests         = "sigma-tests"       // a Sigma rule has tests, which are not run
	UnknownRule        = "unknown-rule"      // a Sigma filter names it
	UnusableFilter     = "unusable-filter"   // a Sigma filter is left out of some rules
	BadAllow           = "bad-allow"         // a Sigma rule's lint key cannot be read
	NoPositiveTest     = "no-positive-test"  // no test expects a technique
	NoNegativeTest     = "no-negative-test"  // no test expects silence
	DuplicateDetection = "duplicate"         // another rule has the same detection
	Shadowed           = "shadowed"          // another rule finds all that it finds
	Slow               = "slow"              // measured
	UnshownEvidence    = "unshown-evidence"  // a rule about mails names fields of them
	PassedOverFile     = "passed-over"       // about no rule: a file of another name than rule files have
	UnneededAllow      = "unneeded-allow"    // the rule acknowledges what nobody warns of
)

// allowable are the warnings that a rule can acknowledge.
var allowable = []string{
	match.AlwaysTrue, DuplicateDetection, match.LargeRegexp, match.MatchesEmpty, match.NoLiteral, NoNegativeTest, NoPositiveTest, Shadowed, match.ShortLiteral,
	SigmaTests, Slow, UnknownTechnique, UnshownEvidence, UnusedSelection,
}

// An Allowance is the name of a warning that a rule acknowledges, and where it does.
type Allowance struct {
	Name string
	At   match.Pos
}

// allowances reads `lint: {allow: [NAME, ...]}`. Its faults are where they are.
func allowances(n *yamlx.Node) (all []Allowance, faults []*yamlx.Error) {
	fault := func(at *yamlx.Node, format string, args ...any) {
		faults = append(faults, &yamlx.Error{Pos: at.Pos, Err: fmt.Errorf(format, args...)})
	}
	if n == nil {
		return nil, nil
	}
	names := n.Get("allow")
	if n.Kind != yamlx.MapNode || len(n.Keys) != 1 || names == nil {
		fault(n, "lint: want a mapping of allow: [NAME, ...]")
		return nil, faults
	}
	items := []*yamlx.Node{names}
	if names.Kind == yamlx.ListNode {
		items = names.Items
	}
	for _, item := range items {
		switch {
		case item.Kind != yamlx.TextNode || !slices.Contains(allowable, item.Text):
			fault(item, "unknown warning %s: one of %s", item.Found(), strings.Join(allowable, ", "))
		case slices.ContainsFunc(all, func(a Allowance) bool { return a.Name == item.Text }):
			fault(item, "warning %q is allowed twice", item.Text)
		default:
			all = append(all, Allowance{item.Text, match.Pos(item.Pos)})
		}
	}
	return all, faults
}

// Warning is a warning about r by a name of the above; without a place, where its id stands.
func (r *Rule) Warning(name string, at match.Pos, err error) *Error {
	at = cmp.Or(at, match.Pos(r.idPos))
	return &Error{File: r.File.Path, Line: at.Line, Col: at.Col, Rule: r.ID, Name: name, Err: err}
}
