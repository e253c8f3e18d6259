package shell

// braces are the places, in out, of the first brace list of the word at hand: its {, its commas, its }.
type braces struct {
	at    [maxBraces + 1]int32
	n     int // places that are known
	deep  int // braces inside of the list
	ended bool
}

// brace reads one of { , } that is not quoted.
func (p *Parser) brace(c byte) {
	b := &p.braces
	switch {
	case b.n > 0 && b.ended:
	case c == '{' && b.n == 0:
		b.n, b.deep, b.ended = 1, 0, false
		b.at[0] = int32(len(p.out)) //nolint:gosec // at most maxBytes
	case b.n == 0 || b.n == len(b.at):
	case c == '{':
		b.deep++
	case c == '}' && b.deep > 0:
		b.deep--
	case c == '}' || b.deep == 0:
		b.at[b.n] = int32(len(p.out)) //nolint:gosec // at most maxBytes
		b.n++
		b.ended = c == '}'
	}
	p.put(p.in[p.at : p.at+1])
	p.at++
}

// expandBraces puts the words that a word with a brace list stands for in its place. It reports whether there is a list.
func (p *Parser) expandBraces() bool {
	b := &p.braces
	if !b.ended || b.n < 3 {
		return false
	}
	at := b.at[:b.n]
	open, end := int(at[0]), int(at[len(at)-1])
	around := open - p.from + len(p.out) - end - 1
	if around > 0 && around*(len(at)-1) > maxBraced {
		return false
	}
	source, from := len(p.out), p.from
	p.out = append(p.out, p.out[from:]...) // the words are made from the copy
	shift := source - from
	prefix, suffix := [2]int{source, open + shift}, [2]int{end + 1 + shift, len(p.out)}
	target := len(p.out)
	for i, to := range at[1:] {
		before := len(p.out)
		if before > target {
			p.out = append(p.out, ' ')
		}
		begin := len(p.out)
		p.out = append(p.out, p.out[prefix[0]:prefix[1]]...)
		p.out = append(p.out, p.out[int(at[i])+1+shift:int(to)+shift]...)
		p.out = append(p.out, p.out[suffix[0]:suffix[1]]...)
		if len(p.out) == begin { // an empty word is none
			p.out = p.out[:before]
			continue
		}
		p.push(begin)
		w := &p.words[len(p.words)-1]
		w.braced = true
		w.from, w.to = w.from-int32(target-from), w.to-int32(target-from) //nolint:gosec // at most maxBytes
	}
	p.out = append(p.out[:from], p.out[target:]...)
	return true
}
