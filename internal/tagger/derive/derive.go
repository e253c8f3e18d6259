// Package derive computes fields that rules can name beside those of the payload: what a text means once the ways of
// hiding it are undone. A derived field stands at the top of the payload, in the place of one that a sensor has sent
// under its name.
package derive

import (
	"unicode/utf8"

	"ttpworker/internal/match"
)

// A Func appends derived fields to dst, as the members of a JSON object, each with a comma before it: `,"argv0":["id"]`.
// It is given the members of the payload. It is pure, its work is bounded by the size of the payload, and there is no
// payload that it fails on. It must not keep members, and is safe for concurrent use.
type Func func(dst []byte, members []match.Member) []byte

// kinds are the derived fields by source kind.
var kinds = map[string]Func{"command": command}

// Of is what the payloads of a source kind are extended by; nil = nothing.
func Of(kind string) Func { return kinds[kind] }

// text appends the text of the last member of this name. It reports whether there is one and it is a text.
func text(dst []byte, members []match.Member, name string) ([]byte, bool) {
	for i := len(members) - 1; i >= 0; i-- {
		if m := &members[i]; m.Plain && string(m.Name) == name {
			if m.Value[0] != '"' {
				return dst, false
			}
			return match.AppendText(dst, m.Value[1:len(m.Value)-1]), true
		}
	}
	return dst, false
}

// appendTexts appends a list of texts. Without one it appends nothing, unless that would leave the payload's own.
func appendTexts(dst []byte, members []match.Member, name string, texts [][]byte) []byte {
	if len(texts) == 0 && !has(members, name) {
		return dst
	}
	dst = append(append(append(dst, ',', '"'), name...), '"', ':', '[')
	for i, t := range texts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendQuoted(dst, t)
	}
	return append(dst, ']')
}

// has reports whether there may be a member of this name: one whose name has escapes may be any.
func has(members []match.Member, name string) bool {
	for i := range members {
		if m := &members[i]; !m.Plain || string(m.Name) == name {
			return true
		}
	}
	return false
}

// special are the bytes that a JSON string cannot have as they are, or that are not ASCII.
var special = func() (s [256]bool) {
	for c := range s {
		s[c] = c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf
	}
	return s
}()

// appendQuoted appends a text as a JSON string. What is no UTF-8 becomes U+FFFD.
func appendQuoted(dst, text []byte) []byte {
	dst = append(dst, '"')
	for len(text) > 0 {
		n := 0
		for n < len(text) && !special[text[n]] {
			n++
		}
		dst = append(dst, text[:n]...)
		if text = text[n:]; len(text) == 0 {
			break
		}
		switch c := text[0]; {
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRune(text)
			dst = utf8.AppendRune(dst, r)
			text = text[size:]
			continue
		case c < ' ':
			const digits = "0123456789abcdef"
			dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		default:
			dst = append(dst, '\\', c)
		}
		text = text[1:]
	}
	return append(dst, '"')
}
