package rule

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"ttpworker/internal/yamlx"
)

const (
	maxItems  = 1000 // of a list in a rule: items are compared with each other
	maxFaults = 100  // told of one file: nobody reads more
)

// A report collects what is wrong with one file.
type report struct {
	doc      *yamlx.Doc
	errs     []*yamlx.Error
	at       map[yamlx.Pos]bool // where they are
	warnings []warning
	filter   bool // the file is a Sigma filter
	lists    Lists
	asked    map[string]bool // names of shared lists, there or not
}

// A warning is what is doubtful about a file, under its name.
type warning struct {
	*yamlx.Error

	name string
}

func newReport(doc *yamlx.Doc) *report {
	return &report{doc: doc, at: map[yamlx.Pos]bool{}, asked: map[string]bool{}}
}

// fault reports what is wrong with the value at path. Of a value that has a fault already it is left out: the first
// says why. A key that is missing has no value, and stands where its mapping does.
func (r *report) fault(err error, path ...any) {
	p, missing := r.doc.Find(path...)
	switch {
	case missing:
		r.errs = append(r.errs, &yamlx.Error{Pos: p, Err: err})
	case !r.at[p]:
		r.add(&yamlx.Error{Pos: p, Err: err})
	}
}

func (r *report) add(e *yamlx.Error) {
	r.errs = append(r.errs, e)
	r.at[e.Pos] = true
}

// addAll adds the faults that yamlx or match has joined.
func (r *report) addAll(err error) {
	for _, fault := range yamlx.Faults(err) {
		if e, ok := errors.AsType[*yamlx.Error](fault); ok {
			r.add(e)
		}
	}
}

// warn notes what is doubtful about the value at path but no reason to refuse the file.
func (r *report) warn(name string, err error, path ...any) {
	r.warnings = append(r.warnings, warning{&yamlx.Error{Pos: r.doc.At(path...), Err: err}, name})
}

// fits reports whether the list at path has at most maxItems items. If not, that is a fault, and the items are not
// worth looking at.
func (r *report) fits(items int, path ...any) bool {
	if items > maxItems {
		r.fault(fmt.Errorf("list has %d items, more than the limit of %d", items, maxItems), path...)
	}
	return items <= maxItems
}

// err joins the faults, one *Error each, in file order, the first 100 of them. id is left out if it cannot be one.
func (r *report) err(path, id string) error {
	slices.SortStableFunc(r.errs, byPlace)
	if !IsID(id) {
		id = ""
	}
	var errs []error
	for _, e := range r.errs[:min(len(r.errs), maxFaults)] {
		errs = append(errs, r.placed(path, id, e))
	}
	if more := len(r.errs) - len(errs); more > 0 {
		errs = append(errs, &Error{File: path, Rule: id, Err: fmt.Errorf("%d more faults", more)})
	}
	return errors.Join(errs...)
}

// warned are the warnings, one *Error each, in file order.
func (r *report) warned(path, id string) []error {
	slices.SortStableFunc(r.warnings, func(a, b warning) int { return byPlace(a.Error, b.Error) })
	var errs []error
	for _, w := range r.warnings[:min(len(r.warnings), maxFaults)] {
		e := r.placed(path, id, w.Error)
		e.Name = w.name
		errs = append(errs, e)
	}
	return errs
}

func (r *report) placed(path, id string, e *yamlx.Error) *Error {
	return &Error{File: path, Line: e.Line, Col: e.Col, Rule: id, Err: e.Err, filter: r.filter}
}

func byPlace(a, b *yamlx.Error) int {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
}

// placed turns an error of yamlx into one that names the file.
func placed(path string, err error) error {
	if e, ok := errors.AsType[*yamlx.Error](err); ok {
		return &Error{File: path, Line: e.Line, Col: e.Col, Err: e.Err}
	}
	return &Error{File: path, Err: err}
}
