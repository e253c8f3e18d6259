// Package engine is the tagger of the rules whose match is data. A Set compiles rules once and keeps one builder of
// package match per source kind; an Engine is what a Set was at one moment, and never changes, so readers never see half
// a rule and a change of one rule costs the work on that rule.
//
// An event meets the index of its kind, which finds the rules that match; their tags come in the order of their ids. A
// plain scan over the same rules is the reference: an Auditor holds one event in so many against it.
package engine
