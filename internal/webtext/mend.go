package webtext

import "unicode/utf8"

// mend makes what stands in dst from begin on valid UTF-8 without null bytes, as Decode says.
func mend(dst []byte, begin int) []byte {
	text := append([]byte(nil), dst[begin:]...)
	dst = dst[:begin]
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			if c != 0 {
				dst = append(dst, c)
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			if r, n = overlong(text[i:]); n == 0 {
				r, n = rune(c), 1
			}
		}
		if r = narrow(r); r != 0 {
			dst = utf8.AppendRune(dst, r)
		}
		i += n
	}
	return dst
}

// overlong reads an ASCII character in a form of two to six bytes, as UTF-8 forbids it and careless decoders take it; 0
// bytes if there is none. Behind C0 and C1, which begin nothing else, such decoders take any byte for a continuation.
func overlong(text []byte) (rune, int) {
	first := text[0]
	if first|1 == 0xc1 {
		if len(text) > 1 && text[1] >= ' ' {
			if r := rune(first&1)<<6 | rune(text[1]&0x3f); r >= ' ' || text[1] >= utf8.RuneSelf {
				return r, 2
			}
			return 0, 1
		}
		return 0, 0
	}
	n := 0
	switch first {
	case 0xe0:
		n = 3
	case 0xf0:
		n = 4
	case 0xf8:
		n = 5
	case 0xfc:
		n = 6
	}
	if n == 0 || len(text) < n {
		return 0, 0
	}
	r := rune(0)
	for _, c := range text[1:n] {
		if c&0xc0 != 0x80 {
			return 0, 0
		}
		r = r<<6 | rune(c&0x3f)
	}
	if r >= utf8.RuneSelf {
		return 0, 0
	}
	return r, n
}

// narrow is the ASCII character that servers take a character for when they squeeze text into a legacy code page.
func narrow(r rune) rune {
	switch {
	case 0xff01 <= r && r <= 0xff5e:
		return r - 0xff01 + '!'
	case r == 0x2044 || r == 0x2215: // fraction and division slash
		return '/'
	case r == 0x2216: // set minus
		return '\\'
	case r == 0x3000: // ideographic space
		return ' '
	}
	return r
}
