package rule

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"ttpworker/internal/yamlx"
)

// A List is a shared list: values that the modifier expand puts into detections. It is never changed once ParseLists
// has returned it.
type List struct {
	Name   string
	Values []string // texts of the detection language, so * and ? are wildcards; one at least, none empty
	Path   string   // its file, as given to ParseLists

	pos yamlx.Pos
}

// Lists are the shared lists that rules may use, by name. nil has none.
type Lists map[string]*List

// ParseLists reads one file of shared lists of at most maxBytes: a mapping of names to lists of texts. path is what
// errors and List.Path say; nothing is opened. Lists come back in file order. The error joins one *Error per fault, in
// file order; there are no lists then.
func ParseLists(path string, data []byte, maxBytes int) ([]*List, error) {
	doc, err := yamlx.Parse(data, maxBytes)
	if err != nil {
		return nil, placed(path, err)
	}
	rep := newReport(doc)
	var written map[string][]string
	if err := doc.Decode(&written); err != nil {
		rep.addAll(err)
	} else if len(written) == 0 {
		rep.fault(errors.New("there is no list: names, each with a list of texts"))
	}
	var lists []*List
	for _, name := range slices.Sorted(maps.Keys(written)) {
		l := &List{Name: name, Values: written[name], Path: path, pos: doc.At(name)}
		if !IsID(name) {
			rep.fault(fmt.Errorf("name %q of a list: 1 to 128 of A-Z a-z 0-9 _ . -", name), name)
		}
		if len(l.Values) == 0 {
			rep.fault(fmt.Errorf("list %q is empty", name), name)
		}
		for i, value := range l.Values {
			if value == "" {
				rep.fault(errors.New("value is empty: it would be in every text"), name, i)
			}
		}
		lists = append(lists, l)
	}
	if err := rep.err(path, ""); err != nil {
		return nil, err
	}
	slices.SortFunc(lists, func(a, b *List) int {
		return cmp.Or(cmp.Compare(a.pos.Line, b.pos.Line), cmp.Compare(a.pos.Col, b.pos.Col))
	})
	return lists, nil
}

// DuplicateList is the fault of l against the list of the same name that is in force; it names both files.
func DuplicateList(l, inForce *List) error {
	return &Error{
		File: l.Path, Line: l.pos.Line, Col: l.pos.Col, Err: fmt.Errorf("duplicate list %q: %s has it already", l.Name, inForce.Path),
	}
}

// TooManyLists is the fault of a list that is one more than may be in force.
func TooManyLists(l *List, limit int) error {
	return &Error{
		File: l.Path, Line: l.pos.Line, Col: l.pos.Col,
		Err: fmt.Errorf("list %q: there are %d shared lists already, as many as may be in force (limits.rules)", l.Name, limit),
	}
}

// ReadLists reads every file of shared lists below root of fsys, as Read does rules. No root is no list. It returns
// the good lists by name and, joined, the faults of all files and directories in path order. Of two lists of one name
// the first in path order is good, but for those in before, which were read already.
func ReadLists(fsys fs.FS, root, prefix string, maxBytes int, before Lists) (Lists, error) {
	lists := maps.Clone(before)
	if lists == nil {
		lists = Lists{}
	}
	if info, err := fs.Stat(fsys, root); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return lists, nil
	}
	err := walkFiles(fsys, root, prefix, maxBytes, "", func(path string, data []byte) error {
		read, err := ParseLists(path, data, maxBytes)
		errs := []error{err}
		for _, l := range read {
			if other := lists[l.Name]; other != nil {
				errs = append(errs, DuplicateList(l, other))
				continue
			}
			lists[l.Name] = l
		}
		return errors.Join(errs...)
	})
	return lists, err
}

// A lookup finds the values of a list by its name.
type lookup func(name string) (values []string, known bool)

// lookup finds lists of own before shared ones, and notes in the report which of the latter were asked for.
func (r *report) lookup(own map[string][]string) lookup {
	return func(name string) ([]string, bool) {
		if values, known := own[name]; known {
			return values, true
		}
		r.asked[name] = true
		if l := r.lists[name]; l != nil {
			return l.Values, true
		}
		return nil, false
	}
}

// in finds lists among values.
func in(values map[string][]string) lookup {
	return func(name string) ([]string, bool) {
		list, known := values[name]
		return list, known
	}
}
