// Package engine is the tagger of the rules whose match is data: it compiles them once and then asks them about
// each event. An Engine never changes, so a reload makes a new one and readers never see half a rule.
//
// Rules of one source kind are tried one by one, in the order of their ids; that order is the order of the tags. A
// pattern is tried only on texts that have one of the literals that each of its matches contains.
package engine
