package webtext

import (
	"bytes"
	"unicode/utf8"
)

// maxRounds bounds how often a text is decoded anew: attackers encode twice to pass a filter that decodes once, and some
// three times; honest text stands still after one round.
const maxRounds = 4

// A Source says what stands in a text beside the encodings that may stand anywhere.
type Source uint8

// Sources of a text.
const (
	Other Source = iota
	Form         // a query or the body of a form: + is a blank
	JSON         // a JSON document: \n, \t, \" and so on in its strings
)

// Decode appends text with its encodings undone, again and again until it stands still or maxRounds are over:
//
//   - percent-encoding, %XX and %uXXXX;
//   - HTML entities, &#60; and &#x3c; also without the semicolon, and named ones of ASCII characters with it;
//   - \uXXXX, \u{X} and \xXX of JSON, JavaScript and others;
//   - UTF-8 that is longer than it must be, and full-width forms, which some servers take for ASCII;
//   - null bytes, which go.
//
// A byte that is no UTF-8 becomes the character of its value, U+0080 to U+00FF.
func Decode(dst, text []byte, source Source) []byte {
	begin := len(dst)
	if plain(text, source) {
		return append(dst, text...)
	}
	dst = appendRound(dst, text, source)
	var before []byte
	for range maxRounds - 1 {
		if !bytes.ContainsAny(dst[begin:], `%&\`) {
			break
		}
		before = append(before[:0], dst[begin:]...)
		if dst = appendRound(dst[:begin], before, Other); bytes.Equal(dst[begin:], before) {
			break
		}
	}
	return dst
}

// plain reports whether there is nothing to decode in a text.
func plain(text []byte, source Source) bool {
	for _, c := range text {
		if coded[c] && (c != '+' || source == Form) {
			return false
		}
	}
	return true
}

// coded are the bytes that may begin something to decode.
var coded = func() (is [256]bool) {
	for c := range is {
		is[c] = c == 0 || c == '%' || c == '&' || c == '\\' || c == '+' || c >= utf8.RuneSelf
	}
	return is
}()

// appendRound appends a text decoded once.
func appendRound(dst, text []byte, source Source) []byte {
	begin := len(dst)
	odd := false // there is something for mend
	for i := 0; i < len(text); {
		c := text[i]
		n, decoded := 0, rune(0)
		switch {
		case c == '%':
			if i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2]) {
				b := unhex(text[i+1])<<4 | unhex(text[i+2])
				dst, odd = append(dst, b), odd || b >= utf8.RuneSelf || b == 0
				i += 3
				continue
			}
			if i+1 < len(text) && (text[i+1] == 'u' || text[i+1] == 'U') {
				n, decoded = hex(text[i+2:], 4, 4)
				n = grow(n, 2)
			}
		case c == '&':
			n, decoded = entity(text[i+1:])
			n = grow(n, 1)
		case c == '\\':
			n, decoded = backslash(text[i+1:], source)
			n = grow(n, 1)
		case c == '+' && source == Form:
			c = ' '
		}
		if n > 0 {
			dst, odd = utf8.AppendRune(dst, decoded), odd || decoded >= utf8.RuneSelf || decoded == 0
			i += n
			continue
		}
		dst, odd = append(dst, c), odd || c >= utf8.RuneSelf || c == 0
		i++
	}
	if odd {
		dst = mend(dst, begin)
	}
	return dst
}

// grow is n and the bytes before it; 0 stays 0, for nothing was found.
func grow(n, by int) int {
	if n == 0 {
		return 0
	}
	return n + by
}

// backslash is the character that an escape stands for, given behind its backslash, and the bytes that it takes; 0 for
// none.
func backslash(text []byte, source Source) (int, rune) {
	if len(text) == 0 {
		return 0, 0
	}
	switch c := text[0]; c {
	case 'u', 'U':
		if len(text) > 1 && text[1] == '{' {
			if n, r := hex(text[2:], 1, 6); n > 0 && 2+n < len(text) && text[2+n] == '}' {
				return n + 3, r
			}
			return 0, 0
		}
		n, r := hex(text[1:], 4, 4)
		if n > 0 && 0xd800 <= r && r < 0xdc00 && len(text) > 6 && text[5] == '\\' && text[6] == 'u' {
			if n, low := hex(text[7:], 4, 4); n > 0 && 0xdc00 <= low && low < 0xe000 {
				return 11, 0x10000 + (r-0xd800)<<10 + low - 0xdc00
			}
		}
		return grow(n, 1), r
	case 'x', 'X':
		n, r := hex(text[1:], 2, 2)
		return grow(n, 1), r
	default:
		if source != JSON {
			return 0, 0
		}
		if k := bytes.IndexByte([]byte(`"\/bfnrt`), c); k >= 0 {
			return 1, rune("\"\\/\b\f\n\r\t"[k])
		}
		return 0, 0
	}
}

// entity is the character of an HTML entity, given behind its &, and the bytes that it takes; 0 for none.
func entity(text []byte) (int, rune) {
	if len(text) > 2 && text[0] == '#' {
		n, r := decimal(text[1:], 8)
		n = grow(n, 1)
		if text[1] == 'x' || text[1] == 'X' {
			n, r = hex(text[2:], 1, 8)
			n = grow(n, 2)
		}
		if n > 0 && n < len(text) && text[n] == ';' {
			n++
		}
		return n, r
	}
	end := bytes.IndexByte(text[:min(len(text), maxName+1)], ';')
	if end < 0 {
		return 0, 0
	}
	if r, ok := entities[string(text[:end])]; ok {
		return end + 1, r
	}
	return 0, 0
}

// maxName is how long a name in entities is at most.
const maxName = 7

// entities are the names of ASCII characters in HTML, and the case variants of those that old browsers take.
var entities = map[string]rune{
	"lt": '<', "LT": '<', "gt": '>', "GT": '>', "amp": '&', "AMP": '&', "quot": '"', "QUOT": '"', "apos": '\'', "nbsp": ' ',
	"Tab": '\t', "tab": '\t', "NewLine": '\n', "newline": '\n', "excl": '!', "num": '#', "dollar": '$', "percnt": '%',
	"lpar": '(', "rpar": ')', "ast": '*', "midast": '*', "plus": '+', "comma": ',', "hyphen": '-', "dash": '-', "period": '.',
	"sol": '/', "colon": ':', "semi": ';', "equals": '=', "quest": '?', "commat": '@', "lsqb": '[', "lbrack": '[', "bsol": '\\',
	"rsqb": ']', "rbrack": ']', "Hat": '^', "lowbar": '_', "grave": '`', "lcub": '{', "lbrace": '{', "verbar": '|', "vert": '|',
	"rcub": '}', "rbrace": '}',
}

// hex reads from least to most hexadecimal digits and returns how many there are, 0 for fewer than least.
func hex(text []byte, least, most int) (int, rune) {
	n, r := 0, rune(0)
	for n < len(text) && n < most && isHex(text[n]) {
		r = r<<4 | rune(unhex(text[n]))
		n++
	}
	if n < least {
		return 0, 0
	}
	return n, r
}

// decimal reads at most most digits and returns how many there are.
func decimal(text []byte, most int) (int, rune) {
	n, r := 0, rune(0)
	for n < len(text) && n < most && '0' <= text[n] && text[n] <= '9' {
		r = r*10 + rune(text[n]-'0')
		n++
	}
	return n, r
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
