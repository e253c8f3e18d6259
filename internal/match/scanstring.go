package match

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// A stringKind says what is special about a string.
type stringKind uint8

const (
	plainASCII   stringKind = iota // nothing: its bytes are its text
	plainUTF8                      // bytes over 7F
	escapedASCII                   // escapes of ASCII characters
	escaped                        // others, and maybe bytes over 7F
)

// stringEnd returns where the string ends that begins at i, behind its quote: the place of the other quote. Eight
// bytes are looked at together. Where a byte of x is below the one it is compared with, the high bit of the difference
// is set; false hits stand behind a true one only, so the first is true.
func (s *scan) stringEnd(i int) (end int, kind stringKind, err error) {
	b := s.b
	var high uint64
	for {
		for i+8 <= len(b) {
			x := binary.LittleEndian.Uint64(b[i:])
			quote, slash := x^('"'*ones), x^('\\'*ones)
			hits := ((quote-ones)&^quote | (slash-ones)&^slash | (x-' '*ones)&^x) & highs
			if hits != 0 {
				n := bits.TrailingZeros64(hits) &^ 7
				high |= x & highs & (1<<n - 1)
				i += n / 8
				break
			}
			high |= x & highs
			i += 8
		}
		for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= ' ' {
			high |= uint64(b[i]) & 0x80
			i++
		}
		switch {
		case i >= len(b) || b[i] < ' ':
			return 0, 0, s.fault(i)
		case b[i] == '"':
			if high != 0 {
				kind |= plainUTF8
			}
			return i, kind, nil
		}
		n := escapeSize(b[i:])
		switch n {
		case 0:
			return 0, 0, s.fault(i + 1)
		case 2:
			kind |= escapedASCII
		default:
			kind = escaped
		}
		i += n
	}
}

// escapeSize is the length of the escape that b begins with; 0 = it is none.
func escapeSize(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) >= 6 && hex4(b[2:6]) >= 0 {
			return 6
		}
	}
	return 0
}

// hex4 reads four hexadecimal digits; -1 = they are none.
func hex4(b []byte) rune {
	var r rune
	for _, c := range b {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// appendUnquotedUpper appends the text of a valid JSON string of the kind escapedASCII, letters as capitals, and leaves
// padding behind it. Eight bytes are copied together, and those from a backslash on overwritten by what comes next.
func appendUnquotedUpper(dst, raw []byte) []byte {
	dst = slices.Grow(dst, len(raw)+padding)
	out := dst[len(dst) : len(dst)+len(raw)+padding]
	n, i := 0, 0
	for i < len(raw) {
		if i+8 > len(raw) {
			break
		}
		x := binary.LittleEndian.Uint64(raw[i:])
		binary.LittleEndian.PutUint64(out[n:], upper(x))
		slash := x ^ '\\'*ones
		hits := (slash - ones) &^ slash & highs
		if hits == 0 {
			i, n = i+8, n+8
			continue
		}
		k := bits.TrailingZeros64(hits) / 8
		i, n = i+k, n+k
		out[n] = unescaped(raw[i+1])
		i, n = i+2, n+1
	}
	for i < len(raw) {
		c := raw[i]
		if i++; c == '\\' {
			c = unescaped(raw[i])
			i++
		} else if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		out[n] = c
		n++
	}
	return dst[:len(dst)+n]
}

// appendUnquoted appends the text of a valid JSON string. Every byte that is no UTF-8 and every half of a surrogate
// pair becomes U+FFFD.
func appendUnquoted(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		c := raw[i]
		switch {
		case c == '\\' && raw[i+1] == 'u':
			r := hex4(raw[i+2 : i+6])
			i += 6
			if utf16.IsSurrogate(r) {
				low := rune(-1)
				if i+6 <= len(raw) && raw[i] == '\\' && raw[i+1] == 'u' {
					low = hex4(raw[i+2 : i+6])
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					i += 6
				}
			}
			dst = utf8.AppendRune(dst, r)
		case c == '\\':
			dst = append(dst, unescaped(raw[i+1]))
			i += 2
		case c < utf8.RuneSelf:
			from := i
			for i < len(raw) && raw[i] != '\\' && raw[i] < utf8.RuneSelf {
				i++
			}
			dst = append(dst, raw[from:i]...)
		default:
			r, size := utf8.DecodeRune(raw[i:])
			dst = utf8.AppendRune(dst, r)
			i += size
		}
	}
	return dst
}

func unescaped(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	default:
		return c
	}
}

// numberEnd returns where the number ends that begins at i; negative: the place of what should not be there.
func numberEnd(b []byte, i int) int {
	digits := func() bool {
		from := i
		for i < len(b) && '0' <= b[i] && b[i] <= '9' {
			i++
		}
		return i > from
	}
	if b[i] == '-' {
		i++
	}
	switch {
	case i < len(b) && b[i] == '0':
		i++
	case !digits():
		return -i
	}
	if i < len(b) && b[i] == '.' {
		i++
		if !digits() {
			return -i
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return -i
		}
	}
	return i
}
