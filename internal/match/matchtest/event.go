package matchtest

import (
	"slices"
	"strings"
)

// An event is the fields of a payload, in their order.
type event []field

// A field is a name, whose dots lead into nested objects, and a value: a text, or JSON as it will be written.
type field struct {
	name  string
	value string
	raw   bool
}

// add adds a text. Nothing is looked for: the makers of events use a name once.
func (e *event) add(name, text string) { *e = append(*e, field{name: name, value: text}) }

// addRaw adds a number or other JSON.
func (e *event) addRaw(name, json string) { *e = append(*e, field{name: name, value: json, raw: true}) }

// field returns the field of a name, made if it is missing. It is valid until the next call.
func (e *event) field(name string) *field {
	for i := range *e {
		if (*e)[i].name == name {
			return &(*e)[i]
		}
	}
	e.add(name, "")
	return &(*e)[len(*e)-1]
}

// append appends the event as JSON. It brings the fields of a nested object together.
func (e event) append(dst []byte) []byte {
	if slices.ContainsFunc(e, func(f field) bool { return strings.Contains(f.name, ".") }) {
		slices.SortStableFunc(e, func(a, b field) int { return strings.Compare(a.name, b.name) })
	}
	dst = append(dst, '{')
	open := "" // the object that is open, with its last dot
	for i, f := range e {
		shared := sharedObjects(open, f.name)
		for range strings.Count(open[shared:], ".") {
			dst = append(dst, '}')
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		rest := f.name[shared:]
		for {
			dot := strings.IndexByte(rest, '.')
			if dot < 0 {
				break
			}
			dst = append(appendString(dst, rest[:dot]), ':', '{')
			rest = rest[dot+1:]
		}
		dst = append(appendString(dst, rest), ':')
		if f.raw {
			dst = append(dst, f.value...)
		} else {
			dst = appendString(dst, f.value)
		}
		open = f.name[:len(f.name)-len(rest)]
	}
	for range strings.Count(open, ".") + 1 {
		dst = append(dst, '}')
	}
	return dst
}

// sharedObjects is the length of the longest prefix of open that ends in a dot and begins name too.
func sharedObjects(open, name string) int {
	shared := 0
	for i := range min(len(open), len(name)) {
		if open[i] != name[i] {
			break
		}
		if open[i] == '.' {
			shared = i + 1
		}
	}
	return shared
}

// appendString appends a text as a JSON string with the fewest escapes.
func appendString(dst []byte, s string) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
	}
	return append(append(dst, s[start:]...), '"')
}
