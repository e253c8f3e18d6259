package shell

import "bytes"

// The ways in which a substitution becomes part of a word.
const (
	unquoted = iota // its output, if it is known, else as it is written; the output is split into words
	quoted          // the same, not split
	raw             // as it is written
)

// substitute reads a substitution, which begins with n bytes and ends with end, and puts it into the word at hand. Its
// commands go into a buffer of their own, as the command around them is half written.
func (p *Parser) substitute(n int, end byte, way int) {
	begin := p.at
	p.at += n
	if p.depth == maxDepth {
		p.put(p.in[begin:p.at])
		return
	}
	around, elems := p.state, len(p.elems)
	p.buffers[p.depth] = p.out
	p.depth++
	p.out = p.buffers[p.depth]
	p.state = state{tick: end == '`', start: len(p.out)}

	p.list(end)
	p.at = min(p.at+1, len(p.in))
	out, ran := p.stdout, p.elems[elems:]
	for _, e := range ran {
		p.subs = append(p.subs, e.span)
	}

	p.buffers[p.depth] = p.out
	p.depth--
	p.out = p.buffers[p.depth]
	p.elems, p.state = p.elems[:elems], around
	if end == '`' {
		p.nestedTicks(p.in[begin:p.at])
	}
	if way == raw || len(ran) > 1 || len(ran) == 1 && !out.known {
		p.putOpen(p.in[begin:p.at])
		return
	}
	p.vague = p.vague || out.open
	p.insert(bytes.TrimRight(out.data, "\n"), way == quoted)
}

// nestedTicks has a substitution between two ` read once more if there are others in it, which are written \`.
func (p *Parser) nestedTicks(text []byte) {
	if !bytes.Contains(text, []byte("\\`")) {
		return
	}
	b := p.buffers[valueBuffer]
	from := len(b)
	for i, c := range text[1:] {
		if c == '\\' && i+2 < len(text) && (text[i+2] == '`' || text[i+2] == '$') {
			continue
		}
		if c == '`' && text[i] != '\\' { // the last one
			break
		}
		b = append(b, c)
	}
	p.run(p.keep(b, from))
}
