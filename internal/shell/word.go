package shell

import (
	"bytes"
	"slices"
)

// A class says what a byte means where nothing is quoted.
type class uint8

const (
	ordinary class = iota
	blank
	operator  // ends a word, as newline does
	quoting   // ' " \
	expanding // $ `
	bracing   // { , }
)

var classes = func() (c [256]class) {
	for kind, chars := range map[class]string{
		blank: " \t\r\v\f", operator: "\n;&|()<>", quoting: "'\"\\", expanding: "$`", bracing: "{,}",
	} {
		for i := range len(chars) {
			c[chars[i]] = kind
		}
	}
	return c
}()

// peek is the byte n behind the one at hand; 0 = there is none.
func (p *Parser) peek(n int) byte {
	if p.at+n < len(p.in) {
		return p.in[p.at+n]
	}
	return 0
}

// begin begins a word of the command at hand.
func (p *Parser) begin() {
	p.blank = len(p.out)
	if len(p.out) > p.start {
		p.out = append(p.out, ' ')
	}
	p.from, p.quote, p.vague, p.braces.n = len(p.out), false, false, 0
}

// end ends the word, which is none if it is empty.
func (p *Parser) end() {
	if len(p.out) == p.from {
		p.out = p.out[:p.blank]
		return
	}
	if p.braces.n > 1 && p.expandBraces() {
		return
	}
	p.push(p.from)
}

// push makes a word of what stands in out from a place on.
func (p *Parser) push(from int) {
	p.words = append(p.words, word{int32(from), int32(len(p.out)), p.quote, p.vague, false}) //nolint:gosec // at most maxBytes
	p.spend(len(p.out) - from)
}

// spend accounts for n bytes written.
func (p *Parser) spend(n int) {
	p.steps += n
	if p.total += n; p.total > p.limit {
		p.full = true
	}
}

// put appends to the word. What is put more than once of the text goes by repeat.
func (p *Parser) put(data []byte) { p.out = append(p.out, data...) }

// putOpen appends what has a value that is not known.
func (p *Parser) putOpen(data []byte) {
	p.vague = true
	p.repeat(data)
}

// repeat appends to the word what stands elsewhere, unless there is too much of it.
func (p *Parser) repeat(data []byte) {
	if p.total += len(data); p.total > p.limit {
		p.full = true
		return
	}
	p.steps += len(data)
	p.out = append(p.out, data...)
}

// word reads a word, and pushes it or the words that it expands to.
func (p *Parser) word() {
	from := p.at
	p.begin()
	for p.at < len(p.in) && !p.full {
		c := p.in[p.at]
		switch classes[c] {
		case ordinary:
			i := p.at + 1
			for i < len(p.in) && classes[p.in[i]] == ordinary {
				i++
			}
			p.put(p.in[p.at:i])
			p.at = i
		case blank:
			p.finishWord(from)
			return
		case operator:
			if (c == '<' || c == '>') && p.peek(1) == '(' && p.depth < maxDepth {
				p.substitute(2, ')', raw)
				continue
			}
			p.finishWord(from)
			return
		case quoting:
			p.quoted(c)
		case expanding:
			if c == '`' && p.tick {
				p.finishWord(from)
				return
			}
			p.expand(false)
		case bracing:
			p.brace(c)
		}
	}
	p.finishWord(from)
}

func (p *Parser) finishWord(from int) {
	p.end()
	p.steps += p.at - from
}

// quoted reads what a quote or a backslash begins.
func (p *Parser) quoted(c byte) {
	switch c {
	case '\\':
		switch {
		case p.at+1 == len(p.in):
			p.at++
		case p.in[p.at+1] == '\n':
			p.at += 2
		case p.in[p.at+1] == '\r' && p.peek(2) == '\n':
			p.at += 3
		default:
			p.put(p.in[p.at+1 : p.at+2])
			p.quote = true
			p.at += 2
		}
	case '\'':
		p.at++
		if p.single { // the shell waits for the rest; we take what there is
			return
		}
		n := bytes.IndexByte(p.in[p.at:], '\'')
		if n < 0 {
			p.single = true
			return
		}
		p.put(p.in[p.at : p.at+n])
		p.at += n + 1
		p.quote = true
	case '"':
		if slices.Contains(p.plain[:p.plains], p.at) {
			p.at++
			return
		}
		p.double()
	}
}

// double reads what stands between double quotes.
func (p *Parser) double() {
	begin := p.at
	p.at++
	p.quote = true
	for p.at < len(p.in) && !p.full {
		switch c := p.in[p.at]; {
		case c == '"':
			p.at++
			return
		case c == '\\':
			switch next := p.peek(1); next {
			case '\n':
				p.at += 2
			case '$', '`', '"', '\\':
				p.put(p.in[p.at+1 : p.at+2])
				p.at += 2
			default:
				p.put(p.in[p.at : p.at+1])
				p.at++
			}
		case c == '`' && p.tick:
			return // the quote had no end before the substitution had
		case c == '$' || c == '`':
			p.expand(true)
		default:
			i := p.at + 1
			for i < len(p.in) && p.in[i] != '"' && p.in[i] != '\\' && p.in[i] != '$' && p.in[i] != '`' {
				i++
			}
			p.put(p.in[p.at:i])
			p.at = i
		}
	}
	if p.unended == noText || begin < p.unended {
		p.unended = begin
	}
}

// ansi reads $'...', whose escapes are those of C.
func (p *Parser) ansi() {
	p.at += 2
	p.quote = true
	i := p.at
	for i < len(p.in) && p.in[i] != '\'' {
		if p.in[i] == '\\' {
			i++
		}
		i++
	}
	i = min(i, len(p.in))
	p.out = unescape(p.out, p.in[p.at:i], escapesOfC)
	p.at = min(i+1, len(p.in))
}
