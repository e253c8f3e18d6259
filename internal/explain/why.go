package explain

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"ttpworker/internal/attack"
	"ttpworker/internal/match"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/derive"
	"ttpworker/internal/tagger/engine"
	"ttpworker/internal/tagger/lift"
)

// The forms of a rule.
const (
	Patterns  = "pattern"
	Detection = "detection"
	Lifted    = "lifter"
)

// A Why says what a rule makes of an event. Lists are never nil.
type Why struct {
	Form    string   `json:"form"`
	Applies bool     `json:"applies"` // the event is of one of the rule's source kinds; if not, nothing else is said
	Matches bool     `json:"matches"`
	Checks  []Check  `json:"checks"`  // on which the answer rests: see match.Trace.Reasons
	Filters []Filter `json:"filters"` // the Sigma filters of the rule
	Lifter  *Lifter  `json:"lifter"`  // null for a rule of another form
}

// A Check is a part of the rule and what the event says to it.
type Check struct {
	Selection string   `json:"selection"`  // its name; "" for a pattern
	Kind      string   `json:"kind"`       // value or pattern
	Wants     []string `json:"wants"`      // as the file has them, the first of them; of several any is enough
	MoreWants int      `json:"more_wants"` // how many are left out
	Line      int      `json:"line"`       // of the first, in the file
	Column    int      `json:"column"`
	Negated   bool     `json:"negated"` // an exception: it must not hold
	Holds     bool     `json:"holds"`
	Fields    []Field  `json:"fields"` // where it was looked for; where it holds, only those in which it does
}

// A Field is a field of the payload.
type Field struct {
	Field   string  `json:"field"`       // its path; "" = every value, for a keyword
	Derived bool    `json:"derived"`     // by the worker: the sensor has not sent it
	Present bool    `json:"present"`     // it is there, be it null
	Values  []Value `json:"values"`      // that the check is true of, or else those that are there; the first of them
	More    int     `json:"more_values"` // how many are left out
}

// A Value is a value of the payload.
type Value struct {
	Path    string `json:"path"`    // of this one: segments.2 is the third of a list
	Type    string `json:"type"`    // text, number, boolean, null; of what a lifter reads also json
	Text    string `json:"text"`    // at most maxText bytes of it
	Skipped int    `json:"skipped"` // bytes that are left out before text
	Bytes   int    `json:"bytes"`   // of the whole
	From    int    `json:"from"`    // what matched in text, in bytes; from = to: that cannot be told, or nothing did
	To      int    `json:"to"`
	Hidden  bool   `json:"hidden"` // text is left out: it is a mail's
}

// A Filter is a Sigma filter: the rule matches where all of them do.
type Filter struct {
	ID      string  `json:"id"`
	Path    string  `json:"path"`
	Matches bool    `json:"matches"`
	Checks  []Check `json:"checks"`
}

// A Lifter is logic that is code, of which no part can be shown: what it looks for and what it got.
type Lifter struct {
	Name       string         `json:"name"`
	FiresWhen  string         `json:"fires_when"`
	Parameters map[string]any `json:"parameters"`
	Fields     []Field        `json:"fields"` // those named there that the event has
}

const (
	maxWants  = 10   // of a check
	maxText   = 4096 // bytes of a value
	maxBefore = 1024 // of them before what matched
)

// Evaluate says what r makes of an event, and which tags it gives under an order. The error is about a payload that is no
// JSON object.
func Evaluate(r *rule.Rule, ev *tagger.TaggerEvent, order tagger.Standing) (Why, []tagger.Tag, error) {
	why := Why{Form: Patterns, Applies: slices.Contains(r.Kinds, ev.SourceKind), Checks: []Check{}, Filters: []Filter{}}
	switch {
	case r.Match.Lift != nil:
		why.Form = Lifted
	case r.Match.Detection != nil:
		why.Form = Detection
	}
	if !why.Applies {
		return why, nil, nil
	}
	tags, err := taggerOf(r, order).AppendTags(nil, ev)
	if err != nil {
		return why, nil, err
	}
	payload := engine.Extended(ev.SourceKind, ev.Payload)
	if r.Match.Lift != nil {
		why.Matches = len(tags) > 0
		why.Lifter, err = lifterOf(r.Match.Lift, payload)
		return why, tags, err
	}
	doc, err := match.ParseDocument(payload)
	if err != nil {
		return why, nil, fmt.Errorf("payload of %s %q: %w", ev.SourceKind, ev.SourceID, err)
	}
	why.Matches, why.Checks = reasons(r.Trace(ev.SourceKind), doc, ev.SourceKind)
	for _, f := range r.FilterTraces() {
		one := Filter{ID: f.ID, Path: f.File.Path}
		one.Matches, one.Checks = reasons(f.Trace, doc, ev.SourceKind)
		why.Filters = append(why.Filters, one)
		why.Matches = why.Matches && one.Matches
	}
	return why, tags, nil
}

// taggerOf tags by one rule.
func taggerOf(r *rule.Rule, order tagger.Standing) tagger.Tagger {
	if r.Match.Lift == nil {
		return engine.New([]*rule.Rule{r}, func(string) tagger.Standing { return order })
	}
	set := lift.NewSet()
	if order.State != tagger.Disabled {
		set.Put(r.Match.Lift, r.Origin(order, attack.Release), nil)
	}
	return set.Tagger()
}

// reasons are those of a trace, alternatives of the same fields that fail together.
func reasons(t *match.Trace, doc *match.Document, kind string) (matches bool, checks []Check) {
	matches, all := t.Reasons(doc)
	checks = []Check{}
	for _, r := range all {
		c := Check{
			Selection: r.Selection, Kind: r.Kind.String(), Wants: []string{r.Text}, Line: r.Line, Column: r.Col,
			Negated: r.Negated, Holds: r.Holds, Fields: []Field{},
		}
		for _, asked := range r.Fields {
			c.Fields = append(c.Fields, fieldOf(asked, kind))
		}
		if n := len(checks); n > 0 && alternative(&checks[n-1], &c) {
			last := &checks[n-1]
			if len(last.Wants) < maxWants {
				last.Wants = append(last.Wants, r.Text)
			} else {
				last.MoreWants++
			}
			continue
		}
		checks = append(checks, c)
	}
	return matches, checks
}

// alternative reports whether b fails where a does.
func alternative(a, b *Check) bool {
	sameField := func(a, b Field) bool { return a.Field == b.Field }
	return !a.Holds && !b.Holds && a.Selection == b.Selection && a.Kind == b.Kind && a.Negated == b.Negated &&
		slices.EqualFunc(a.Fields, b.Fields, sameField)
}

func fieldOf(a match.Asked, kind string) Field {
	f := Field{Field: a.Field, Derived: derived(kind, a.Field), Present: a.Present, Values: []Value{}, More: a.More}
	for _, v := range a.Values {
		f.Values = append(f.Values, window(Value{Path: v.Path, Type: v.Kind, Text: v.Text, Bytes: len(v.Text), From: v.From, To: v.To}))
	}
	return f
}

// derived reports whether the worker makes a field of a kind.
func derived(kind, field string) bool {
	name, _, _ := strings.Cut(field, ".")
	return slices.Contains(derive.Names(kind), name)
}

// window cuts the text of a value around what matched.
func window(v Value) Value {
	if len(v.Text) <= maxText {
		return v
	}
	from := boundary(v.Text, max(0, v.From-maxBefore))
	to := boundary(v.Text, min(len(v.Text), from+maxText))
	v.Text, v.Skipped = v.Text[from:to], from
	v.From, v.To = v.From-from, min(v.To, to)-from
	return v
}

// boundary is the beginning of the character that is at a place of a text.
func boundary(text string, at int) int {
	for at > 0 && at < len(text) && !utf8.RuneStart(text[at]) {
		at--
	}
	return at
}

// Hide takes the texts of an event out of w.
func (w *Why) Hide() {
	for _, checks := range append([][]Check{w.Checks}, filterChecks(w.Filters)...) {
		for i := range checks {
			hide(checks[i].Fields)
		}
	}
	if w.Lifter != nil {
		hide(w.Lifter.Fields)
	}
}

func filterChecks(filters []Filter) [][]Check {
	out := make([][]Check, len(filters))
	for i := range filters {
		out[i] = filters[i].Checks
	}
	return out
}

func hide(fields []Field) {
	for i := range fields {
		for j := range fields[i].Values {
			v := &fields[i].Values[j]
			v.Text, v.Skipped, v.From, v.To, v.Hidden = "", 0, 0, 0, true
		}
	}
}
