// Package registry asks a schema registry of Confluent's kind: which schema an id stands for, which id our schemas
// have, and has ours registered. It is the only home of the client library.
//
// A Client asks once and says what came of it: an answer, "I do not have it" (ErrNotFound), or no answer at all
// (OutageError). A Resolver stands beside the flow: a batch that meets a schema that wire does not know leaves the
// question here and comes back when it is answered. What is learned is kept for ever, as a schema never changes under
// its id, so that an outage is felt only by records of schemas that nobody has met before: they wait, for as long as it
// takes.
package registry
