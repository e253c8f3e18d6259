// Package wire turns the bytes of Kafka records into events, tags and control records, and back. It stands at both
// ends of the flow, before and behind pipeline, and is the only home of Avro.
//
// A record stands in one of three framings, told apart by its content: Avro single-object encoding (C3 01, the
// fingerprint of the schema it was written with, the datum), that of a schema registry (a zero byte, the registry's id
// of the schema, the datum) or plain JSON. Avro data is read by this package itself and not by the library: lengths
// are compared with the bytes that are there before anything is allocated, a truncated datum and bytes behind it are
// errors, and a payload is not copied. The library gives schemas and fingerprints; the tests hold both directions
// against its codec.
//
// A decoder is told of schemas that are not ours by somebody who asks the registry (Decoder.Learn); this package asks
// nobody. Data under such a schema are translated into data under ours, after Avro's rules of resolution.
//
// Every error of a decoder is an *Error, whose class says why the record goes to the dead letters. No input makes
// it panic. A released schema is never edited: a change is a new version, and bytes written under every released
// one stay in testdata/released and decode for ever.
package wire
