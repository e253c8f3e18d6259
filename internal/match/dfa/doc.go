// Package dfa says whether a regular expression matches anywhere in a text, and not where. It gives the answer of
// regexp.Regexp.Match for every expression and every text, invalid UTF-8 included, some thirty times as fast.
//
// The automaton is that of the program which regexp/syntax makes of an expression: a state is the set of instructions
// that may be next. What is known of a state is a row of a table, with a column for each class of characters that the
// program tells apart, so that a byte of a text is one look-up. States are made when a text first leads to them: an
// expression that no text has met costs its syntax tree, and one that has millions of states has those that occur.
//
// Attackers choose texts. A table is bounded, and so is how many states one text may make; what is left of such a text is
// followed without a table, in time linear in the text and the program. Other texts go on with the table, and a full one
// is given up for an empty one.
//
// States know little of what stands around them. Assertions that look back (^ and \A) are decided when a state is made.
// Those that look ahead as well ($, \z, \b and \B) wait in the state until the next character, or the end of the text,
// is there. Characters beyond ASCII are decoded, and bytes that are no UTF-8 are U+FFFD, as everywhere in Go.
package dfa
