// Package tagger is the vocabulary of the worker: the event that comes in, the tag that goes out, and the
// contract of whatever derives the one from the other. It imports no other package of the worker, so that
// every other package can speak it.
//
// Tagging is pure (invariant I6): AppendTags reads no clock, does no input or output and keeps no state that
// changes a result, so the same tagger gives the same tags for the same event, today, on another replica and
// in a retag a year later. What a Composite reports besides its result (log lines, counters) goes to a Monitor
// that outlives the plan.
package tagger
