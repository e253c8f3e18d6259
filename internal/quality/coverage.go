package quality

import (
	"fmt"

	"ttpworker/internal/match"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger/engine"
)

// A Coverage is how much of one rule its tests have tried.
type Coverage struct {
	Rule     *rule.Rule
	Branches int
	Missing  []match.Branch // those that no test covers, in file order
}

// Covered is the number of branches that some test covers.
func (c *Coverage) Covered() int { return c.Branches - len(c.Missing) }

// Percent is the share of the branches that some test covers, 0 to 100.
func (c *Coverage) Percent() float64 { return Percent(c.Covered(), c.Branches) }

// Percent is 100 times a part over a whole; nothing of nothing is all of it.
func Percent(part, whole int) float64 {
	if whole == 0 {
		return 100
	}
	return 100 * float64(part) / float64(whole)
}

// Cover runs the tests of a rule by the reference and says which branches they cover: selections and sides of an `or`
// that the condition names, items and values of lists, patterns. One is covered if it has made the rule match in some
// test; behind a `not`, if it has kept the rule from matching. Where a rule has several kinds, a test of one of them is
// enough. Whether the tests say what they should is for rule.RunTests. The error is about a payload that is no JSON.
func Cover(r *rule.Rule) (*Coverage, error) {
	traces := map[string]*match.Trace{}
	for _, kind := range r.Kinds {
		traces[kind] = r.Trace(kind)
	}
	branches := traces[r.Kinds[0]].Branches() // the same for each kind
	covered := make([]bool, len(branches))
	for _, test := range r.Tests {
		trace := traces[test.Kind]
		if trace == nil {
			continue // the rule has nothing to do with such events
		}
		doc, err := match.ParseDocument(engine.Extended(test.Kind, test.Payload))
		if err != nil {
			return nil, fmt.Errorf("%s:%d: rule %q, test %q: %w", r.File.Path, test.Line, r.ID, test.Name, err)
		}
		trace.Cover(doc, covered)
	}
	c := &Coverage{Rule: r}
	for i, b := range branches {
		if b.Kind == match.Part {
			continue
		}
		c.Branches++
		if !covered[i] {
			c.Missing = append(c.Missing, b)
		}
	}
	return c, nil
}
