package shell

import (
	"bytes"
	"unicode/utf8"
)

// write sees to what a command writes, if that is known: p.stdout.
func (p *Parser) write(k kind, words []word, end int, wasDecoded bool) {
	b := p.buffers[valueBuffer]
	from := len(b)
	args := words[1:]
	done := false
	switch k {
	case echoer:
		b, done = p.echo(b, args, end)
	case printer:
		b, done = p.printf(b, args)
	case copier, passer:
		if p.stdin != nil && (k == passer || p.options(args)) {
			p.stdout, p.decoded = p.stdin, wasDecoded
		}
		return
	case reverser:
		if p.stdin != nil {
			for i := len(p.stdin); i > 0; {
				_, n := utf8.DecodeLastRune(p.stdin[:i])
				b, i = append(b, p.stdin[i-n:i]...), i-n
			}
			done = true
		}
	case base64er:
		if p.stdin != nil && p.option(args, "dD", "--decode") {
			b, done = appendBase64(b, p.stdin), true
		}
	case crypter:
		if p.stdin != nil && p.option(args, "d", "-d") && (p.option(args, "a", "base64") || p.option(args, "", "-base64")) {
			b, done = appendBase64(b, p.stdin), true
		}
	case hexer:
		if p.stdin != nil && p.option(args, "r", "-revert") && p.option(args, "p", "-plain") {
			b, done = appendHex(b, p.stdin), true
		}
	default:
	}
	if len(b) == from && !done && k != echoer && k != printer {
		return
	}
	p.buffers[valueBuffer] = b
	p.spend(len(b) - from)
	if p.stdout == nil {
		p.stdout = b[from:len(b):len(b)]
	}
	p.decoded = done
}

// option reports whether one of the words is a short option, alone or among others, or a long one.
func (p *Parser) option(words []word, short, long string) bool {
	for _, w := range words {
		o := p.text(w)
		if string(o) == long || len(o) > 1 && o[0] == '-' && o[1] != '-' && bytes.ContainsAny(o[1:], short) {
			return true
		}
	}
	return false
}

// options reports whether all words are options.
func (p *Parser) options(words []word) bool {
	for _, w := range words {
		if p.out[w.from] != '-' {
			return false
		}
	}
	return true
}

// echo appends what echo writes, and reports whether escapes were undone. Without, it is what stands in out.
func (p *Parser) echo(b []byte, args []word, end int) (out []byte, undone bool) {
	escapes := false
	i := 0
	for ; i < len(args); i++ {
		o := p.text(args[i])
		if len(o) < 2 || o[0] != '-' || len(bytes.Trim(o[1:], "neE")) > 0 {
			break
		}
		escapes = escapes || bytes.IndexByte(o, 'e') > 0
	}
	if i == len(args) {
		p.stdout = []byte{}
		return b, false
	}
	written := p.out[args[i].from:end:end]
	if !escapes {
		p.stdout = written
		return b, false
	}
	return unescape(b, written, escapesOfEcho), hasCodes(written)
}

// printf appends what printf writes, and reports whether escapes were undone.
func (p *Parser) printf(b []byte, args []word) (out []byte, undone bool) {
	if len(args) > 0 && string(p.text(args[0])) == "--" {
		args = args[1:]
	}
	if len(args) == 0 || string(p.text(args[0])) == "-v" {
		return b, false
	}
	format := p.text(args[0])
	args = args[1:]
	for range maxRounds {
		rest, before := format, len(args)
		for len(rest) > 0 && len(b) < maxBytes {
			i := bytes.IndexByte(rest, '%')
			if i < 0 {
				i = len(rest)
			}
			b = unescape(b, rest[:i], escapesOfC)
			undone = undone || hasCodes(rest[:i])
			if rest = rest[min(i+1, len(rest)):]; len(rest) == 0 {
				break
			}
			rest = bytes.TrimLeft(rest, "-+ #0123456789.")
			if len(rest) == 0 {
				break
			}
			switch verb := rest[0]; {
			case verb == '%':
				b = append(b, '%')
			case len(args) == 0:
			case verb == 'b':
				b = unescape(b, p.text(args[0]), escapesOfEcho)
				undone, args = undone || hasCodes(p.text(args[0])), args[1:]
			default:
				b, args = append(b, p.text(args[0])...), args[1:]
			}
			rest = rest[1:]
		}
		if len(args) == 0 || len(args) == before {
			break
		}
	}
	return b, undone
}

// hasCodes reports whether text has an escape that is a number.
func hasCodes(text []byte) bool {
	for i := 0; i+1 < len(text); i++ {
		if text[i] == '\\' {
			switch i++; text[i] {
			case '0', '1', '2', '3', '4', '5', '6', '7', 'x', 'u', 'U':
				return true
			}
		}
	}
	return false
}

// appendBase64 appends what text is the Base64 form of, up to what is none. Blanks are passed over, padding may be missing.
func appendBase64(dst, text []byte) []byte {
	var bits uint32
	n := 0
	for _, c := range text {
		var d byte
		switch {
		case 'A' <= c && c <= 'Z':
			d = c - 'A'
		case 'a' <= c && c <= 'z':
			d = c - 'a' + 26
		case '0' <= c && c <= '9':
			d = c - '0' + 52
		case c == '+', c == '-':
			d = 62
		case c == '/', c == '_':
			d = 63
		case classes[c] == blank || c == '\n':
			continue
		default:
			return dst
		}
		bits = bits<<6 | uint32(d)
		if n++; n%4 != 1 {
			dst = append(dst, byte(bits>>(2*(3-(n-1)%4)))) //nolint:gosec // the low byte
		}
	}
	return dst
}

// appendHex appends the bytes that text has the hexadecimal digits of, up to what is none.
func appendHex(dst, text []byte) []byte {
	high := rune(-1)
	for _, c := range text {
		d := hexDigit(c)
		switch {
		case classes[c] == blank || c == '\n':
		case d < 0:
			return dst
		case high < 0:
			high = d
		default:
			dst, high = append(dst, byte(high<<4|d)), -1 //nolint:gosec // two digits
		}
	}
	return dst
}

// isText reports whether data is UTF-8 without control characters other than those that texts have.
func isText(data []byte) bool {
	for _, c := range data {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0x7f {
			return false
		}
	}
	return len(data) > 0 && utf8.Valid(data)
}
