// Package explain says why a tag is there, or why a rule gives none on an event: what of the rule matched, where in the
// event, and what failed first. It evaluates one rule on one event, by the reference that the engine is held against and
// by the engine itself, and knows nothing of Kafka. Its types are what `worker explain --output json` writes: their names
// are stable.
package explain
