package webtext

import (
	"encoding/base64"
	"unicode"
	"unicode/utf8"
)

// minBase64 is how long Base64 is at least, in bytes: shorter words of a language are too often Base64 of something.
const minBase64 = 12

// Base64 appends the text that text, as a whole, is Base64 of, in either alphabet, with padding or without. It reports
// whether there is one: bytes that are no UTF-8 or that nobody types are none.
func Base64(dst, text []byte) ([]byte, bool) {
	if len(text) < minBase64 {
		return dst, false
	}
	n := len(text)
	for n > 0 && n > len(text)-2 && text[n-1] == '=' {
		n--
	}
	alphabet := base64.RawStdEncoding
	for _, c := range text[:n] {
		switch {
		case c == '-' || c == '_':
			alphabet = base64.RawURLEncoding
		case !isWord(c) && c != '+' && c != '/':
			return dst, false
		}
	}
	begin := len(dst)
	dst, err := alphabet.AppendDecode(dst, text[:n])
	if err != nil || !isTyped(dst[begin:]) {
		return dst[:begin], false
	}
	return dst, true
}

// isTyped reports whether bytes are a text that somebody may have typed.
func isTyped(text []byte) bool {
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if r == utf8.RuneError || unicode.IsControl(r) && !isSpace(text[0]) {
			return false
		}
		text = text[n:]
	}
	return true
}
