package match

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Reason is what one part of a detection says to a document: a value, or one of a list, or a pattern.
type Reason struct {
	Branch

	Selection string // the name it stands under; "" for a pattern
	Holds     bool
	Fields    []Asked // where it was looked for; where it holds, those of them where it does, none if it is that nothing is there
}

// Asked is a field that a part of a detection asks about.
type Asked struct {
	Field   string // payload path; "" = every value, for a keyword
	Present bool
	Values  []Seen // those that the part is true of; where it does not hold, those that are there. The first of them
	More    int    // values that are left out
}

// Seen is a value of a document.
type Seen struct {
	Path string // with the numbers of elements: segments.2
	Kind string // text, number, boolean, null
	Text string
	From int // of what matched in the text, in bytes; From = To: that cannot be told, or nothing did
	To   int
}

const (
	// maxReasons bounds the reasons for one answer: one of thousands of values that a list has says what there is to say.
	maxReasons = 1000
	// maxSeen bounds the values shown of one field.
	maxSeen = 5
)

// Reasons says whether a document matches, and why, by the parts on which that rests, in the order of the condition.
// Of a match, they are those that hold, without alternatives that do not, and those of exceptions that do not
// hold; of no match, the first that would have to hold and do not, with all their alternatives, or the exception that holds.
func (t *Trace) Reasons(doc *Document) (matches bool, why []Reason) {
	w := world{trace: t, atoms: make([]bool, len(t.atoms))}
	for i, a := range t.atoms {
		w.atoms[i] = a.in(doc)
	}
	r := &reasoner{world: w, doc: doc}
	matches = w.holds(t.root)
	r.visit(t.root, "", false)
	return matches, r.reasons
}

// A reasoner collects reasons.
type reasoner struct {
	world

	doc     *Document
	reasons []Reason
}

// visit collects why e, which stands under a selection, holds or does not. negated says that it is an exception.
func (r *reasoner) visit(e *expr, selection string, negated bool) {
	if len(r.reasons) >= maxReasons {
		return
	}
	holds := r.holds(e)
	switch {
	case e.op == exprMark && !hasMark(e.kids[0]):
		r.reasons = append(r.reasons, r.reason(e, selection, negated))
	case e.op == exprMark && e.mark.Kind == Selection:
		r.visit(e.kids[0], e.mark.Text, negated)
	case e.op == exprNot:
		r.visit(e.kids[0], selection, !negated)
	case e.op == exprAnd && !holds: // the first is enough
		at := slices.IndexFunc(e.kids, func(k *expr) bool { return !r.holds(k) })
		r.visit(e.kids[at], selection, negated)
	default:
		for _, k := range e.kids {
			if r.holds(k) == holds {
				r.visit(k, selection, negated)
			}
		}
	}
}

func hasMark(e *expr) bool { return e.op == exprMark || slices.ContainsFunc(e.kids, hasMark) }

// reason is what a mark without marks below says.
func (r *reasoner) reason(e *expr, selection string, negated bool) Reason {
	out := Reason{Branch: *e.mark, Selection: selection, Holds: r.holds(e)}
	out.Negated = negated
	byField := map[string][]*atom{}
	var fields []string
	r.trace.walk(e, false, func(e *expr, _ bool) bool {
		if e.op == exprAtom {
			a := r.trace.atoms[e.atom]
			if byField[a.field] == nil {
				fields = append(fields, a.field)
			}
			byField[a.field] = append(byField[a.field], a)
		}
		return true
	})
	for _, field := range fields {
		asked := r.ask(field, byField[field], out.Holds)
		if !out.Holds || len(asked.Values) > 0 {
			out.Fields = append(out.Fields, asked)
		}
	}
	if len(out.Fields) == 0 && len(fields) > 0 { // it holds as nothing is there
		out.Fields = append(out.Fields, r.ask(fields[0], nil, false))
	}
	return out
}

// ask looks at the values of a field: at all of them, or if only is set at those that some atom is true of.
func (r *reasoner) ask(field string, atoms []*atom, only bool) Asked {
	places, present := r.doc.places(field)
	out := Asked{Field: field, Present: present}
	for _, p := range places {
		seen := Seen{Path: p.path, Kind: p.value.kind.String(), Text: string(p.value.text)}
		if only {
			at := slices.IndexFunc(atoms, func(a *atom) bool { return a.trueOf(p.value, r.doc) })
			if at < 0 {
				continue
			}
			seen.From, seen.To = atoms[at].span(p.value)
		}
		if len(out.Values) == maxSeen {
			out.More++
			continue
		}
		out.Values = append(out.Values, seen)
	}
	return out
}

// trueOf asks an atom about one value of its field.
func (a *atom) trueOf(v *value, doc *Document) bool {
	switch a.op {
	case opPresent:
		return true
	case opNull:
		return v.kind == nullValue
	case opFieldRef:
		others, _ := doc.field(a.other)
		return slices.ContainsFunc(others[:min(len(others), maxCompared)], func(o *value) bool { return a.refHolds(v, o) })
	default:
		return a.holds(v)
	}
}

// span is what of a value, which the atom is true of, it is about, in bytes. A regular expression is asked again, for where
// it is found first.
func (a *atom) span(v *value) (from, to int) {
	text := string(v.text)
	switch a.op {
	case opContains, opPrefix, opSuffix:
		folded := string(v.folded)
		at := strings.Index(folded, a.text)
		if a.op == opSuffix {
			at = len(folded) - len(a.text)
		}
		before := utf8.RuneCountInString(folded[:at])
		return runesIn(text, before), runesIn(text, before+utf8.RuneCountInString(a.text))
	case opRegexp:
		re, err := regexp.Compile(a.expression())
		if err != nil {
			return 0, 0
		}
		if at := re.FindStringIndex(text); at != nil {
			return at[0], at[1]
		}
		return 0, 0
	case opPresent, opNull:
		return 0, 0
	default:
		return 0, len(text)
	}
}

// runesIn is how many bytes the first n characters of a text take.
func runesIn(text string, n int) int {
	for i := range text {
		if n == 0 {
			return i
		}
		n--
	}
	return len(text)
}

// String names a kind as JSON does.
func (s scalar) String() string {
	switch s {
	case textValue:
		return "text"
	case numberValue:
		return "number"
	case boolValue:
		return "boolean"
	default:
		return "null"
	}
}
