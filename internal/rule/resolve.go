package rule

import (
	"cmp"
	"fmt"
	"slices"

	"ttpworker/internal/match"
)

// Resolve makes the rules in force of what Parse has returned, at most one per Key: every rule as it is, in the same
// order, or a new one where Sigma filters are for it, which matches where the rule and all of them do. Warnings are
// those of the files and about filters that name no rule they could be for, each an *Error.
func Resolve(files []*Rule) (rules []*Rule, warnings []error) {
	rules = make([]*Rule, 0, len(files))
	m := newMerger(files)
	for _, r := range files {
		warnings = append(warnings, r.Warnings...)
		if r.Filter == nil {
			rules = append(rules, m.resolve(r))
		}
	}
	for _, f := range m.filters {
		warnings = append(warnings, f.unknown(rules)...)
	}
	return rules, append(warnings, m.warnings...)
}

// A merger puts filters into rules.
type merger struct {
	filters  []*Rule            // sorted by id
	any      []*Rule            // those that name no rule
	byName   map[string][]*Rule // the others, by each rule that they name
	compiled map[compileKey]compiled
	warnings []error
}

func newMerger(files []*Rule) *merger {
	m := &merger{byName: map[string][]*Rule{}, compiled: map[compileKey]compiled{}}
	for _, f := range files {
		if f.Filter == nil {
			continue
		}
		m.filters = append(m.filters, f)
		if f.Filter.any {
			m.any = append(m.any, f)
		}
		for _, n := range f.Filter.names {
			m.byName[n.text] = append(m.byName[n.text], f)
		}
	}
	slices.SortFunc(m.filters, byID)
	return m
}

func byID(a, b *Rule) int { return cmp.Compare(a.ID, b.ID) }

// of are the filters for a rule, sorted by id.
func (m *merger) of(r *Rule) []*Rule {
	if r.sigma == nil {
		return nil
	}
	filters := slices.Concat(m.any, m.byName[r.ID], m.byName[cmp.Or(r.sigma.name, r.ID)])
	filters = slices.DeleteFunc(filters, func(f *Rule) bool { return !f.Filter.logsource.covers(r.sigma.logsource) })
	slices.SortFunc(filters, byID)
	return slices.Compact(filters)
}

// A compileKey is a filter under the fields of one entry of the mapping.
type compileKey struct {
	filter *Rule
	entry  *mapEntry
}

type compiled struct {
	detection *match.Detection
	written   *written
}

func (m *merger) resolve(r *Rule) *Rule {
	out := r
	for _, f := range m.of(r) {
		c, ok := m.compile(f, r.sigma.entry)
		if !ok {
			continue
		}
		if out == r {
			merged := *r
			out = &merged
		}
		out.Match.Detection = match.And(out.Match.Detection, c.detection)
		out.Filters = append(slices.Clip(out.Filters), f.ID)
		out.filters = append(slices.Clip(out.filters), c.written)
	}
	if out != r {
		out.Digest = digest(out)
	}
	return out
}

// compile compiles a filter for rules of one entry, once.
func (m *merger) compile(f *Rule, entry *mapEntry) (compiled, bool) {
	key := compileKey{f, entry}
	c, done := m.compiled[key]
	if !done {
		var err error
		if c.detection, c.written, err = compile(f.Filter.node, entry.fields(), nil, f.Filter.limits); err != nil {
			c.written = nil // Parse has refused what is wrong under any mapping
			m.warnings = append(m.warnings, &Error{File: f.File.Path, Rule: f.ID, Err: fmt.Errorf("filter is left out: %w", err)})
		}
		m.compiled[key] = c
	}
	return c, c.written != nil
}

// unknown warns of rules that the filter f names and that are not there, or not for it.
func (f *Rule) unknown(rules []*Rule) []error {
	var warnings []error
	for _, n := range f.Filter.names {
		i := slices.IndexFunc(rules, func(r *Rule) bool { return r.ID == n.text || r.sigma != nil && r.sigma.name == n.text })
		what := "filter names rule %q, which is not there"
		switch {
		case i < 0:
		case rules[i].sigma == nil:
			what = "filter names rule %q, which is no Sigma rule and has no logsource"
		case f.Filter.logsource.covers(rules[i].sigma.logsource):
			continue
		default:
			what = "filter names rule %q, whose logsource is another one"
		}
		warnings = append(warnings, &Error{
			File: f.File.Path, Line: n.pos.Line, Col: n.pos.Col, Rule: f.ID, Err: fmt.Errorf(what, n.text),
		})
	}
	return warnings
}
