package shell

import "bytes"

// A variable is an assignment of a text that is known. The last one of a name counts.
type variable struct{ name, value []byte }

// value returns the value of a variable, if it is known.
func (p *Parser) value(name []byte) ([]byte, bool) {
	for i := len(p.vars) - 1; i >= 0; i-- {
		if bytes.Equal(p.vars[i].name, name) {
			return p.vars[i].value, true
		}
	}
	return nil, false
}

// assign remembers name=value. Both are kept as they are: what is written stays where it is until the next Parse.
func (p *Parser) assign(word []byte) {
	name, value, _ := bytes.Cut(word, []byte("="))
	if len(p.vars) == maxVariables || len(value) > maxValue {
		return
	}
	if n := len(name) - 1; name[n] == '+' {
		name = name[:n]
		before, _ := p.value(name)
		if len(before)+len(value) > maxValue {
			return
		}
		from := len(p.buffers[valueBuffer])
		b := append(append(p.buffers[valueBuffer], before...), value...)
		p.buffers[valueBuffer] = b
		value = b[from:len(b):len(b)]
		p.spend(len(value))
	}
	p.vars = append(p.vars, variable{name, value})
}

// isAssignment reports whether a word assigns to a variable.
func isAssignment(w []byte) bool {
	for i, c := range w {
		switch {
		case c == '=':
			return i > 0
		case c == '+' && i > 0 && i+1 < len(w) && w[i+1] == '=':
			return true
		case !isName(c, i == 0):
			return false
		}
	}
	return false
}
