package match

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// The names of the warnings about detections. Rules acknowledge warnings by these names, so they never change.
const (
	AlwaysTrue   = "always-true"
	MatchesEmpty = "matches-empty"
	ShortLiteral = "short-literal"
	NoLiteral    = "no-literal"
	LargeRegexp  = "large-regexp"
)

// A Warning is something about a detection that is allowed but hardly meant, or costly.
type Warning struct {
	Pos

	Name string // one of the names above
	Err  error  // what it is and what to do
}

// largeRegexp is from how many instructions on an expression is worth a warning. Without a way to decide in one pass, it
// takes as many steps per character at the worst.
const largeRegexp = 2_500

// shortLiteral is how many bytes a literal should have that decides alone; one with other characters than letters,
// digits and spaces may have one less, as those are rarer; one character of another alphabet can be all that there is to
// find.
const shortLiteral = 4

// Lint says what is doubtful about a detection, in no order.
func (t *Trace) Lint() []Warning {
	l := &linter{Trace: t}
	if empty := (&Document{&element{names: []string{}}}); t.Cover(empty, make([]bool, len(t.branches))) {
		l.warn(t.at, MatchesEmpty, "matches an event that has none of its fields, so it is evaluated on every event: "+
			"add a selection that the event must match, such as a field with |exists: true")
	} else if culprits, gated := l.loose(t.root, false, nil); !gated {
		l.noLiteral(culprits)
	}
	l.always(t.root)
	l.short(t.root, nil)
	for _, b := range l.regexps() {
		if n := mustParse(b.expr).instructions(); n >= largeRegexp {
			l.warn(b.at.Pos, LargeRegexp, "regular expression compiles to %d instructions, which makes each character that it is tried on dear: "+
				"split it into several, or write {n,m} with smaller numbers", n)
		}
	}
	return l.warnings
}

// A linter collects warnings about a detection.
type linter struct {
	*Trace

	warnings []Warning
}

func (l *linter) warn(at Pos, name, format string, args ...any) {
	l.warnings = append(l.warnings, Warning{at, name, fmt.Errorf(format, args...)})
}

// always warns of what every event matches that has the field: a selection, a pattern, or a value beside which others
// add nothing. A value that stands beside other conditions may be there to say that the field must be.
func (l *linter) always(e *expr) {
	switch e.op {
	case exprAtom, exprNot:
		return
	case exprMark:
		switch kind := e.mark.Kind; {
		case kind != Selection && kind != Value && kind != Pattern || !l.anything(e):
		case kind == Value:
			l.warn(e.mark.Pos, AlwaysTrue, "every text of the field matches, so the other values of the list add nothing: drop it or them")
			return
		default:
			l.warn(l.cause(e).Pos, AlwaysTrue, "every event that has the field matches: say what its text must be, or give the field |exists: true if that is meant")
			return
		}
	default: // what is below decides
	}
	for _, k := range e.kids {
		l.always(k)
	}
}

// anything reports whether every event that has the fields matches.
func (l *linter) anything(e *expr) bool {
	switch e.op {
	case exprAtom:
		return l.atoms[e.atom].anyText()
	case exprNot:
		return false
	case exprOr:
		return slices.ContainsFunc(e.kids, l.anything)
	default:
		return !slices.ContainsFunc(e.kids, func(k *expr) bool { return !l.anything(k) })
	}
}

// cause is the innermost branch of something that is anything.
func (l *linter) cause(e *expr) *Branch {
	cause := e.mark
	for len(e.kids) > 0 {
		at := slices.IndexFunc(e.kids, l.anything)
		if at < 0 {
			break
		}
		if e = e.kids[at]; e.mark != nil {
			cause = e.mark
		}
	}
	return cause
}

// unlike are texts that have next to nothing in common: what matches each of them matches nearly all.
var unlike = []string{"a", "Q", "0", "/", "-", "ls -la", "GET", "10.0.0.1", "{\"k\":1}", "wget http://host.example/x;id"}

// anyText reports whether an atom is true of all texts, or nearly all.
func (a *atom) anyText() bool {
	switch a.op {
	case opContains, opPrefix, opSuffix:
		return a.text == ""
	case opRegexp:
		re, err := regexp.Compile(a.expression())
		return err == nil && !slices.ContainsFunc(unlike, func(text string) bool { return !re.MatchString(text) })
	default:
		return false
	}
}

// short warns of literals that decide alone and are so short that they are in texts that have nothing to do with it.
// Beside another condition a short one is often all there is to say.
func (l *linter) short(e *expr, at *Branch) {
	if e.mark != nil {
		at = e.mark
	}
	switch e.op {
	case exprAtom:
		if text := l.atoms[e.atom].shortText(); text != "" && at != nil {
			l.warn(at.Pos, ShortLiteral, "%q is looked for anywhere and decides alone, and so short a text is in many others: "+
				"make it longer, give it boundaries (\\b in a regular expression), or add a condition", text)
		}
	case exprNot:
	case exprAnd:
		positive := slices.DeleteFunc(slices.Clone(e.kids), isNot)
		if len(positive) == 1 {
			l.short(positive[0], at)
		}
	default:
		for _, k := range e.kids {
			l.short(k, at)
		}
	}
}

func isNot(e *expr) bool {
	for e.op == exprMark {
		e = e.kids[0]
	}
	return e.op == exprNot
}

// shortText is the text of an atom that looks for no more than that, anywhere, if it is short; else "".
func (a *atom) shortText() string {
	switch a.op {
	case opContains:
		if isShortText(a.text) {
			return strings.ToLower(a.text)
		}
	case opRegexp:
		if re, err := syntax.Parse(a.expression(), syntax.Perl); err == nil {
			return shortIn(re.Simplify())
		}
	default: // bound to an end of the text, or more than one text
	}
	return ""
}

// shortIn is a short text that is all that an expression, or one of its alternatives, looks for.
func shortIn(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		if text := string(re.Rune); isShortText(text) {
			return text
		}
	case syntax.OpCapture, syntax.OpAlternate:
		for _, sub := range re.Sub {
			if text := shortIn(sub); text != "" {
				return text
			}
		}
	default: // more than a text
	}
	return ""
}

func isShortText(text string) bool {
	least := shortLiteral
	if strings.ContainsFunc(text, func(r rune) bool { return r != ' ' && !isWord(r) }) {
		least--
	}
	return text != "" && len(text) < least && !strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
}

// loose returns the regular expressions that stand in the way of a necessary condition of e that the scan can see, or
// whether there is one: see Builder.anchor. What is cheap to ask once its field is there counts as one.
func (l *linter) loose(e *expr, negated bool, at *Branch) (culprits []*Branch, gated bool) {
	if e.mark != nil {
		at = e.mark
	}
	switch e.op {
	case exprAtom:
		if a := l.atoms[e.atom]; negated || a.field == keywordField && a.op == opContains && !scannable(a.op, a.text) {
			return nil, false
		} else if a.op != opRegexp && a.op != opGlob && a.op != opCased || a.hasLiteral() {
			return nil, true
		}
		return []*Branch{at}, false
	case exprMark:
		return l.loose(e.kids[0], negated, at)
	case exprNot:
		return l.loose(e.kids[0], !negated, at)
	default: // exprAnd, exprOr
	}
	all := (e.op == exprOr) != negated
	gated = all
	for _, k := range e.kids {
		some, ok := l.loose(k, negated, at)
		if ok && !all {
			return nil, true
		}
		gated = gated && ok
		for _, b := range some {
			if !slices.Contains(culprits, b) {
				culprits = append(culprits, b)
			}
		}
	}
	return culprits, gated
}

// hasLiteral reports whether the scan can look for something that each match has.
func (a *atom) hasLiteral() bool {
	return len(a.needs) > 0 && !slices.ContainsFunc(a.needs, func(text string) bool { return !scannable(a.needOp, text) })
}

func (l *linter) noLiteral(culprits []*Branch) {
	if len(culprits) == 0 {
		l.warn(l.at, NoLiteral, "evaluated on every event of its kinds: no word and no field that each match has; add a selection that the event must match")
		return
	}
	more := ""
	if n := len(culprits) - 1; n > 0 {
		more = fmt.Sprintf(", as %d more are", n)
	}
	l.warn(culprits[0].Pos, NoLiteral, "tried on every event that has the field%s, as there is no text of two characters or more that each match has: "+
		"give each alternative a word of its own, or add a condition that needs one", more)
}

// A placedRegexp is a regular expression and a branch that it is in.
type placedRegexp struct {
	expr string
	at   *Branch
}

// regexps lists the expressions, each once.
func (l *linter) regexps() []placedRegexp {
	var all []placedRegexp
	seen := map[string]bool{}
	for _, b := range l.marks() {
		l.walk(b.kids[0], false, func(e *expr, _ bool) bool {
			if e.op == exprMark {
				return false // the inner one is the place
			}
			if e.op == exprAtom && l.atoms[e.atom].op == opRegexp {
				if expr := l.atoms[e.atom].expression(); !seen[expr] {
					seen[expr] = true
					all = append(all, placedRegexp{expr, b.mark})
				}
			}
			return true
		})
	}
	return all
}

// marks lists the branches, each once.
func (t *Trace) marks() []*expr {
	var all []*expr
	seen := map[*Branch]bool{}
	t.walk(t.root, false, func(e *expr, _ bool) bool {
		if e.op == exprMark && !seen[e.mark] {
			seen[e.mark] = true
			all = append(all, e)
		}
		return true
	})
	return all
}
