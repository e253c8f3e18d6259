// Command bench prints what matching costs, beside other ways to do the same: one table of events per second over the
// number of rules, then what loading, swapping one rule and keeping all of them cost. docs/performance.md tells how to
// read it.
//
// It is a module of its own, so that the worker does not depend on what it is compared with.
package main
