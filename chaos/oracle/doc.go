// Package oracle says whether what the workers wrote is right. It knows what was written to the input, every content
// that a rule file had and every order that was given, and what the topics hold; it asks the workers nothing. It sees
// slices, no Kafka, so that it can be tested by giving it what is wrong.
package oracle
