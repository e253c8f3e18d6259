package wire

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"unicode/utf8"
)

// jsonSpace is the white space of JSON.
const jsonSpace = " \t\r\n"

// trim is text without white space around it.
func trim(text []byte) []byte {
	if n := len(text); n > 0 && !isSpace(text[0]) && !isSpace(text[n-1]) {
		return text
	}
	return bytes.Trim(text, jsonSpace)
}

func isSpace(c byte) bool { return c <= ' ' && (c == ' ' || c == '\n' || c == '\r' || c == '\t') }

// check sees that o is one JSON object within the limits, and makes it valid Unicode: every invalid byte and every
// half of a surrogate pair becomes U+FFFD. It returns the object without white space around it and the number of
// replacements. The text is otherwise as it was: numbers are not touched, and of equal names both stay (the last
// one counts, wherever payloads are read). It aliases o.text if nothing was replaced.
func (d *Decoder) check(field string, o object, limits Limits) ([]byte, int, error) {
	text := trim(o.text)
	if len(text) > limits.PayloadBytes {
		return nil, 0, faultf(TooLarge, "%s has %d bytes, over the limit of %d (limits.payload_bytes)",
			field, len(text), limits.PayloadBytes)
	}
	if !o.checked {
		switch s := (skim{text: text}); {
		case !s.object(limits):
			if err := d.checkSyntax(field, text, limits); err != nil {
				return nil, 0, err
			}
		case s.clean():
			return slices.Clip(text), o.repairs, nil
		}
	}
	text, n := repair(text)
	return slices.Clip(text), o.repairs + n, nil
}

// checkSyntax says what is wrong with a payload that has not passed skim, if anything is.
func (d *Decoder) checkSyntax(field string, text []byte, limits Limits) error {
	switch {
	case len(text) == 0:
		return faultf(NotObject, "%s is empty, want a JSON object", field)
	case text[0] != '{':
		return faultf(NotObject, "%s begins with %q, want a JSON object", field, text[:1])
	}
	s := d.take()
	defer d.put(s)
	dec := s.parse(text)
	_, err := readMember(dec, text, limits)
	switch {
	case errors.Is(err, errTooDeep):
		return faultf(TooDeep, "%s: %w (limits.depth)", field, err)
	case errors.Is(err, errTooManyFields):
		return faultf(TooLarge, "%s: %w", field, err)
	case err != nil:
		return faultf(NotObject, "%s: %w", field, err)
	}
	end := dec.InputOffset()
	if _, err := dec.ReadToken(); err != io.EOF { //nolint:errorlint // returned bare, says the package
		return faultf(NotObject, "%s: something follows the JSON object at byte %d", field, end)
	}
	return nil
}

// damaged reports whether JSON text may need repair: a surrogate escape is only looked for by its first letters.
func damaged(text []byte) bool {
	return !utf8.Valid(text) || bytes.Contains(text, []byte(`\ud`)) || bytes.Contains(text, []byte(`\uD`))
}

// repair replaces what is no Unicode in syntactically valid JSON: each invalid byte, and each \u escape of a
// surrogate without its other half. Backslashes and bytes over 7F stand in strings only, so it need not know where
// those begin and end. It returns text itself if there is nothing to do.
func repair(text []byte) ([]byte, int) {
	if !damaged(text) {
		return text, 0
	}
	out, n := make([]byte, 0, len(text)+64), 0
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && text[i+1] != 'u':
			out = append(out, text[i:i+2]...)
			i += 2
		case c == '\\':
			size := escapeSize(text[i:])
			if size < 0 {
				size, n = -size, n+1
				out = append(out, `\ufffd`...)
			} else {
				out = append(out, text[i:i+size]...)
			}
			i += size
		default:
			r, size := utf8.DecodeRune(text[i:])
			if r == utf8.RuneError && size == 1 {
				n++
			}
			out = utf8.AppendRune(out, r)
			i += size
		}
	}
	if n == 0 {
		return text, 0
	}
	return out, n
}

// escapeSize is the length of the \u escape, or of the two of a surrogate pair, that text begins with; negative for
// half of a pair.
func escapeSize(text []byte) int {
	const one = len(`\uXXXX`)
	switch hi := surrogate(text); {
	case hi == 0:
		return min(one, len(text))
	case hi == 'h' && len(text) >= 2*one && surrogate(text[one:]) == 'l':
		return 2 * one
	default:
		return -one
	}
}

// surrogate says whether text begins with the escape of a high ('h') or a low ('l') surrogate, or neither (0).
func surrogate(text []byte) byte {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' || text[2]|0x20 != 'd' {
		return 0
	}
	switch text[3] {
	case '8', '9', 'a', 'b', 'A', 'B':
		return 'h'
	case 'c', 'd', 'e', 'f', 'C', 'D', 'E', 'F':
		return 'l'
	}
	return 0
}
