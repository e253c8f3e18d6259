package shell

import (
	"bytes"
	"slices"
)

// A variable is an assignment. The last one of a name counts.
type variable struct {
	name, value []byte
	known       bool
}

// value returns the value of a variable, if it is known.
func (p *Parser) value(name []byte) ([]byte, bool) {
	for _, v := range slices.Backward(p.vars) {
		if bytes.Equal(v.name, name) {
			return v.value, v.known
		}
	}
	return nil, false
}

// assign remembers name=value. Both are kept as they are: what is written stays where it is until the next Parse.
func (p *Parser) assign(w word) {
	name, value, _ := bytes.Cut(p.text(w), []byte("="))
	if len(p.vars) == maxVariables {
		return
	}
	known := !w.open && len(value) <= maxValue
	if n := len(name) - 1; name[n] == '+' {
		name = name[:n]
		before, was := p.value(name)
		known = known && was && len(before)+len(value) <= maxValue
		from := len(p.buffers[valueBuffer])
		b := append(append(p.buffers[valueBuffer], before...), value...)
		p.buffers[valueBuffer] = b
		value = b[from:len(b):len(b)]
		p.spend(len(value))
	}
	p.vars = append(p.vars, variable{name, value, known})
}

// isAssignment reports whether a word assigns to a variable.
func isAssignment(w []byte) bool {
	for i, c := range w[:min(len(w), maxName)] {
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
