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
func Resolve(files []*Rule) (rules []*Rule, warnings []error) { return new(Resolver).Resolve(files) }

// A Resolver is Resolve that keeps what it has made for the next call, so that an edit costs the rules it changes: the
// edited one, or those that an edited filter is for. The zero value is ready to use. It is not safe for concurrent use.
type Resolver struct {
	compiled map[compileKey]compiled
	resolved map[*Rule]resolved // by the rule of the file
}

// A compileKey is a filter under the fields of one entry of the mapping.
type compileKey struct {
	filter *Rule
	entry  *mapEntry
}

type compiled struct {
	detection *match.Detection
	written   *written
	err       error // why the filter is left out; Parse has refused what is wrong under any mapping
}

// A resolved is a rule with its filters merged in, as long as these are its filters.
type resolved struct {
	filters []*Rule
	rule    *Rule
}

// Resolve is the function Resolve. A rule of the last call that has the same filters again comes back as it was.
func (v *Resolver) Resolve(files []*Rule) (rules []*Rule, warnings []error) {
	rules = make([]*Rule, 0, len(files))
	m := newMerger(v, files)
	for _, r := range files {
		warnings = append(warnings, r.Warnings...)
		if r.Filter == nil {
			rules = append(rules, m.resolve(r))
		}
	}
	named := namedBy(m.byName, rules)
	for _, f := range m.filters {
		warnings = append(warnings, f.unknown(named)...)
	}
	*v = m.next // what was not asked for is let go
	return rules, append(warnings, m.warnings...)
}

// A merger puts filters into rules, in one call.
type merger struct {
	filters  []*Rule            // sorted by id, as are the next two
	any      []*Rule            // those that name no rule
	byName   map[string][]*Rule // the others, by each rule that they name
	last     *Resolver
	next     Resolver
	warnings []error
}

func newMerger(last *Resolver, files []*Rule) *merger {
	m := &merger{
		byName: map[string][]*Rule{}, last: last,
		next: Resolver{compiled: map[compileKey]compiled{}, resolved: map[*Rule]resolved{}},
	}
	for _, f := range files {
		if f.Filter != nil {
			m.filters = append(m.filters, f)
		}
	}
	slices.SortFunc(m.filters, byID)
	for _, f := range m.filters {
		if f.Filter.any {
			m.any = append(m.any, f)
		}
		for _, n := range f.Filter.names {
			m.byName[n.text] = append(m.byName[n.text], f)
		}
	}
	return m
}

func byID(a, b *Rule) int { return cmp.Compare(a.ID, b.ID) }

// of are the filters for a rule, sorted by id.
func (m *merger) of(r *Rule) []*Rule {
	if r.sigma == nil {
		return nil
	}
	var filters []*Rule
	named := false
	for i, some := range [][]*Rule{m.any, m.byName[r.ID], m.byName[cmp.Or(r.sigma.name, r.ID)]} {
		for _, f := range some {
			if f.Filter.logsource.covers(r.sigma.logsource) {
				filters = append(filters, f)
				named = named || i > 0
			}
		}
	}
	if named {
		slices.SortFunc(filters, byID)
		filters = slices.Compact(filters)
	}
	return filters
}

// resolve is a rule with its filters, that of the last call if it had the same ones.
func (m *merger) resolve(r *Rule) *Rule {
	filters := m.of(r)
	if len(filters) == 0 {
		return r
	}
	for _, f := range filters {
		m.compile(f, r.sigma.entry)
	}
	done, ok := m.last.resolved[r]
	if !ok || !slices.Equal(done.filters, filters) {
		done = resolved{filters, m.merge(r, filters)}
	}
	m.next.resolved[r] = done
	return done.rule
}

// merge puts filters, which are compiled, into a rule.
func (m *merger) merge(r *Rule, filters []*Rule) *Rule {
	out := *r
	detections := []*match.Detection{r.Match.Detection}
	for _, f := range filters {
		if c := m.next.compiled[compileKey{f, r.sigma.entry}]; c.err == nil {
			detections = append(detections, c.detection)
			out.Filters = append(out.Filters, f.ID)
			out.filters = append(out.filters, c.written)
			out.merged = append(out.merged, f)
		}
	}
	if len(detections) == 1 {
		return r
	}
	out.Match.Detection = match.And(detections...)
	out.Digest = digest(&out)
	return &out
}

// compile compiles a filter for rules of one entry, once.
func (m *merger) compile(f *Rule, entry *mapEntry) {
	key := compileKey{f, entry}
	if _, done := m.next.compiled[key]; done {
		return
	}
	c, done := m.last.compiled[key]
	if !done {
		c.detection, c.written, c.err = compile(f.Filter.node, entry.fields(), in(f.Filter.lists), f.Filter.limits)
	}
	if c.err != nil {
		m.warnings = append(m.warnings, &Error{File: f.File.Path, Rule: f.ID, Name: UnusableFilter, Err: fmt.Errorf("left out: %w", c.err), filter: true})
	}
	m.next.compiled[key] = c
}

// namedBy are the rules that filters name, by their ids and Sigma names.
func namedBy(filters map[string][]*Rule, rules []*Rule) map[string][]*Rule {
	named := map[string][]*Rule{}
	if len(filters) == 0 {
		return named
	}
	for _, r := range rules {
		if filters[r.ID] != nil {
			named[r.ID] = append(named[r.ID], r)
		}
		if r.sigma != nil && r.sigma.name != r.ID && filters[r.sigma.name] != nil {
			named[r.sigma.name] = append(named[r.sigma.name], r)
		}
	}
	return named
}

// unknown warns of rules that the filter f names and that are not there, or not for it. Of several rules of one Sigma
// name one is enough.
func (f *Rule) unknown(named map[string][]*Rule) []error {
	var warnings []error
	for _, n := range f.Filter.names {
		what := "names rule %q, which is not there"
		covered := false
		for _, r := range named[n.text] {
			switch {
			case r.sigma == nil:
				what = "names rule %q, which is no Sigma rule and has no logsource"
			case f.Filter.logsource.covers(r.sigma.logsource):
				covered = true
			default:
				what = "names rule %q, whose logsource is another one"
			}
		}
		if covered {
			continue
		}
		warnings = append(warnings, &Error{
			File: f.File.Path, Line: n.pos.Line, Col: n.pos.Col, Rule: f.ID, Name: UnknownRule, Err: fmt.Errorf(what, n.text), filter: true,
		})
	}
	return warnings
}
