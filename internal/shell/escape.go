package shell

import (
	"bytes"
	"unicode/utf8"
)

// The ways in which escapes differ.
const (
	escapesOfC    = iota // $'...', and the format of printf: \NNN, three octal digits
	escapesOfEcho        // echo -e: \0NNN too, and \c ends the text
)

// unescape appends text with its escapes undone.
func unescape(dst, text []byte, way int) []byte {
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 || i+1 == len(text) {
			return append(dst, text...)
		}
		dst = append(dst, text[:i]...)
		text = text[i+1:]
		c := text[0]
		text = text[1:]
		switch c {
		case 'a':
			dst = append(dst, '\a')
		case 'b':
			dst = append(dst, '\b')
		case 'e', 'E':
			dst = append(dst, '\x1b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'v':
			dst = append(dst, '\v')
		case '\\', '\'', '"', '?':
			dst = append(dst, c)
		case 'c':
			if way == escapesOfEcho {
				return dst
			}
			if len(text) > 0 { // a control character
				dst, text = append(dst, text[0]&0x1f), text[1:]
			}
		case 'x', 'u', 'U':
			r, n := number(text, 16, map[byte]int{'x': 2, 'u': 4, 'U': 8}[c])
			switch {
			case n == 0:
				dst = append(dst, '\\', c)
			case c == 'x':
				dst = append(dst, byte(r)) //nolint:gosec // two digits
			default:
				dst = utf8.AppendRune(dst, r)
			}
			text = text[n:]
		case '0', '1', '2', '3', '4', '5', '6', '7':
			digits := 2
			if c == '0' && way == escapesOfEcho {
				digits = 3
			}
			r, n := number(text, 8, digits)
			if c != '0' {
				r += rune(c-'0') << (3 * n)
			}
			dst, text = append(dst, byte(r)), text[n:] //nolint:gosec // the low byte, as shells have it
		default:
			dst = append(dst, '\\', c)
		}
	}
}

// number reads at most n digits of a base up to 16.
func number(text []byte, base rune, n int) (r rune, digits int) {
	for digits < n && digits < len(text) {
		d := hexDigit(text[digits])
		if d < 0 || d >= base {
			break
		}
		r = r*base + d
		digits++
	}
	return r, digits
}

// hexDigit is the value of a hexadecimal digit; -1 = it is none.
func hexDigit(c byte) rune {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10
	}
	return -1
}
