package shell

import "bytes"

// hereDocuments are those that begin behind the line at hand.
type hereDocuments struct {
	n    int // of the text
	line int // where the line ends
	end  int // where the documents do
}

// descriptor reads a redirection with a number in front of it. It reports whether there is one.
func (p *Parser) descriptor() bool {
	i := p.at
	for i < len(p.in) && i < p.at+3 && '0' <= p.in[i] && p.in[i] <= '9' {
		i++
	}
	if i == len(p.in) || p.in[i] != '<' && p.in[i] != '>' || i+1 < len(p.in) && p.in[i+1] == '(' {
		return false
	}
	fd := string(p.in[p.at:i]) // at most three bytes: on the stack
	p.at = i
	p.redirection(fd)
	return true
}

// redirections are the operators, the longer ones first, and what they are written as.
var redirections = [...]struct{ op, as string }{
	{"<<<", "<<<"},
	{"<<-", "<<"},
	{"<<", "<<"},
	{"<>", "<>"},
	{"<&", "<&"},
	{"<", "<"},
	{">>", ">>"},
	{">&", ">&"},
	{">|", ">"},
	{">", ">"},
}

// redirection reads a redirection, of which fd is the number in front of it.
func (p *Parser) redirection(fd string) {
	op, as := "", ""
	for _, r := range redirections {
		if len(p.in)-p.at >= len(r.op) && string(p.in[p.at:p.at+len(r.op)]) == r.op {
			op, as = r.op, r.as
			break
		}
	}
	p.at += len(op)
	p.blanks()
	before, words := len(p.out), len(p.words)
	p.word()
	target := bytes.TrimPrefix(p.out[before:], []byte(" "))
	p.out, p.words = p.out[:before], p.words[:words]
	if len(target) == 0 {
		if p.at < len(p.in) && (p.in[p.at] == '<' || p.in[p.at] == '>') { // an operator that nothing can follow
			return
		}
		return
	}
	switch as {
	case "<<":
		p.hereDocument(target, op == "<<-")
	case "<<<":
		b := p.buffers[valueBuffer]
		from := len(b)
		b = append(b, target...)
		p.buffers[valueBuffer] = b
		p.spend(len(target))
		p.feed(b[from:len(b):len(b)])
	case "<&", ">&":
		switch isNumber := len(bytes.Trim(target, "0123456789")) == 0; {
		case string(target) == "-", isNumber && len(target) == 1 && target[0] <= '2' && fd <= "2":
			return // standard descriptors onto each other
		case !isNumber && as == ">&":
			as = ">"
		}
	}
	if fd == "0" && as[0] == '<' || fd == "1" && as[0] == '>' {
		fd = ""
	}
	p.redirs = append(p.redirs, ' ')
	p.redirs = append(p.redirs, fd...)
	p.redirs = append(p.redirs, as...)
	if as != "<&" && as != ">&" {
		p.redirs = append(p.redirs, ' ')
	}
	p.redirs = append(p.redirs, target...)
}

// hereDocument finds the document that ends with a line of its own, which is the command's standard input.
func (p *Parser) hereDocument(end []byte, tabs bool) {
	if p.here.n == maxHere {
		return
	}
	p.here.n++
	begin := p.here.end
	if p.here.line < p.at {
		n := bytes.IndexByte(p.in[p.at:], '\n')
		if n < 0 {
			return
		}
		p.here.line = p.at + n
		begin = p.here.line + 1
	}
	for at := begin; at < len(p.in); {
		next := len(p.in)
		if n := bytes.IndexByte(p.in[at:], '\n'); n >= 0 {
			next = at + n + 1
		}
		line := bytes.TrimRight(p.in[at:next], "\r\n")
		if tabs {
			line = bytes.TrimLeft(line, "\t")
		}
		if bytes.Equal(line, end) {
			p.here.end = next
			p.feed(p.in[begin:at:at])
			return
		}
		at = next
	}
	p.here.end = len(p.in)
	p.feed(p.in[min(begin, len(p.in)):])
}

// feed makes text the standard input of the command at hand.
func (p *Parser) feed(text []byte) {
	p.flush(&p.stdin)
	p.stdin = stream{data: text, known: true, open: p.vague}
}
