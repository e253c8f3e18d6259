package engine

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"ttpworker/internal/match"
)

// An evidence renders what tags show of one payload. Scalars at the top of the payload are copied from it; for anything
// else, and for what has to be cut, the payload is decoded, once.
type evidence struct {
	payload []byte
	members []match.Member
	decoded payload
	out     []byte // of the rendering at hand
	text    []byte // of the string at hand
}

// begin prepares for a payload, which is one JSON object.
func (e *evidence) begin(s *match.Scratch, data []byte) {
	e.payload, e.decoded = data, nil
	e.members, _ = s.AppendMembers(e.members[:0], data) // Match has read the payload, so it is right
}

// render returns the values at the paths, which are sorted, as payload.evidence does. The result is the caller's.
func (e *evidence) render(at []path) []byte {
	e.out = append(e.out[:0], '{')
	for i := range at {
		if !e.append(&at[i]) {
			return e.slow(at)
		}
	}
	return slices.Clone(append(e.out, '}'))
}

// append appends one path and its value, if it is there. It reports false if it cannot.
func (e *evidence) append(at *path) bool {
	if len(at.steps) > 1 {
		return false
	}
	value := e.member(at.text)
	if value == nil {
		return true
	}
	if len(e.out) > 1 {
		e.out = append(e.out, ',')
	}
	e.out = append(appendQuoted(e.out, []byte(at.text)), ':')
	switch value[0] {
	case '{', '[':
		return false
	case '"':
		raw := value[1 : len(value)-1]
		if e.text = match.AppendText(e.text[:0], raw); len(e.text) > maxText {
			return false
		}
		e.out = appendQuoted(e.out, e.text)
	default:
		if len(value) > maxText {
			return false
		}
		e.out = append(e.out, value...)
	}
	return true
}

// member returns the value of the last member of this name; nil = there is none.
func (e *evidence) member(name string) []byte {
	for i := len(e.members) - 1; i >= 0; i-- {
		m := &e.members[i]
		if m.Plain && string(m.Name) == name {
			return m.Value
		}
		if !m.Plain {
			if e.text = match.AppendText(e.text[:0], m.Name); string(e.text) == name {
				return m.Value
			}
		}
	}
	return nil
}

// slow renders by the decoded payload.
func (e *evidence) slow(at []path) []byte {
	if e.decoded == nil {
		var err error
		if e.decoded, err = parsePayload(e.payload); err != nil {
			panic("engine: what was matched is a JSON object: " + err.Error())
		}
	}
	return e.decoded.evidence(at)
}

// appendQuoted appends valid UTF-8 as a JSON string, escaped as encoding/json does it without HTML in mind.
func appendQuoted(dst, text []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for len(text) > 0 {
		n := plain(text)
		dst = append(dst, text[:n]...)
		if n == len(text) {
			break
		}
		r, size := utf8.DecodeRune(text[n:])
		switch r {
		case '"', '\\':
			dst = append(dst, '\\', byte(r))
		case '\b':
			dst = append(dst, `\b`...)
		case '\f':
			dst = append(dst, `\f`...)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		case '\u2028', '\u2029':
			dst = append(dst, `\u202`...)
			dst = append(dst, hex[r&0xf])
		default:
			dst = append(dst, `\u00`...)
			dst = append(dst, hex[r>>4], hex[r&0xf])
		}
		text = text[n+size:]
	}
	return append(dst, '"')
}

// plain is how much of the text of a JSON string stands before what is escaped.
func plain(text []byte) int {
	for i, c := range text {
		if c < ' ' || c == '"' || c == '\\' {
			return i
		}
		if c == '\xe2' && (bytes.HasPrefix(text[i:], []byte("\u2028")) || bytes.HasPrefix(text[i:], []byte("\u2029"))) {
			return i
		}
	}
	return len(text)
}
