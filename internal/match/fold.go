package match

import (
	"encoding/binary"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
	"unsafe"
)

// Fold maps texts that differ in case only to one: every character becomes the first of those that
// unicode.SimpleFold takes for the same, as case-insensitive regular expressions do. ASCII letters become capitals,
// and so do the long s and the Kelvin sign. A character that is folded stays one character.
func Fold(s string) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return strings.Map(foldRune, s)
		}
	}
	return strings.ToUpper(s)
}

func foldRune(r rune) rune {
	first := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		first = min(first, f)
	}
	return first
}

// appendFold appends Fold(text) to dst.
func appendFold(dst, text []byte) []byte {
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			if 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		if int(r) < len(foldTable) {
			r = foldTable[r]
		} else {
			r = foldRune(r)
		}
		dst = utf8.AppendRune(dst, r)
		i += size
	}
	return dst
}

// foldTable is foldRune of the characters of most alphabets.
var foldTable = func() (table [0x600]rune) {
	for r := range table {
		table[r] = foldRune(rune(r))
	}
	return table
}()

const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// appendUpper appends text with ASCII letters as capitals, eight bytes at a time.
func appendUpper(dst, text []byte) []byte {
	n := len(dst)
	dst = slices.Grow(dst, len(text))[:n+len(text)]
	out := dst[n:]
	for len(text) >= 8 && len(out) >= 8 {
		binary.LittleEndian.PutUint64(out, upper(binary.LittleEndian.Uint64(text)))
		text, out = text[8:], out[8:]
	}
	for i, c := range text {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		out[i] = c
	}
	return dst
}

// upper makes ASCII letters among eight bytes capitals. The high bit of a byte is set by adding what lies between 0x80
// and the first letter, and between 0x80 and what follows the last; where only the first sets it, there is a letter. Its
// place is then that of the bit in which capitals differ.
func upper(x uint64) uint64 {
	low := x &^ highs
	letters := ((low + (0x80-'a')*ones) ^ (low + (0x80-'z'-1)*ones)) & highs &^ x
	return x ^ letters>>2
}

// view is b as a text, without a copy: for searching it, not for keeping it.
func view(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b)) //nolint:gosec // b is not written to while the text is looked at
}
