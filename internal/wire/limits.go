package wire

import (
	"errors"
	"fmt"
)

// maxDepth bounds Limits.Depth: far below the depth that the JSON reader itself gives up at, and deep enough for
// anything that was not made to hurt. Evidence in tags, which we wrote ourselves, may be that deep.
const maxDepth = 1000

// Limits bound what an event's payload may be.
type Limits struct {
	PayloadBytes int `yaml:"payload_bytes" env:"PAYLOAD_BYTES"` // length of the payload's text, in bytes
	Depth        int `yaml:"depth"         env:"DEPTH"`         // nesting of objects and arrays; the payload itself is depth 1
	Fields       int `yaml:"fields"        env:"FIELDS"`        // members of all its objects together; 0 = any number
}

// DefaultLimits are 1 MiB, a depth of 64 and 10000 fields.
func DefaultLimits() Limits { return Limits{PayloadBytes: 1 << 20, Depth: 64, Fields: 10_000} }

// Validate reports all limits that are out of range, joined.
func (l Limits) Validate() error {
	var errs []error
	if l.PayloadBytes < 2 {
		errs = append(errs, fmt.Errorf("limits.payload_bytes %d is too small: the shortest payload is {}, 2 bytes", l.PayloadBytes))
	}
	if l.Depth < 1 || l.Depth > maxDepth {
		errs = append(errs, fmt.Errorf("limits.depth %d is not between 1 and %d", l.Depth, maxDepth))
	}
	if l.Fields < 0 {
		errs = append(errs, fmt.Errorf("limits.fields %d is less than 0", l.Fields))
	}
	return errors.Join(errs...)
}
