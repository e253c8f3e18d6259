package payload

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"ttpworker/internal/match"
)

// A Payload is the payload of one event after the other. The zero value is ready for Read. It is not safe for
// concurrent use.
type Payload struct {
	kind    string
	data    []byte
	scratch *match.Scratch
	members []match.Member
	inner   []match.Member // of the object at hand
	decoded document
	base    map[string]any // of a mail; nil = not asked for yet
	out     []byte         // of the rendering at hand
	text    []byte         // of the string at hand
	at      []Path         // of shown
	shown   []byte         // the last evidence without extra; nil = there is none
}

// Read makes data, which it keeps beside s, the payload at hand, of an event of this source kind. The error is about data
// that is no JSON object; what stands inside of one is not checked.
func (p *Payload) Read(s *match.Scratch, kind string, data []byte) error {
	var err error
	p.kind, p.data, p.scratch, p.decoded, p.base, p.shown = kind, data, s, nil, nil, nil
	p.members, err = s.AppendMembers(p.members[:0], data)
	return err
}

// Evidence renders the values at the paths, which are sorted, as a JSON object: keys are the paths, no white space,
// absent ones left out. A text over maxText bytes is cut on a rune boundary, and its key listed in _cut. A list or object
// over maxValue is shown as a text, the beginning of its JSON, cut likewise. What is in extra, values that are JSON once
// encoded, is shown in the same way, in place of what the payload has there. The result is nobody's to change: whoever
// asks for the same paths next gets the same, as most rules of a source kind show the same.
//
// Of a mail nothing is copied: it is personal data. Of extra its evidence has what MailKeys lists, whoever asks for more,
// and a base that is the same for all tags about the mail.
//
// Scalars at the top of the payload, and objects of scalars, are copied from it; for anything else, and for what has to
// be cut, the payload is decoded, once.
func (p *Payload) Evidence(at []Path, extra map[string]any) []byte {
	if len(extra) > 0 {
		return p.evidence(at, extra)
	}
	if p.shown == nil || !slices.EqualFunc(at, p.at, func(a, b Path) bool { return a.text == b.text }) {
		p.at, p.shown = at, p.evidence(at, nil)
	}
	return p.shown
}

// evidence is Evidence anew.
func (p *Payload) evidence(at []Path, extra map[string]any) []byte {
	if p.kind == mailKind {
		at, extra = nil, p.ofMail(extra)
	}
	if len(extra) > 0 {
		return p.slow(at, extra)
	}
	p.out = append(p.out[:0], '{')
	for i := range at {
		if !p.append(&at[i]) {
			return p.slow(at, nil)
		}
	}
	return slices.Clone(append(p.out, '}'))
}

// append appends one path and its value, if it is there. It reports false if it cannot.
func (p *Payload) append(at *Path) bool {
	if len(at.steps) > 1 {
		return false
	}
	value := p.member(at.text)
	if value == nil {
		return true
	}
	if len(p.out) > 1 {
		p.out = append(p.out, ',')
	}
	p.out = append(appendQuoted(p.out, []byte(at.text)), ':')
	if value[0] == '{' {
		return p.object(value)
	}
	return p.scalar(value)
}

// object appends an object of scalars: each name once, with its last value, sorted.
func (p *Payload) object(value []byte) bool {
	var err error
	if p.inner, err = p.scratch.AppendMembers(p.inner[:0], value); err != nil {
		return false
	}
	slices.SortStableFunc(p.inner, func(a, b match.Member) int { return bytes.Compare(a.Name, b.Name) })
	begin := len(p.out)
	p.out = append(p.out, '{')
	for i := range p.inner {
		m := &p.inner[i]
		if !m.Plain {
			return false
		}
		if i+1 < len(p.inner) && bytes.Equal(m.Name, p.inner[i+1].Name) {
			continue
		}
		if len(p.out) > begin+1 {
			p.out = append(p.out, ',')
		}
		p.out = append(appendQuoted(p.out, m.Name), ':')
		if !p.scalar(m.Value) {
			return false
		}
	}
	p.out = append(p.out, '}')
	return len(p.out)-begin <= maxValue
}

// scalar appends a value that is not to be cut.
func (p *Payload) scalar(value []byte) bool {
	switch value[0] {
	case '{', '[':
		return false
	case '"':
		raw := value[1 : len(value)-1]
		if p.text = match.AppendText(p.text[:0], raw); len(p.text) > maxText {
			return false
		}
		p.out = appendQuoted(p.out, p.text)
	default:
		if len(value) > maxText {
			return false
		}
		p.out = append(p.out, value...)
	}
	return true
}

// member returns the value of the last member of this name; nil = there is none.
func (p *Payload) member(name string) []byte {
	for i := len(p.members) - 1; i >= 0; i-- {
		m := &p.members[i]
		if m.Plain && string(m.Name) == name {
			return m.Value
		}
		if !m.Plain {
			if p.text = match.AppendText(p.text[:0], m.Name); string(p.text) == name {
				return m.Value
			}
		}
	}
	return nil
}

// slow renders by the decoded payload.
func (p *Payload) slow(at []Path, extra map[string]any) []byte {
	if p.decoded == nil && len(at) > 0 {
		var err error
		if p.decoded, err = decode(p.data); err != nil {
			panic("payload: what was read is a JSON object: " + err.Error())
		}
	}
	return p.decoded.evidence(at, extra)
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
