package derive

import (
	"bytes"
	"unicode/utf8"

	"ttpworker/internal/match"
)

// last is the value of the last member of this name; nil = there is none.
func last(members []match.Member, name string) []byte {
	for i := len(members) - 1; i >= 0; i-- {
		if m := &members[i]; m.Plain && string(m.Name) == name {
			return m.Value
		}
	}
	return nil
}

// text appends the text of the last member of this name. It reports whether there is one and it is a text.
func text(dst []byte, members []match.Member, name string) ([]byte, bool) {
	value := last(members, name)
	if !isText(value) {
		return dst, false
	}
	return match.AppendText(dst, value[1:len(value)-1]), true
}

func isText(value []byte) bool { return len(value) > 0 && value[0] == '"' }

// eachString calls f with each text and each name of a member in JSON, as it stands between its quotes. JSON that is
// cut off is read up to there.
func eachString(value []byte, f func(raw []byte, isName bool)) {
	for i := 0; i < len(value); i++ {
		if value[i] != '"' {
			continue
		}
		from := i + 1
		for i = from; i < len(value) && value[i] != '"'; i++ {
			if value[i] == '\\' {
				i++
			}
		}
		if i >= len(value) {
			return
		}
		rest := bytes.TrimLeft(value[i+1:], " \t\r\n")
		f(value[from:i], len(rest) > 0 && rest[0] == ':')
	}
}

// Traits are what some bytes of a text are for.
type traits uint8

const (
	escaped  traits = 1 << iota // is not as it is in a JSON string, or may be no UTF-8
	blank                       // may be doubled
	forPlain                    // makes a plain reading that is another
	forShell                    // makes a shell reading that is another
)

// byByte are the traits of each byte.
var byByte = func() (of [256]traits) {
	for c := range of {
		if c < ' ' || c >= utf8.RuneSelf {
			of[c] |= escaped
		}
	}
	for class, all := range map[traits]string{
		escaped:  `"\`,
		blank:    " ",
		forPlain: "\\*\t\r\n\v\f",
		forShell: "'\"\\^`[{$",
	} {
		for _, c := range []byte(all) {
			of[c] |= class
		}
	}
	return of
}()

// traitsOf are those of all bytes of a text.
func traitsOf(text []byte) (all traits) {
	for _, c := range text {
		all |= byByte[c]
	}
	return all
}

// appendString appends a text as a JSON string. What is no UTF-8 becomes U+FFFD.
func appendString(dst, text []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for len(text) > 0 {
		n := 0
		for n < len(text) && byByte[text[n]]&escaped == 0 {
			n++
		}
		dst = append(dst, text[:n]...)
		if n == len(text) {
			break
		}
		size := 1
		switch c := text[n]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		default:
			var r rune
			r, size = utf8.DecodeRune(text[n:])
			dst = utf8.AppendRune(dst, r)
		}
		text = text[n+size:]
	}
	return append(dst, '"')
}
