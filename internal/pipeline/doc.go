// Package pipeline is the story of one batch: a record is decoded, tagged, and its tags encoded for the
// transaction. It holds the plan in force and follows the rule store to swap it; and it holds the only switch
// over what a bad record is, so that whatever comes in becomes tags or a dead letter, never a stopped partition.
//
// A batch takes its plan once, at Begin, and keeps it to the end (I5).
package pipeline
