package payload

import (
	"bytes"
	"encoding/json"
	"strconv"

	"ttpworker/internal/match"
)

// A Value is a JSON value as it is written, without white space around it; nil = there is none. Its methods are strict
// about types: nothing is taken for something else.
type Value []byte

// Get returns the value of the last member of this name at the top of the payload.
func (p *Payload) Get(name string) Value { return p.member(name) }

// First returns the first of these members that is truthy; nil = none is.
func (p *Payload) First(names ...string) Value {
	for _, name := range names {
		if v := p.Get(name); v.Truthy() {
			return v
		}
	}
	return nil
}

// Text returns the text that v is.
func (v Value) Text() (text string, is bool) {
	if len(v) == 0 || v[0] != '"' {
		return "", false
	}
	raw := v[1 : len(v)-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw), true
	}
	return string(match.AppendText(nil, raw)), true
}

// Int returns the whole number that v is: 5, and neither 5.0, 5e0 nor true. One that has no place in 64 bits is the
// nearest that has.
func (v Value) Int() (n int64, is bool) {
	if !v.isNumber() || bytes.ContainsAny(v, ".eE") {
		return 0, false
	}
	n, _ = strconv.ParseInt(string(v), 10, 64) // out of range gives the nearest
	return n, true
}

// Number returns the number that v is. One that has no place in a double is an infinity.
func (v Value) Number() (f float64, is bool) {
	if !v.isNumber() {
		return 0, false
	}
	f, _ = strconv.ParseFloat(string(v), 64) // out of range gives an infinity
	return f, true
}

func (v Value) isNumber() bool { return len(v) > 0 && (v[0] == '-' || '0' <= v[0] && v[0] <= '9') }

// True reports whether v is the truth value true.
func (v Value) True() bool { return string(v) == "true" }

// False reports whether v is the truth value false.
func (v Value) False() bool { return string(v) == "false" }

// Truthy reports whether v is there and neither null, false, a zero nor empty.
func (v Value) Truthy() bool {
	switch {
	case len(v) == 0:
		return false
	case v[0] == '"':
		return len(v) > 2
	case v[0] == '[', v[0] == '{':
		return len(bytes.TrimSpace(v[1:len(v)-1])) > 0
	case v.isNumber():
		f, _ := v.Number()
		return f != 0
	}
	return v.True()
}

// List returns the items of the list that v is.
func (v Value) List() (items []Value, is bool) {
	if len(v) == 0 || v[0] != '[' {
		return nil, false
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(v, &raw); err != nil {
		return nil, false
	}
	items = make([]Value, len(raw))
	for i := range raw {
		items[i] = Value(raw[i])
	}
	return items, true
}

// Any is v decoded, numbers as they are written; nil for null and where there is none.
func (v Value) Any() any {
	dec := json.NewDecoder(bytes.NewReader(v))
	dec.UseNumber()
	var out any
	_ = dec.Decode(&out) // what was read is JSON
	return out
}
