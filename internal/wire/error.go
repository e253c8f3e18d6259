package wire

import (
	"fmt"
	"strings"
)

// A Class says in one word why a record cannot be used: the value of the header ttp-error-class of dead letters.
type Class string

// The classes, from the outside in. OutputTooLarge is not found here: it is for a record that decodes but whose
// results are over the broker's limit.
const (
	Undecodable    Class = "undecodable"      // no framing that we know, or a broken one
	UnknownSchema  Class = "unknown_schema"   // a fingerprint or id that nobody told us about
	NotObject      Class = "not_object"       // the payload is not the text of one JSON object
	TooLarge       Class = "too_large"        // the payload is over limits.payload_bytes or limits.fields
	TooDeep        Class = "too_deep"         // the payload nests deeper than limits.depth
	BadField       Class = "bad_field"        // another field is missing, of the wrong type or out of range
	OutputTooLarge Class = "output_too_large" // what the record leads to is too large
)

// Classes lists all classes.
func Classes() []Class {
	return []Class{Undecodable, UnknownSchema, NotObject, TooLarge, TooDeep, BadField, OutputTooLarge}
}

// ClassNames names all classes, for messages.
func ClassNames() string {
	names := make([]string, len(Classes()))
	for i, c := range Classes() {
		names[i] = string(c)
	}
	return strings.Join(names, ", ")
}

// An Error is a fault of a record: trying again does not help. It is always malformed input, never ours.
type Error struct {
	Class Class
	Err   error
}

// Error begins with the class.
func (e *Error) Error() string { return string(e.Class) + ": " + e.Err.Error() }

// Unwrap gives the fault itself.
func (e *Error) Unwrap() error { return e.Err }

// faultf makes an *Error.
func faultf(class Class, format string, args ...any) *Error {
	return &Error{Class: class, Err: fmt.Errorf(format, args...)}
}
