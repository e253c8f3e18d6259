package wire

import (
	"fmt"
	"slices"
	"strings"
)

// A Format is what the records of the input are.
type Format string

// The formats.
const (
	TaggerEvent Format = "tagger_event" // our own record, in any framing
	Cowrie      Format = "cowrie"       // the JSON events of the honeypot cowrie, one per record
)

// Formats lists all formats.
func Formats() []Format { return []Format{TaggerEvent, Cowrie} }

// Validate reports an unknown format.
func (f Format) Validate() error {
	if slices.Contains(Formats(), f) {
		return nil
	}
	return fmt.Errorf("unknown format %q; known: %s", f, FormatNames())
}

// FormatNames names all formats, for messages.
func FormatNames() string {
	names := make([]string, len(Formats()))
	for i, f := range Formats() {
		names[i] = string(f)
	}
	return strings.Join(names, ", ")
}

// A SkipReason says in one word why a good record is no event: a value of the label reason in metrics.
type SkipReason string

// The reasons.
const (
	SkipBookkeeping SkipReason = "bookkeeping"     // a session begins or ends, a log is opened or closed
	SkipEmpty       SkipReason = "empty"           // what events of its eventid are read for is missing
	SkipUnknown     SkipReason = "unknown_eventid" // an eventid that this version does not know
)

// SkipReasons lists all reasons.
func SkipReasons() []SkipReason { return []SkipReason{SkipBookkeeping, SkipEmpty, SkipUnknown} }

// A SkipError is about a good record that is no event: it tells nothing that a rule could judge. It is no fault, and
// the record is no dead letter. Only the format cowrie has such records.
type SkipError struct{ Reason SkipReason }

// Error names the reason.
func (e SkipError) Error() string { return "the record is no event: " + string(e.Reason) }
