// Package consume reads the input topics as one member of the consumer group and turns them into outputs, exactly
// once: what a batch of records gives, its dead letters and its offsets are one transaction (I1). What the
// outputs are is a Handler's business; this package knows neither events nor rules.
//
// A session is a group member and a transactional producer in one client. When the outcome of a transaction is
// unknown the session is closed and another built in its place: the group then starts again from what was
// committed, so nothing is lost or doubled.
package consume
