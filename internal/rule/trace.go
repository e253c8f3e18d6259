package rule

import "ttpworker/internal/match"

// Trace is On with the places of its parts, for commands. Sigma filters are no part of it: they are in other files, see
// FilterTraces.
func (r *Rule) Trace(kind string) *match.Trace {
	if r.written == nil {
		return match.TracePatterns(r.Match.Fields[kind], r.Match.Patterns, r.at)
	}
	return r.written.trace()
}

// A FilterTrace is a Sigma filter of a rule.
type FilterTrace struct {
	ID    string
	File  File
	Trace *match.Trace // where it matches, the filter lets the rule match
}

// FilterTraces are those of the filters that were merged into r.
func (r *Rule) FilterTraces() []FilterTrace {
	traces := make([]FilterTrace, len(r.merged))
	for i, f := range r.merged {
		traces[i] = FilterTrace{ID: f.ID, File: f.File, Trace: r.filters[i].trace()}
	}
	return traces
}

// trace is what has been compiled, with the places of its parts.
func (w *written) trace() *match.Trace {
	t, err := match.NewTrace(matchNode(w.node), match.Options{Fields: w.fields, Limits: w.limits, Lists: in(w.lists)})
	if err != nil {
		panic("rule: what has been compiled once compiles: " + err.Error())
	}
	return t
}
