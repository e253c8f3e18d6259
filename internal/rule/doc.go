// Package rule is the YAML format of a rule: it reads a file, says everything that is wrong with it and where,
// resolves defaults, and gives the rule its digest. It also runs the tests that rules carry. It knows what a rule
// says, not how it is evaluated: package engine compiles it, and package store decides which rules are in force.
//
// Anything wrong with a rule is found here, at load, never at evaluation.
package rule
