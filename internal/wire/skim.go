package wire

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// A skim is the quick look at a payload, one pass over its bytes that allocates nothing. It knows right from wrong
// but not what is wrong, which the JSON reader says: a text that it does not pass is read again, slowly.
type skim struct {
	text   []byte
	seen   uint64 // all bytes of strings, and maybe others, eight at a time and one over the other
	halves bool   // an escape of a surrogate was seen: half of a pair, or both
}

// clean reports whether a text that object has passed has nothing to repair. Surrogates are left to repair.
func (s *skim) clean() bool { return !s.halves && (s.seen&highs == 0 || utf8.Valid(s.text)) }

// object reports whether the text, which has no white space around it, is one JSON object of RFC 8259 within the
// limits' depth and fields. Whatever bytes stand in its strings, equal names and halves of surrogate pairs pass.
func (s *skim) object(limits Limits) bool {
	if s.at(0) != '{' {
		return false
	}
	var objects [maxDepth/64 + 1]uint64 // one bit per level that the one at hand stands in: 1 = object, 0 = array
	in, i, depth, fields := byte(0), 0, 0, 0
	for {
		if in == '{' {
			if fields++; limits.Fields > 0 && fields > limits.Fields {
				return false
			}
			if i = s.name(i); i < 0 {
				return false
			}
		}
		switch c := s.at(i); c {
		case '"':
			i = s.quoted(i + 1)
		case '{', '[':
			if depth >= min(limits.Depth, maxDepth) {
				return false
			}
			if bit := uint64(1) << (depth % 64); in == '{' {
				objects[depth/64] |= bit
			} else {
				objects[depth/64] &^= bit
			}
			in = c
			depth++
			if i = s.space(i + 1); s.at(i) != c+2 { // not its end: ] and } come two behind [ and {
				continue
			}
		default:
			i = s.scalar(i)
		}
		if i < 0 {
			return false
		}
		// Behind a value come the ends of what it stands in, then a comma.
		for i = s.space(i); s.at(i) != ','; i = s.space(i) {
			if s.at(i) != in+2 {
				return false
			}
			i++
			if depth--; depth == 0 {
				return i == len(s.text)
			}
			in = '['
			if objects[depth/64]>>(depth%64)&1 == 1 {
				in = '{'
			}
		}
		i = s.space(i + 1)
	}
}

// at is the byte at i; 0, which no JSON has outside strings, behind the end.
func (s *skim) at(i int) byte {
	if uint(i) < uint(len(s.text)) {
		return s.text[i]
	}
	return 0
}

// space is where the white space at i ends.
func (s *skim) space(i int) int {
	if s.at(i) > ' ' {
		return i
	}
	return s.blank(i)
}

func (s *skim) blank(i int) int {
	for {
		switch s.at(i) {
		case ' ', '\t', '\r', '\n':
			i++
		default:
			return i
		}
	}
}

// name is where the value of the member at i begins; negative if there is none.
func (s *skim) name(i int) int {
	if s.at(i) != '"' {
		return -1
	}
	if i = s.quoted(i + 1); i < 0 {
		return -1
	}
	if i = s.space(i); s.at(i) != ':' {
		return -1
	}
	return s.space(i + 1)
}

// scalar is the end of the number or literal at i; negative if there is none.
func (s *skim) scalar(i int) int {
	if c := s.at(i); c == '-' || '0' <= c && c <= '9' {
		return s.number(i)
	}
	for _, literal := range [...]string{"true", "false", "null"} {
		if end := i + len(literal); end <= len(s.text) && string(s.text[i:end]) == literal {
			return end
		}
	}
	return -1
}

// number is the end of the number at i; negative if there is none.
func (s *skim) number(i int) int {
	if s.at(i) == '-' {
		i++
	}
	start := i
	if i = s.digits(i); i == start || s.text[start] == '0' && i > start+1 {
		return -1
	}
	if s.at(i) == '.' {
		start = i + 1
		if i = s.digits(start); i == start {
			return -1
		}
	}
	if s.at(i)|0x20 == 'e' {
		if i++; s.at(i) == '+' || s.at(i) == '-' {
			i++
		}
		start = i
		if i = s.digits(start); i == start {
			return -1
		}
	}
	return i
}

// digits is where the digits at i end.
func (s *skim) digits(i int) int {
	for i < len(s.text) && '0' <= s.text[i] && s.text[i] <= '9' {
		i++
	}
	return i
}

// Eight bytes at a time: each constant is a byte, eight times.
const (
	ones    = 0x0101010101010101
	highs   = 0x80 * ones
	quotes  = '"' * ones
	slashes = '\\' * ones
	spaces  = ' ' * ones
)

// special marks, by their high bits, the quotes, backslashes and control characters of eight bytes, the first of
// them in the lowest byte. Only the lowest mark is sure: a borrow may set others above it.
func special(word uint64) uint64 {
	q, b := word^quotes, word^slashes
	return ((q-ones)&^q | (b-ones)&^b | (word-spaces)&^word) & highs
}

// quoted is the end, behind its quotation mark, of the string whose first character is at i; negative if it has none.
func (s *skim) quoted(i int) int {
	b := s.text
	for {
		for i+8 <= len(b) {
			word := binary.LittleEndian.Uint64(b[i:])
			s.seen |= word
			if marks := special(word); marks != 0 {
				i += bits.TrailingZeros64(marks) / 8
				break
			}
			i += 8
		}
		switch c := s.at(i); {
		case c == '"':
			return i + 1
		case c == '\\':
			if i = s.escape(i); i < 0 {
				return -1
			}
		case c < ' ': // or the end of the text
			return -1
		default: // among the last seven bytes
			s.seen |= uint64(c)
			i++
		}
	}
}

// escape is the end of the escape at i; negative if it is none.
func (s *skim) escape(i int) int {
	switch s.at(i + 1) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		for k := i + 2; k < i+6; k++ {
			if c := s.at(k); (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
				return -1
			}
		}
		if s.text[i+2]|0x20 == 'd' {
			s.halves = true
		}
		return i + 6
	}
	return -1
}
