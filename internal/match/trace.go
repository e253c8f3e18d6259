package match

import (
	"cmp"
	"slices"
)

// A Trace is a detection that knows what in its file its parts are. It takes more time and memory than a Detection and
// gives the same answers: it is there to say what tests of a rule have tried, and what is doubtful about it. It never
// changes and is safe for concurrent use.
type Trace struct {
	atoms    []*atom
	root     *expr
	at       Pos // of the condition, or of the first pattern
	branches []Branch
	number   map[branchKey]int // of branches, by mark
}

// A BranchKind says what part of a detection a Branch is.
type BranchKind uint8

// The kinds of branches. A Part is no alternative to others: where it stands, it must match.
const (
	Selection BranchKind = iota // what a name of the condition stands for
	Arm                         // a side of an `or` that is more than a selection; one of several conditions
	Item                        // of a selection that is a list
	Value                       // of a list of values, or of a list that it expands to
	Pattern                     // a regular expression of Patterns
	Part                        // a value alone, or one of several that must all match
)

// String is what people call such a branch.
func (k BranchKind) String() string {
	switch k {
	case Selection:
		return "selection"
	case Arm:
		return "condition"
	case Item:
		return "item"
	case Pattern:
		return "pattern"
	default:
		return "value"
	}
}

// A Branch is a part of a detection as its file has it.
type Branch struct {
	Pos

	Kind    BranchKind
	Text    string // the name of the selection, the value behind its key, the pattern
	Negated bool   // it stands behind a `not`: an exception
}

// A branchKey is a mark under an even or odd number of negations.
type branchKey struct {
	mark    *Branch
	negated bool
}

// NewTrace compiles a detection as Compile does.
func NewTrace(n *Node, o Options) (*Trace, error) {
	c := &compiler{Options: o, tracing: true}
	e, err := c.compile(n)
	if err != nil {
		return nil, err
	}
	return c.trace(e, conditionOf(n).Pos), nil
}

// conditionOf is the condition of a detection that compiles.
func conditionOf(n *Node) *Node {
	at := slices.IndexFunc(n.Keys, func(key *Node) bool { return key.Text == "condition" })
	return n.Items[at]
}

// TracePatterns is the trace of Patterns. at is where each expression stands.
func TracePatterns(fields []string, exprs []Expression, at []Pos) *Trace {
	c := &compiler{ids: map[atomKey]int32{}, tracing: true}
	kids := make([]*expr, len(exprs))
	for i, e := range exprs {
		kids[i] = c.mark(Pattern, at[i], e.String(), c.pattern(fields, e, true))
	}
	var first Pos
	if len(at) > 0 {
		first = at[0]
	}
	return c.trace(join(exprOr, kids), first)
}

// mark makes a branch of an expression, if anybody wants to know.
func (c *compiler) mark(kind BranchKind, at Pos, text string, e *expr) *expr {
	if !c.tracing {
		return e
	}
	return &expr{op: exprMark, kids: []*expr{e}, mark: &Branch{Pos: at, Kind: kind, Text: text}}
}

// arm marks a side of an or, but for one that is a branch, or several of them, already.
func (c *compiler) arm(at Pos, text string, e *expr) *expr {
	if e.op == exprMark || e.op == exprOr {
		return e
	}
	return c.mark(Arm, at, text, e)
}

// textOf is how a value is shown: behind its key, if it has one.
func textOf(key *Node, value string) string {
	if key.Text == "" || key.Text == value {
		return value
	}
	return key.Text + ": " + value
}

func (c *compiler) trace(e *expr, at Pos) *Trace {
	t := &Trace{atoms: c.atoms, root: e, at: at, number: map[branchKey]int{}}
	var keys []branchKey
	seen := map[branchKey]bool{}
	t.walk(e, false, func(e *expr, negated bool) bool {
		key := branchKey{e.mark, negated}
		if e.op == exprMark && !seen[key] {
			seen[key] = true
			keys = append(keys, key)
		}
		return true
	})
	slices.SortStableFunc(keys, func(a, b branchKey) int {
		return cmp.Or(cmp.Compare(a.mark.Line, b.mark.Line), cmp.Compare(a.mark.Col, b.mark.Col))
	})
	for i, key := range keys {
		b := *key.mark
		b.Negated = key.negated
		t.branches, t.number[key] = append(t.branches, b), i
	}
	return t
}

// walk calls visit for each node below e, e first, which says whether to go on below it.
func (t *Trace) walk(e *expr, negated bool, visit func(e *expr, negated bool) bool) {
	if !visit(e, negated) {
		return
	}
	for _, k := range e.kids {
		t.walk(k, negated != (e.op == exprNot), visit)
	}
}

// Branches lists the branches in file order. A selection that the condition names both for itself and behind a `not` is
// two; one that it does not name is none.
func (t *Trace) Branches() []Branch { return slices.Clone(t.branches) }

// Cover sets covered, by number of the branch, for those on which the answer for a document rests: what holds where the
// detection matches, and is not in an alternative that does not; and of an exception what holds where the detection
// does not match and would without it. It reports whether the detection matches.
func (t *Trace) Cover(doc *Document, covered []bool) bool {
	w := world{trace: t, atoms: make([]bool, len(t.atoms))}
	for i, a := range t.atoms {
		w.atoms[i] = a.in(doc)
	}
	cover := func(e *expr, negated bool) {
		if e.op == exprMark && w.holds(e) {
			covered[t.number[branchKey{e.mark, negated}]] = true
		}
	}
	if w.holds(t.root) {
		w.reasons(t.root, false, cover)
		return true
	}
	for _, exception := range t.exceptions() {
		without := w
		if without.off = exception; without.holds(t.root) {
			w.reasons(exception.kids[0], true, cover)
		}
	}
	return false
}

// exceptions are the negations that are not below others, each once.
func (t *Trace) exceptions() []*expr {
	var all []*expr
	t.walk(t.root, false, func(e *expr, _ bool) bool {
		if e.op == exprNot && !slices.Contains(all, e) {
			all = append(all, e)
		}
		return e.op != exprNot
	})
	return all
}

// A world is what is true of a document.
type world struct {
	trace *Trace
	atoms []bool
	off   *expr // a negation whose exception is taken not to hold; nil = none
}

func (w *world) holds(e *expr) bool {
	switch e.op {
	case exprAtom:
		return w.atoms[e.atom]
	case exprNot:
		return e == w.off || !w.holds(e.kids[0])
	case exprMark:
		return w.holds(e.kids[0])
	default:
		return slices.ContainsFunc(e.kids, func(k *expr) bool { return w.holds(k) == (e.op == exprOr) }) == (e.op == exprOr)
	}
}

// reasons visits e and what below it makes it true or false as it is.
func (w *world) reasons(e *expr, negated bool, visit func(e *expr, negated bool)) {
	visit(e, negated)
	holds := w.holds(e)
	for _, k := range e.kids {
		if e.op == exprNot || w.holds(k) == holds {
			w.reasons(k, negated != (e.op == exprNot), visit)
		}
	}
}
