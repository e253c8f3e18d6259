// Package storetest is the contract of store.Store in executable form: one subtest per promise. Every
// implementation runs it over itself. It needs nothing of the rule format, so it brings a parser of its own.
package storetest
