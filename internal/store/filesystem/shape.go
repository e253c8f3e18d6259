package filesystem

import (
	"bytes"
	"slices"
)

// A shape is what tells a whole file from the beginning of one.
type shape struct {
	keys    []string // top-level keys of the mapping, sorted
	newline bool     // ends with one
}

func shapeOf(data []byte) shape {
	s := shape{newline: bytes.HasSuffix(data, []byte("\n"))}
	for line := range bytes.Lines(data) {
		if key, _, ok := bytes.Cut(line, []byte(":")); ok && isKey(key) {
			s.keys = append(s.keys, string(key))
		}
	}
	slices.Sort(s.keys)
	return s
}

// isKey reports whether b is letters and underscores only: a cheap look, no YAML. A line of a block text is indented
// and so is none.
func isKey(b []byte) bool {
	return len(b) > 0 && !bytes.ContainsFunc(b, func(r rune) bool {
		return r != '_' && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// cut reports whether s looks like the version old with its end missing: it lost the final newline or a key.
// Editing may do that too, so it is a reason to wait, no more.
func (s shape) cut(old shape) bool {
	if old.newline && !s.newline {
		return true
	}
	return slices.ContainsFunc(old.keys, func(k string) bool {
		_, has := slices.BinarySearch(s.keys, k)
		return !has
	})
}
