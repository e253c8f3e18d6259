package wire

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// A pair is a member of a JSON object as it is written, the name with its quotation marks.
type pair struct{ name, value []byte }

// plain reports whether the name is what stands between its quotation marks, and sorts by its bytes.
func (p pair) plain() bool {
	for _, c := range p.name {
		if c == '\\' || c >= 0x80 {
			return false
		}
	}
	return true
}

// compare orders plain names.
func (p pair) compare(q pair) int {
	return bytes.Compare(p.name[1:len(p.name)-1], q.name[1:len(q.name)-1])
}

// appendPairs appends the members of text, a JSON object that has passed check, in their order.
func appendPairs(dst []pair, text []byte) []pair {
	s := skim{text: text}
	for i := s.space(1); i < len(text) && text[i] == '"'; {
		end := s.quoted(i + 1)
		name := text[i:end]
		i = s.space(s.space(end) + 1) // behind the colon
		end = s.value(i)
		dst = append(dst, pair{name, text[i:end:end]})
		if i = s.space(end); s.at(i) == ',' {
			i = s.space(i + 1)
		}
	}
	return dst
}

// value is the end of the value at i of a text that has passed check.
func (s *skim) value(i int) int {
	depth := 0
	for i < len(s.text) {
		switch s.text[i] {
		case '"':
			i = s.quoted(i + 1)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\t', '\r', '\n':
			i++
			continue
		default:
			i = s.scalar(i)
		}
		if depth == 0 {
			return i
		}
	}
	return i
}

// appendCanonical appends a JSON value that has passed check in its canonical form (RFC 8785). What cowrie writes most is
// in that form already, or nearly so; the JSON library sees to the rest.
func appendCanonical(dst, v []byte) ([]byte, error) {
	switch v[0] {
	case '"':
		if bytes.IndexByte(v, '\\') < 0 {
			return append(dst, v...), nil
		}
	case 't', 'f', 'n':
		return append(dst, v...), nil
	case '[':
		return appendCanonicalArray(dst, v)
	case '{':
	default:
		if canonicalInteger(v) {
			return append(dst, v...), nil
		}
	}
	return appendCanonicalByLibrary(dst, v)
}

func appendCanonicalByLibrary(dst, v []byte) ([]byte, error) {
	form := jsontext.Value(bytes.Clone(v)) // it is written to
	if err := form.Canonicalize(jsontext.AllowDuplicateNames(true)); err != nil {
		return dst, err
	}
	return append(dst, form...), nil
}

func appendCanonicalArray(dst, v []byte) ([]byte, error) {
	dst = append(dst, '[')
	s := skim{text: v}
	for i := s.space(1); v[i] != ']'; {
		end := s.value(i)
		var err error
		if dst, err = appendCanonical(dst, v[i:end]); err != nil {
			return dst, err
		}
		if i = s.space(end); v[i] == ',' {
			dst = append(dst, ',')
			i = s.space(i + 1)
		}
	}
	return append(dst, ']'), nil
}

// canonicalInteger reports whether a number is an integer that every double holds exactly, in its canonical form. Others
// may be, too.
func canonicalInteger(v []byte) bool {
	const exact = 15 // decimal digits
	if len(v) > exact || v[0] == '-' && v[1] == '0' {
		return false
	}
	for i, c := range v {
		if (c < '0' || c > '9') && (c != '-' || i > 0) {
			return false
		}
	}
	return true
}

// appendCanonicalObject appends the object of pairs, whose names are plain and in order, in its canonical form.
func appendCanonicalObject(dst []byte, pairs []pair) ([]byte, error) {
	dst = append(dst, '{')
	for i, p := range pairs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(dst, p.name...), ':')
		var err error
		if dst, err = appendCanonical(dst, p.value); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}
