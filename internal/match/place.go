package match

import (
	"strconv"
	"strings"
)

// A located is a scalar of a document with the path to it: names of members and numbers of elements, from 0, with dots.
type located struct {
	path  string
	value *value
}

// places are what field gives, with their paths.
func (d *Document) places(field string) (found []located, present bool) {
	if field == keywordField {
		return d.root.leaves("", nil), true
	}
	var ends []end
	if ends = d.root.walk(strings.Split(field, "."), "", nil); len(ends) == 0 {
		if literal := d.root.member(field); literal != nil {
			ends = append(ends, end{field, literal})
		}
	}
	for _, e := range ends {
		found = e.element.leaves(e.path, found)
	}
	return found, len(ends) > 0
}

// An end is what is at the end of a path.
type end struct {
	path    string
	element *element
}

// walk is lookup with paths; e is at path.
func (e *element) walk(steps []string, path string, dst []end) []end {
	switch {
	case len(steps) == 0:
		return append(dst, end{path, e})
	case e.names != nil:
		if next := e.member(steps[0]); next != nil {
			return next.walk(steps[1:], step(path, steps[0]), dst)
		}
	case e.value == nil:
		for i, b := range e.below {
			dst = b.walk(steps, step(path, strconv.Itoa(i)), dst)
		}
	}
	return dst
}

// leaves is scalars with paths; e is at path.
func (e *element) leaves(path string, dst []located) []located {
	if e.value != nil {
		return append(dst, located{path, e.value})
	}
	for i, b := range e.below {
		name := strconv.Itoa(i)
		if e.names != nil {
			name = e.names[i]
		}
		dst = b.leaves(step(path, name), dst)
	}
	return dst
}

func step(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
