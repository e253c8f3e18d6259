package match

import (
	"fmt"
	"regexp/syntax"
	"slices"
)

// An Expression is a regular expression in RE2 syntax, parsed but not compiled: that takes most of the time that a rule
// takes to load, and most expressions are never asked. The zero value is none.
type Expression struct {
	name  string         // tells it from others: its text; of an alternative that of the whole and a number
	re    *syntax.Regexp // nobody changes it: alternatives share parts of it
	part  bool           // it is an alternative
	needs []string       // its literals; of what alternatives returns
}

// ParseExpression parses a regular expression as package regexp does.
func ParseExpression(text string) (Expression, error) {
	re, err := syntax.Parse(text, syntax.Perl)
	return Expression{name: text, re: re}, err
}

// mustParse parses what has been parsed before.
func mustParse(text string) Expression {
	e, err := ParseExpression(text)
	if err != nil {
		panic(fmt.Sprintf("match: regular expression that was good is bad: %v", err))
	}
	return e
}

// String is what e is written as. For alternatives it has to be made, which takes as long as to compile them.
func (e Expression) String() string {
	if e.part {
		return copied(e.re).String()
	}
	return e.name
}

// copied is re without parts that are in it twice, as those of alternatives may be: String keeps account of flags by node,
// and would leave a parenthesis open.
func copied(re *syntax.Regexp) *syntax.Regexp {
	out := *re
	out.Sub = make([]*syntax.Regexp, len(re.Sub))
	for i, sub := range re.Sub {
		out.Sub[i] = copied(sub)
	}
	return &out
}

// MatchesEmpty reports whether e matches the empty text.
func (e Expression) MatchesEmpty() bool { return matchesEmpty(e.re) }

func matchesEmpty(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpNoWordBoundary, syntax.OpStar, syntax.OpQuest:
		return true
	case syntax.OpCapture, syntax.OpPlus:
		return matchesEmpty(re.Sub[0])
	case syntax.OpRepeat:
		return re.Min == 0 || matchesEmpty(re.Sub[0])
	case syntax.OpConcat:
		return !slices.ContainsFunc(re.Sub, func(sub *syntax.Regexp) bool { return !matchesEmpty(sub) })
	case syntax.OpAlternate:
		return slices.ContainsFunc(re.Sub, matchesEmpty)
	default: // a character, or nothing at all
		return false
	}
}

// Check reports an expression that compiles to more than limit instructions.
func (e Expression) Check(limit int) error {
	if mostInstructions(e.re) <= limit {
		return nil
	}
	if n := e.instructions(); n > limit {
		return fmt.Errorf("regular expression has %d instructions, more than the limit of %d (limits.regexp_size)", n, limit)
	}
	return nil
}

// instructions is the size of e compiled.
func (e Expression) instructions() int {
	prog, err := syntax.Compile(e.re.Simplify())
	if err != nil {
		return 0
	}
	return len(prog.Inst)
}

// mostInstructions is no less than the size of an expression compiled. The compiler makes one instruction per character,
// class and assertion, one per alternative, and two at most of the other nodes and for the whole.
func mostInstructions(re *syntax.Regexp) int {
	n := 3
	if re.Op == syntax.OpLiteral {
		n += len(re.Rune)
	}
	for _, sub := range re.Sub {
		n += mostInstructions(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1) // it is written out
	}
	return n
}
