// Package match is the Sigma detection language and an index that evaluates thousands of detections over one JSON
// payload at a cost that hardly grows with their number. It knows nothing of rules, files or Kafka.
//
// Compile turns a detection into a Detection: a boolean expression over atoms, each of which asks one thing of one
// field ("CommandLine contains X"). There are two ways to evaluate it. Detection.Match is the reference: it decodes
// the payload into a Document and asks one atom after the other. An Index holds many detections and scans the payload
// once: what the scan finds (literals in fields, fields that are there) makes atoms true and makes candidates of the
// detections that cannot match without it; only candidates are evaluated. Regular expressions are asked by package dfa in
// an Index, and by regexp in the reference. Both ways give the same answer for every payload, which the tests and the
// fuzz targets hold against each other.
//
// A payload is a JSON object. A field is a dotted path that leads through objects, and through arrays to each of their
// elements; where it leads nowhere, it is tried as one literal key at the top. It stands for every scalar at or below
// where it leads, so an array matches if any element does. Of equal names on the path the last one counts; below the
// end of the path, and for keywords, every value counts that is written.
//
// Texts match case-insensitively, which is Unicode simple case folding, the same as that of regular expressions: see
// Fold. Numbers and truth values match by their text. All matching takes time linear in the payload.
package match
