package shell

import "bytes"

// expand reads what a $ or a ` begins.
func (p *Parser) expand(inQuotes bool) {
	way := unquoted
	if inQuotes {
		way = quoted
	}
	if p.in[p.at] == '`' {
		p.substitute(1, '`', way)
		return
	}
	switch c := p.peek(1); {
	case c == '(':
		if p.peek(2) == '(' && p.arithmetic() {
			return
		}
		p.substitute(2, ')', way)
	case c == '{':
		p.parameter(inQuotes)
	case c == '\'' && !inQuotes:
		p.ansi()
	case c == '"' && !inQuotes:
		p.at++ // $"..." is "..."
	case isName(c, true):
		end := p.nameEnd(p.at + 1)
		p.reference(p.in[p.at+1:end], end, inQuotes)
	case '0' <= c && c <= '9' || c == '@' || c == '*':
		p.positional(p.at+2, inQuotes)
	default:
		p.putOpen(p.in[p.at : p.at+1])
		p.at++
	}
}

// isName reports whether c can stand in a name.
func isName(c byte, first bool) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || !first && '0' <= c && c <= '9'
}

// nameEnd is where the name ends that begins at i.
func (p *Parser) nameEnd(i int) int {
	for i < len(p.in) && isName(p.in[i], false) {
		i++
	}
	return i
}

// arithmetic reads $((...)), as it is written. It reports whether there is one.
func (p *Parser) arithmetic() bool {
	open := 0
	for i := p.at + 1; i < min(len(p.in), p.at+maxRaw); i++ {
		switch p.in[i] {
		case '(':
			open++
		case ')':
			if open--; open == 0 {
				p.putOpen(p.in[p.at : i+1])
				p.at = i + 1
				return true
			}
		}
	}
	return false
}

// reference puts the value of a variable, which is written up to end.
func (p *Parser) reference(name []byte, end int, inQuotes bool) {
	begin := p.at
	p.at = end
	if string(name) == "IFS" {
		p.separate(inQuotes)
		return
	}
	if value, known := p.value(name); known {
		p.insert(value, inQuotes)
		return
	}
	p.unknown(begin, end, inQuotes)
}

// separate puts what $IFS is: blanks.
func (p *Parser) separate(inQuotes bool) {
	if inQuotes {
		p.out = append(p.out, ' ')
		return
	}
	p.end()
	p.begin()
}

// insert puts a value, which is split into words where it is not in quotes.
func (p *Parser) insert(value []byte, inQuotes bool) {
	if inQuotes {
		p.repeat(value)
		return
	}
	separators := " \t\n"
	if ifs, known := p.value([]byte("IFS")); known {
		separators = string(ifs)
	}
	for !p.full {
		i := bytes.IndexAny(value, separators)
		if i < 0 {
			p.repeat(value)
			return
		}
		p.repeat(value[:i])
		p.end()
		p.begin()
		value = value[i+1:]
	}
}

// unknown puts a variable that is not known as it is written; but where a letter stands on both sides, and in the
// name of a program, it is there to be nothing.
func (p *Parser) unknown(begin, end int, inQuotes bool) {
	left := begin > 0 && isName(p.in[begin-1], false)
	right := end < len(p.in) && isName(p.in[end], false)
	if left && right || !inQuotes && len(p.words) == p.base && (len(p.out) > p.from || right) && !isAssignment(p.out[p.from:]) {
		return
	}
	p.putOpen(p.in[begin:end])
}

// positional puts $1, $@ and the like, written up to end. They are nothing in a line that is typed, and stand in it to
// break words up; alone, as in a function, they are put as they are written.
func (p *Parser) positional(end int, inQuotes bool) {
	begin := p.at
	p.at = end
	c := p.in[end-1]
	if c == '}' {
		c = p.in[end-2]
	}
	if c == '@' || c == '*' {
		left, right := begin, end
		if inQuotes {
			left, right = left-1, right+1
		}
		if p.touches(left-1) || p.touches(right) {
			return
		}
	} else if before := p.in[:begin]; bytes.HasSuffix(before, []byte("IFS")) || bytes.HasSuffix(before, []byte("IFS}")) {
		return
	}
	p.unknown(begin, end, true)
}

// touches reports whether the byte at i is part of a word.
func (p *Parser) touches(i int) bool {
	return i >= 0 && i < len(p.in) && classes[p.in[i]] != blank && classes[p.in[i]] != operator
}

// parameter reads ${...}.
func (p *Parser) parameter(inQuotes bool) {
	begin, i := p.at, p.at+2
	if i+1 < len(p.in) && p.in[i+1] == '}' && (p.in[i] == '@' || p.in[i] == '*' || '0' <= p.in[i] && p.in[i] <= '9') {
		p.positional(i+2, inQuotes)
		return
	}
	end := p.nameEnd(i)
	name := p.in[i:end]
	switch op := p.operator(end); {
	case op == "}" && len(name) > 0:
		p.reference(name, end+1, inQuotes)
		return
	case op == "" || len(name) == 0 || p.groups == maxGroups:
	default:
		p.groups++
		p.fallback(name, op, end+len(op), inQuotes)
		p.groups--
		return
	}
	length := bytes.IndexByte(p.in[begin:min(len(p.in), begin+maxRaw)], '}')
	if length < 0 {
		p.put(p.in[begin : begin+1])
		p.at = begin + 1
		return
	}
	p.at = begin + length + 1
	if value, known := p.substring(name, p.in[end:p.at-1]); known {
		p.insert(value, inQuotes)
		return
	}
	p.putOpen(p.in[begin:p.at])
}

// operator is what stands behind the name in ${}: one of } - = + :- := :+, else nothing.
func (p *Parser) operator(i int) string {
	if i >= len(p.in) {
		return ""
	}
	switch c := p.in[i]; {
	case c == '}':
		return "}"
	case c == '-' || c == '=':
		return "-"
	case c == '+':
		return "+"
	case c == ':' && i+1 < len(p.in) && (p.in[i+1] == '-' || p.in[i+1] == '='):
		return ":-"
	case c == ':' && i+1 < len(p.in) && p.in[i+1] == '+':
		return ":+"
	}
	return ""
}

// fallback reads ${name:-word} and its kin. The word counts where the variable is not known, or is for +.
func (p *Parser) fallback(name []byte, op string, at int, inQuotes bool) {
	value, known := p.value(name)
	begin := len(p.out)
	p.at = at
	for p.at < len(p.in) && p.in[p.at] != '}' && !p.full {
		switch c := p.in[p.at]; classes[c] {
		case quoting:
			p.quoted(c)
		case expanding:
			if c == '`' && p.tick {
				return
			}
			p.expand(inQuotes)
		default:
			p.put(p.in[p.at : p.at+1])
			p.at++
		}
	}
	p.at = min(p.at+1, len(p.in))
	if plus := op == "+" || op == ":+"; plus != known {
		begin = min(begin, len(p.out))
		p.out = p.out[:max(begin, p.from)]
		if !plus {
			p.insert(value, inQuotes)
		}
	}
}

// substring is the value of ${name:offset:length}, of which the first / of a path that every shell has is told.
func (p *Parser) substring(name, spec []byte) ([]byte, bool) {
	if len(spec) == 0 || spec[0] != ':' {
		return nil, false
	}
	value, known := p.value(name)
	if !known {
		switch string(name) {
		case "HOME", "PATH", "PWD", "OLDPWD", "SHELL":
			value = []byte("/")
		default:
			return nil, false
		}
	}
	first, second, both := bytes.Cut(spec[1:], []byte(":"))
	from, n := number(bytes.TrimSpace(first), 10, 4)
	if n == 0 || n < len(bytes.TrimSpace(first)) || int(from) > len(value) {
		return nil, false
	}
	value = value[from:]
	if both {
		length, n := number(bytes.TrimSpace(second), 10, 4)
		if n == 0 || n < len(bytes.TrimSpace(second)) {
			return nil, false
		}
		value = value[:min(int(length), len(value))]
	} else if !known {
		return nil, false
	}
	return value, true
}
