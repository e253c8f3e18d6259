// Package lift is the tagger of the rules whose match is code: match.kind is "lifter:" and the name of a lifter, which
// turns the rule's parameters into a function of the payload. A lifter exists only for what the detection language cannot
// say: that a value is a whole number and nothing else, the first truthy of several fields, evidence that is no field.
//
// Compile checks what a rule says to its lifter and reports faults with their places, for package rule. A Set holds the
// compiled rules and makes taggers of them as they change. A lifter is pure (I6): it sees the payload and its parameters,
// no clock and no other event. Whoever changes what a lifter finds raises engine.Semantics.
package lift
