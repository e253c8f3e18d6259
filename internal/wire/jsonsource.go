package wire

import (
	"bytes"
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// members is the source of a record in JSON: the raw values of its fields, wherever they stood.
type members struct {
	d      *Decoder
	fields []string
	values []jsontext.Value // as fields; nil = missing
	err    error
}

var _ source = (*members)(nil)

func (m *members) fault() error { return m.err }

func (m *members) fail(class Class, format string, args ...any) {
	if m.err == nil {
		m.err = faultf(class, format, args...)
	}
}

// get is the raw value of a field; nil if it is missing or null.
func (m *members) get(field string) jsontext.Value {
	for i, f := range m.fields {
		if f == field {
			if v := m.values[i]; v.Kind() != 'n' {
				return v
			}
			break
		}
	}
	return nil
}

// need is the raw value of a field that must be there.
func (m *members) need(field, want string) jsontext.Value {
	v := m.get(field)
	if v == nil {
		m.fail(BadField, "%s is missing or null, want %s", field, want)
	}
	return v
}

func (m *members) wrong(field, want string, v jsontext.Value) {
	m.fail(BadField, "%s: want %s, got %s", field, want, kindName(v))
}

// unquote reads a string strictly: no invalid UTF-8, no half of a surrogate pair.
func (m *members) unquote(field, want string, v jsontext.Value) string {
	if m.err != nil || v == nil {
		return ""
	}
	if v.Kind() != '"' {
		m.wrong(field, want, v)
		return ""
	}
	if !damaged(v) && bytes.IndexByte(v, '\\') < 0 {
		return string(v[1 : len(v)-1])
	}
	text, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		m.fail(BadField, "%s: invalid UTF-8 or half a surrogate pair", field)
		return ""
	}
	return string(text)
}

func (m *members) text(field string) string {
	return m.unquote(field, "a string", m.need(field, "a string"))
}

func (m *members) optionalText(field string) string {
	return m.unquote(field, "a string or null", m.get(field))
}

const wantTime = "a time of RFC 3339 as a string"

func (m *members) time(field string) time.Time {
	m.need(field, wantTime)
	return m.optionalTime(field)
}

func (m *members) optionalTime(field string) time.Time {
	v := m.get(field)
	text := m.unquote(field, wantTime, v)
	if m.err != nil || v == nil {
		return time.Time{}
	}
	t, err := parseTime(text)
	if err != nil {
		m.fail(BadField, "%s: %w", field, err)
	}
	return t
}

func (m *members) double(field string) float64 {
	v := m.need(field, "a number")
	if m.err != nil {
		return 0
	}
	if v.Kind() != '0' {
		m.wrong(field, "a number", v)
		return 0
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil {
		m.fail(BadField, "%s: number is out of the range of a double", field)
		return 0
	}
	return f
}

func (m *members) optionalDouble(field string) *float64 {
	if m.get(field) == nil {
		return nil
	}
	f := m.double(field)
	return &f
}

func (m *members) optionalInt(field string) *int {
	v := m.get(field)
	if m.err != nil || v == nil {
		return nil
	}
	if v.Kind() != '0' {
		m.wrong(field, "an integer or null", v)
		return nil
	}
	n, err := strconv.ParseInt(string(v), 10, 32)
	if err != nil || n > math.MaxInt32 {
		m.fail(BadField, "%s: %.40q is not an integer of 32 bits", field, v)
		return nil
	}
	i := int(n)
	return &i
}

func (m *members) texts(field string) []string {
	list := []string{}
	m.array(field, "an array of strings", func(v jsontext.Value) {
		list = append(list, m.unquote(field, "strings", v))
	})
	return list
}

func (m *members) each(field string, item func(source)) {
	const want = "an array of objects"
	m.array(field, want, func(v jsontext.Value) {
		if v.Kind() != '{' {
			m.fail(BadField, "%s: want %s, got %s in it", field, want, kindName(v))
			return
		}
		s := m.d.take()
		defer m.d.put(s)
		inner, err := s.split(v, innerFields[:], Limits{Depth: m.d.limits.Depth})
		if err != nil {
			m.fail(BadField, "%s: %w", field, err)
			return
		}
		inner.d = m.d
		item(inner)
		if err := inner.fault(); err != nil {
			m.fail(BadField, "%s: %w", field, err)
		}
	})
}

// innerFields are the members of the records that stand in others. Each has some of them.
var innerFields = [...]string{
	"tactic", "technique_id", "sub_technique_id", "confidence", "name", "values", "path", "yaml", "lists", "payload_path",
}

// array calls item for every item of a field, until a fault.
func (m *members) array(field, want string, item func(jsontext.Value)) {
	v := m.need(field, want)
	if m.err != nil {
		return
	}
	if v.Kind() != '[' {
		m.wrong(field, want, v)
		return
	}
	s := m.d.take()
	defer m.d.put(s)
	dec := s.parse(v)
	_, err := dec.ReadToken() // the [
	for err == nil && m.err == nil && dec.PeekKind() != ']' {
		var raw jsontext.Value
		if raw, err = readMember(dec, v, Limits{Depth: maxDepth}); err == nil {
			item(raw)
		}
	}
	if err != nil {
		m.fail(Undecodable, "%s: %w", field, err)
	}
}

// object takes the object itself or a string that holds its text.
func (m *members) object(field string) object {
	if m.err != nil {
		return object{}
	}
	v := m.get(field)
	if v == nil {
		m.fail(NotObject, "%s is missing or null, want an object", field)
		return object{}
	}
	if v.Kind() == '{' {
		return object{text: v, checked: true}
	}
	if v.Kind() != '"' {
		m.fail(NotObject, "%s: want an object, got %s", field, kindName(v))
		return object{}
	}
	literal, n := repair(v)
	text, err := jsontext.AppendUnquote(nil, literal)
	if err != nil {
		m.fail(NotObject, "%s: %w", field, err)
	}
	return object{text: text, repairs: n}
}

func (m *members) has(field string) bool { return m.get(field) != nil }
