package quality

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"ttpworker/internal/match"
	"ttpworker/internal/rule"
)

// Lint says what is doubtful about rules, each a *rule.Error with the name of the warning, in the order of files and
// lines. warnings are those that reading the rules gave. What a rule acknowledges is left out, and is a warning itself if
// nobody warns of it. Rules warn of no others than those given: two that are never in force together are not compared.
func Lint(rules []*rule.Rule, warnings []error) []error {
	var all []*rule.Error
	var others []error // warnings that are about no rule
	for _, w := range warnings {
		if e, ok := errors.AsType[*rule.Error](w); ok {
			all = append(all, e)
		} else {
			others = append(others, w)
		}
	}
	for _, r := range rules {
		all = append(all, tests(r)...)
	}
	detecting := Detecting(rules)
	for _, r := range detecting {
		all = append(all, detection(r)...)
		all = append(all, slow(r)...)
	}
	all = append(all, overlaps(detecting)...)
	all = acknowledged(rules, all)
	slices.SortStableFunc(all, func(a, b *rule.Error) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	for _, e := range all {
		others = append(others, e)
	}
	return others
}

// Detecting returns the rules that have a detection or patterns. Of the others, whose match is a lifter, nothing is known but
// their tests.
func Detecting(rules []*rule.Rule) []*rule.Rule {
	return slices.DeleteFunc(slices.Clone(rules), func(r *rule.Rule) bool { return r.Match.Lift != nil })
}

// acknowledged leaves out what rules acknowledge, and adds what they acknowledge in vain.
func acknowledged(rules []*rule.Rule, all []*rule.Error) []*rule.Error {
	type key struct{ file, name string }
	allowed := map[key]bool{} // whether it was needed
	for _, r := range rules {
		for _, a := range r.Allow {
			allowed[key{r.File.Path, a.Name}] = false
		}
	}
	all = slices.DeleteFunc(all, func(e *rule.Error) bool {
		k := key{e.File, e.Name}
		if _, ok := allowed[k]; !ok {
			return false
		}
		allowed[k] = true
		return true
	})
	for _, r := range rules {
		for _, a := range r.Allow {
			if !allowed[key{r.File.Path, a.Name}] {
				all = append(all, r.Warning(rule.UnneededAllow, a.At, fmt.Errorf("there is no warning %s here: take it out of lint.allow", a.Name)))
			}
		}
	}
	return all
}

// detection warns about what one rule looks for, once where it says the same of several source kinds.
func detection(r *rule.Rule) []*rule.Error {
	var all []*rule.Error
	for _, kind := range r.Kinds {
		for _, w := range r.Trace(kind).Lint() {
			e := r.Warning(w.Name, w.Pos, w.Err)
			if !slices.ContainsFunc(all, func(o *rule.Error) bool { return o.Error() == e.Error() }) {
				all = append(all, e)
			}
		}
	}
	return all
}

// tests warns of a rule of our form without a test of each sort.
func tests(r *rule.Rule) []*rule.Error {
	if r.IsSigma() {
		return nil
	}
	positive := slices.ContainsFunc(r.Tests, func(t rule.Test) bool { return len(t.Expect) > 0 })
	negative := slices.ContainsFunc(r.Tests, func(t rule.Test) bool { return len(t.Expect) == 0 })
	var all []*rule.Error
	if !positive {
		all = append(all, r.Warning(rule.NoPositiveTest, match.Pos{}, errors.New("no test expects a technique: add an event that the rule must find")))
	}
	if !negative {
		all = append(all, r.Warning(rule.NoNegativeTest, match.Pos{}, errors.New("no test expects []: add an event that looks alike and on which the rule must stay silent")))
	}
	return all
}
