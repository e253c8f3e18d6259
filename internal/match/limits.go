package match

import (
	"errors"
	"fmt"
)

// Limits bound what one detection may cost. The zero value stands for DefaultLimits.
type Limits struct {
	Regexp    int `yaml:"regexp_size" env:"REGEXP_SIZE"`       // instructions of a compiled regular expression
	Expansion int `yaml:"expansion" env:"EXPANSION"`           // values that one value may become by windash, base64offset and expand
	Atoms     int `yaml:"detection_size" env:"DETECTION_SIZE"` // values of one detection, after expansion
}

// DefaultLimits are far above what any known rule needs: the largest of the public Sigma rules has some 600 values.
func DefaultLimits() Limits { return Limits{Regexp: 10_000, Expansion: 4_096, Atoms: 20_000} }

// Validate reports everything that is wrong, joined.
func (l Limits) Validate() error {
	var errs []error
	for _, f := range []struct {
		key   string
		value int
	}{{"regexp_size", l.Regexp}, {"expansion", l.Expansion}, {"detection_size", l.Atoms}} {
		if f.value < 1 {
			errs = append(errs, fmt.Errorf("limits.%s %d is less than 1", f.key, f.value))
		}
	}
	return errors.Join(errs...)
}

// Options are what a detection is compiled with. The zero value renames no field, has no lists, and the default limits.
type Options struct {
	Fields map[string]string                  // field as the detection names it -> payload path; others stay as they are
	Lists  func(name string) ([]string, bool) // values of a placeholder (modifier expand); nil = there are none
	Limits Limits
}

// An Error is one fault of a detection and its place.
type Error struct {
	Pos
	Err error
}

// Error says line:column: what is wrong.
func (e *Error) Error() string { return fmt.Sprintf("%d:%d: %v", e.Line, e.Col, e.Err) }

// Unwrap returns the fault without its place.
func (e *Error) Unwrap() error { return e.Err }
