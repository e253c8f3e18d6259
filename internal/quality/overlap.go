package quality

import (
	"fmt"
	"slices"

	"ttpworker/internal/match"
	"ttpworker/internal/rule"
)

// A finding is what rules have in common of which one may be in the shadow of another.
type finding struct{ kind, tactic, technique string }

// A finder is a rule that has a finding, and how.
type finder struct {
	rule       *rule.Rule
	detection  *match.Detection
	confidence float64
}

// overlaps warns of rules that look for what another one looks for.
func overlaps(rules []*rule.Rule) []*rule.Error {
	var all []*rule.Error
	first := map[string]*rule.Rule{} // by kind and canonical detection
	twins := map[*rule.Rule]bool{}   // warned of already
	finders := map[finding][]finder{}
	for _, r := range rules {
		for _, kind := range r.Kinds {
			d := r.On(kind)
			text := kind + " " + d.Canonical()
			if other := first[text]; other == nil {
				first[text] = r
			} else if !twins[r] {
				twins[r] = true
				all = append(all, r.Warning(rule.DuplicateDetection, match.Pos{}, fmt.Errorf(
					"looks for the same as rule %q (%s): let one rule emit all techniques, or tell them apart", other.ID, other.File.Path)))
			}
			for _, e := range r.Emits {
				f := finding{kind, e.Tactic, e.Technique()}
				finders[f] = append(finders[f], finder{r, d, e.Confidence})
			}
		}
	}
	known := implications{}
	for _, r := range rules {
		if twins[r] {
			continue
		}
		if by := shadow(r, finders, known); by != nil {
			all = append(all, r.Warning(rule.Shadowed, match.Pos{}, fmt.Errorf(
				"rule %q (%s) matches whenever this one does and emits the same with as much confidence: drop this rule, or have it find what that one does not",
				by.ID, by.File.Path)))
		}
	}
	return all
}

// shadow is a rule that has a finding of r whenever r has it, if there is one for each finding; else nil.
func shadow(r *rule.Rule, finders map[finding][]finder, known implications) *rule.Rule {
	var by *rule.Rule
	for _, kind := range r.Kinds {
		for _, e := range r.Emits {
			if e.Technique() == "" {
				return nil
			}
			all := finders[finding{kind, e.Tactic, e.Technique()}]
			own := all[slices.IndexFunc(all, func(f finder) bool { return f.rule == r })]
			at := slices.IndexFunc(all, func(f finder) bool { return f.rule != r && f.shadows(own, known) })
			if at < 0 {
				return nil
			}
			by = all[at].rule
		}
	}
	return by
}

// shadows reports whether f makes o needless. Of two that make each other needless, the one with the first id stays.
func (f finder) shadows(o finder, known implications) bool {
	switch {
	case f.confidence < o.confidence || !known.implies(o.detection, f.detection):
		return false
	case f.confidence > o.confidence || f.rule.ID < o.rule.ID:
		return true
	default:
		return !known.implies(f.detection, o.detection)
	}
}

// implications are the pairs of detections that were looked at, by whether the first implies the second.
type implications map[[2]*match.Detection]bool

func (known implications) implies(a, b *match.Detection) bool {
	pair := [2]*match.Detection{a, b}
	v, ok := known[pair]
	if !ok {
		v = a.Implies(b)
		known[pair] = v
	}
	return v
}
