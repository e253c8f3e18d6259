package shell

import (
	"bytes"
	"unicode/utf8"
)

// write is what a command writes.
func (p *Parser) write(k kind, words []word, end int) stream {
	in, args := p.stdin, words[1:]
	switch k {
	case echoer:
		return p.echo(args, end)
	case printer:
		return p.printf(args)
	case copier:
		in.known = in.known && p.options(args)
		return in
	case passer:
		return in
	case base64er:
		in.known = in.known && p.option(args, "dD", "--decode")
	case crypter:
		in.known = in.known && p.option(args, "", "-d") && (p.option(args, "", "-a") || p.option(args, "", "-base64") || p.option(args, "", "base64"))
	case hexer:
		in.known = in.known && p.option(args, "r", "-revert") && p.option(args, "p", "-plain")
	default: // reverser
	}
	if !in.known || in.open {
		return stream{}
	}
	b := p.buffers[valueBuffer]
	from := len(b)
	switch k {
	case reverser:
		b = appendReversed(b, in.data)
	case hexer:
		b = appendHex(b, in.data)
	default:
		b = appendBase64(b, in.data)
	}
	return stream{data: p.keep(b, from), known: true, decoded: true}
}

// keep makes b, which has grown from a length on, the buffer of values, and returns what is new in it.
func (p *Parser) keep(b []byte, from int) []byte {
	p.buffers[valueBuffer] = b
	p.spend(len(b) - from)
	return b[from:len(b):len(b)]
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

// anyOpen reports whether one of the words is not known.
func anyOpen(words []word) bool {
	for _, w := range words {
		if w.open {
			return true
		}
	}
	return false
}

// echo is what echo writes. Without escapes, it is what stands in out.
func (p *Parser) echo(args []word, end int) stream {
	escapes := false
	i := 0
	for ; i < len(args); i++ {
		o := p.text(args[i])
		if len(o) < 2 || o[0] != '-' || len(bytes.Trim(o[1:], "neE")) > 0 {
			break
		}
		escapes = escapes || bytes.IndexByte(o, 'e') > 0
	}
	s := stream{known: true, open: anyOpen(args)}
	if i == len(args) {
		return s
	}
	s.data = p.out[args[i].from:end:end]
	if escapes {
		s.decoded = hasCodes(s.data)
		b := p.buffers[valueBuffer]
		s.data = p.keep(unescape(b, s.data, escapesOfEcho), len(b))
	}
	return s
}

// printf is what printf writes.
func (p *Parser) printf(args []word) stream {
	if len(args) > 0 && string(p.text(args[0])) == "--" {
		args = args[1:]
	}
	if len(args) == 0 || string(p.text(args[0])) == "-v" {
		return stream{known: true}
	}
	format, args := p.text(args[0]), args[1:]
	s := stream{known: true, open: anyOpen(args), decoded: hasCodes(format)}
	b := p.buffers[valueBuffer]
	from := len(b)
	for range maxRounds {
		before := len(args)
		for rest := format; len(rest) > 0 && len(b) < maxBytes; {
			i := bytes.IndexByte(rest, '%')
			if i < 0 {
				i = len(rest)
			}
			b = unescape(b, rest[:i], escapesOfC)
			rest = bytes.TrimLeft(rest[min(i+1, len(rest)):], "-+ #0123456789.")
			if len(rest) == 0 {
				break
			}
			switch verb := rest[0]; {
			case verb == '%':
				b = append(b, '%')
			case len(args) == 0:
			case verb == 'b':
				s.decoded = s.decoded || hasCodes(p.text(args[0]))
				b, args = unescape(b, p.text(args[0]), escapesOfEcho), args[1:]
			default:
				b, args = append(b, p.text(args[0])...), args[1:]
			}
			rest = rest[1:]
		}
		if len(args) == 0 || len(args) == before {
			break
		}
	}
	s.data = p.keep(b, from)
	return s
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

// appendReversed appends text from its end to its beginning.
func appendReversed(dst, text []byte) []byte {
	for len(text) > 0 {
		_, n := utf8.DecodeLastRune(text)
		dst = append(dst, text[len(text)-n:]...)
		text = text[:len(text)-n]
	}
	return dst
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
		case c == '=': // padding; another text may follow
			n = 0
			continue
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
