package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// A scratch is what reading one record needs besides its bytes. Decoders keep them in a pool.
type scratch struct {
	buf  bytes.Buffer // the reader that dec parses without copying
	dec  *jsontext.Decoder
	avro cursor
	json members

	pairs     []pair // of an event of cowrie; its canonical form
	canonical []byte

	dirty  bool // dec knows a text
	unread []jsontext.Options
}

func newScratch() any {
	s := &scratch{unread: []jsontext.Options{jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)}}
	s.dec = jsontext.NewDecoder(&s.buf, s.unread...)
	return s
}

// parse starts reading text. Invalid UTF-8 and equal names pass, as payloads are in the hands of attackers; where
// they matter they are looked for. text is not written to.
func (s *scratch) parse(text []byte) *jsontext.Decoder {
	s.buf, s.dirty = *bytes.NewBuffer(text), true
	s.dec.Reset(&s.buf, s.unread...)
	return s.dec
}

// keptBytes is how large a buffer may be to be used again.
const keptBytes = 1 << 16

// release forgets the record.
func (s *scratch) release() {
	if s.dirty {
		s.parse(nil)
		s.dirty = false
	}
	clear(s.json.values)
	clear(s.pairs)
	if cap(s.canonical) > keptBytes {
		s.canonical = nil
	}
	s.avro, s.json = cursor{}, members{values: s.json.values[:0]}
}

// split reads a JSON object that is a record and keeps the raw value of each field of sch, "" for a missing one.
// Members of other names are skipped, as newer producers may have more. A name given twice is a fault, since two
// readers could take two different ones. Each member is within the limits' depth and fields.
func (s *scratch) split(value []byte, sch []string, limits Limits) (*members, error) {
	m := members{fields: sch, values: s.json.values[:0]}
	for range sch {
		m.values = append(m.values, nil)
	}
	dec := s.parse(value)
	if _, err := dec.ReadToken(); err != nil { // the {
		return nil, &Error{Undecodable, syntax(dec, err)}
	}
	var others map[string]struct{}
	for dec.PeekKind() != '}' {
		raw, err := dec.ReadValue()
		if err != nil {
			return nil, &Error{Undecodable, syntax(dec, err)}
		}
		i, name := m.index(raw)
		if _, twice := others[name]; twice || i >= 0 && m.values[i] != nil {
			return nil, faultf(BadField, "%.100q is given twice", name)
		}
		v, err := readMember(dec, value, limits)
		switch {
		case errors.Is(err, errTooDeep):
			return nil, faultf(TooDeep, "%.100q: %w", name, err)
		case errors.Is(err, errTooManyFields):
			return nil, faultf(TooLarge, "%.100q: %w", name, err)
		case err != nil:
			return nil, &Error{Undecodable, err}
		case i >= 0:
			m.values[i] = v
			continue
		}
		if others == nil {
			others = map[string]struct{}{}
		}
		others[name] = struct{}{}
	}
	if _, err := dec.ReadToken(); err != nil { // the }
		return nil, &Error{Undecodable, syntax(dec, err)}
	}
	end := dec.InputOffset()
	if _, err := dec.ReadToken(); err != io.EOF { //nolint:errorlint // returned bare, says the package
		return nil, faultf(Undecodable, "the record's JSON object ends before byte %d, but more follows", end)
	}
	s.json = m
	return &s.json, nil
}

var (
	errTooDeep       = errors.New("nests too deep")
	errTooManyFields = errors.New("has too many fields")
)

// readMember reads the next value of text, that dec stands in, and returns its raw bytes, which alias text. The value
// is within the limits' depth and fields.
func readMember(dec *jsontext.Decoder, text []byte, limits Limits) (jsontext.Value, error) {
	if k := dec.PeekKind(); k != '{' && k != '[' {
		v, err := dec.ReadValue()
		if err != nil {
			return nil, syntax(dec, err)
		}
		return v, nil
	}
	base, start, fields := dec.StackDepth(), int64(-1), 0
	for {
		if _, err := dec.ReadToken(); err != nil {
			return nil, syntax(dec, err)
		}
		if start < 0 {
			start = dec.InputOffset() - 1
		}
		depth := dec.StackDepth()
		if kind, n := dec.StackIndex(depth); kind == '{' && n%2 == 1 { // that was a name
			fields++
		}
		switch d := depth - base; {
		case d == 0:
			end := dec.InputOffset()
			return text[start:end:end], nil
		case d > limits.Depth:
			return nil, fmt.Errorf("%w: over %d levels at byte %d", errTooDeep, limits.Depth, dec.InputOffset())
		case limits.Fields > 0 && fields > limits.Fields:
			return nil, fmt.Errorf("%w: over %d at byte %d (limits.fields)", errTooManyFields, limits.Fields, dec.InputOffset())
		}
	}
}

// index finds the field that a raw name stands for; -1 if none.
func (m *members) index(raw jsontext.Value) (int, string) {
	plain := raw[1 : len(raw)-1]
	if bytes.IndexByte(plain, '\\') >= 0 {
		plain, _ = jsontext.AppendUnquote(nil, raw) // of invalid UTF-8 the replacement is as good a name
	}
	for i, field := range m.fields {
		if string(plain) == field {
			return i, field
		}
	}
	return -1, strings.ToValidUTF8(string(plain), "\uFFFD")
}

// syntax says what is wrong with JSON, and at which byte.
func syntax(dec *jsontext.Decoder, err error) error {
	if se, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return fmt.Errorf("invalid JSON at byte %d: %w", se.ByteOffset, se.Err)
	}
	if err == io.EOF { //nolint:errorlint // returned bare, says the package
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("invalid JSON at byte %d: %w", dec.InputOffset(), err)
}

// kindName is what people call a JSON value.
func kindName(v jsontext.Value) string {
	switch v.Kind() {
	case '"':
		return "a string"
	case '0':
		return "a number"
	case 't', 'f':
		return "a boolean"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 'n':
		return "null"
	default:
		return "nothing"
	}
}
