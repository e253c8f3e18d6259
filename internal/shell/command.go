package shell

// An element is a command of a pipeline, or one of those of a group that stands in its place.
type element struct {
	span
	place int // in the pipeline
}

// A command is what the parser keeps of a simple command while it reads it; all are lengths of its stacks.
type command struct{ redirs, subs, elems int }

// list reads pipelines up to what ends the list: the end of the text, or ) or ` or }, which stays. It leaves an element
// for each of them, at most maxChoices unless nothing is around it.
func (p *Parser) list(end byte) {
	base := len(p.elems)
	for p.at < len(p.in) && !p.full {
		p.pipeline()
		if end == 0 {
			p.elems = p.elems[:base]
		} else if n := len(p.elems) - base; n > maxChoices {
			p.elems = append(p.elems[:base], p.elems[base+n-maxChoices:]...)
		}
		if p.closed {
			p.closed = false
			if end == '}' {
				return
			}
		}
		if p.at >= len(p.in) {
			return
		}
		switch c := p.in[p.at]; {
		case c == end:
			return
		case c == '\n':
			p.newline()
		case c == '`' && p.tick:
			return
		case c == ';' && p.peek(1) == ';' && p.cases > 0:
			p.pattern = true
			p.at += 2
		default:
			p.at++ // ; & | or a ) too many
		}
	}
}

// pipeline reads a pipeline, and leaves an element for it.
func (p *Parser) pipeline() {
	base, stdin := len(p.elems), p.stdin
	p.stdout = stream{}
	for place := 0; ; place++ {
		from := len(p.elems)
		p.command()
		for i := range p.elems[from:] {
			p.elems[from+i].place = place
		}
		if p.full || p.closed || p.peek(0) != '|' || p.peek(1) == '|' {
			break
		}
		p.at++
		if p.peek(0) == '&' {
			p.at++
		}
		for p.blanks(); p.peek(0) == '\n'; p.blanks() {
			p.newline()
		}
		p.stdin = p.stdout
	}
	p.flush(&p.stdout)
	p.stdin = stdin
	p.join(base)
}

// join makes pipelines of the elements from base on, and one element of each pipeline.
func (p *Parser) join(base int) {
	elems := p.elems[base:]
	if len(elems) == 0 || elems[len(elems)-1].place == elems[0].place {
		return
	}
	choices, run := 1, 1
	for i := 1; i < len(elems); i++ {
		if run++; elems[i].place != elems[i-1].place {
			run = 1
		}
		choices = max(choices, run)
	}
	b := p.buffers[pipeBuffer]
	first := len(b)
	var made [maxChoices]span
	choices = min(choices, maxChoices)
	for choice := range choices {
		from := len(b)
		for i := 0; i < len(elems); {
			n := 1
			for i+n < len(elems) && elems[i+n].place == elems[i].place {
				n++
			}
			if i > 0 {
				b = append(b, " | "...)
			}
			b = append(b, p.bytes(elems[i+min(choice, n-1)].span)...)
			i += n
		}
		made[choice] = span{pipeBuffer, int32(from), int32(len(b))} //nolint:gosec // at most maxBytes
		if p.total+len(b)-first > p.limit {
			p.full, choices = true, choice+1
			break
		}
	}
	p.buffers[pipeBuffer] = b
	p.spend(len(b) - first)
	p.elems = p.elems[:base]
	for _, s := range made[:choices] {
		p.add(pipelines, s)
		p.elems = append(p.elems, element{span: s})
	}
}

func (p *Parser) blanks() {
	for p.at < len(p.in) {
		switch {
		case classes[p.in[p.at]] == blank:
			p.at++
		case p.in[p.at] == '\\' && p.peek(1) == '\n':
			p.at += 2
		case p.in[p.at] == '\\' && p.peek(1) == '\r' && p.peek(2) == '\n':
			p.at += 3
		default:
			return
		}
	}
}

// command reads a command: a simple one, or a group, or as much of a compound one as is up to the next command.
func (p *Parser) command() {
	c := command{len(p.redirs), len(p.subs), len(p.elems)}
	base, start := p.base, p.start
	p.base, p.start = len(p.words), len(p.out)
	array := 0 // words up to the one that an array is assigned in; 0 = none is
	for p.at < len(p.in) && !p.full {
		p.blanks()
		switch ch := p.peek(0); {
		case p.at >= len(p.in):
		case ch == '#':
			for p.at < len(p.in) && p.in[p.at] != '\n' {
				p.at++
			}
			continue
		case ch == '<' || ch == '>':
			if p.peek(1) == '(' && p.depth < maxDepth {
				p.word()
				continue
			}
			p.redirection("")
			continue
		case ch == '&' && p.peek(1) == '>':
			p.at++
			p.redirection("")
			continue
		case '0' <= ch && ch <= '9' && p.descriptor():
			continue
		case ch == '(' && p.group(&array):
			continue
		case ch == ')' && array > 0:
			p.at++
			p.words = p.words[:array]
			w := &p.words[array-1]
			w.to, w.open, array = int32(len(p.out)), true, 0 //nolint:gosec // at most maxBytes
			continue
		case ch == ')' && p.pattern:
			p.at++
			p.pattern = false
			p.drop()
			continue
		case ch == '\n' && array > 0:
			p.newline()
			continue
		case classes[ch] == operator || ch == '`' && p.tick:
		default:
			p.word()
			if len(p.words) == p.base+1 && p.keyword() {
				p.drop()
				if p.closed {
					break
				}
			}
			continue
		}
		break
	}
	p.finish(c)
	p.words, p.redirs, p.subs = p.words[:p.base], p.redirs[:c.redirs], p.subs[:c.subs]
	p.base, p.start = base, start
}

// drop forgets the words of the command at hand.
func (p *Parser) drop() {
	p.words, p.out = p.words[:p.base], p.out[:p.start]
}

// group reads what a ( begins. It reports false for one that means nothing, which is left to end the command.
func (p *Parser) group(array *int) bool {
	words := p.words[p.base:]
	switch {
	case p.pattern: // case x in (a)
		p.at++
		return true
	case len(words) == 0:
		if p.peek(1) == '(' {
			if from := p.at; p.arithmetic() { // ((i++))
				p.out = p.out[:len(p.out)-(p.at-from)]
				return true
			}
		}
		return p.nest(')')
	case len(words) == 1 && p.peek(1) == ')': // name() {
		p.at += 2
		p.drop()
		return true
	case p.in[p.at-1] == '=' && *array == 0 && isAssignment(p.text(words[len(words)-1])):
		p.at++
		*array = len(p.words)
		return true
	}
	return false
}

// nest reads the commands of a group. It reports whether they do not nest too deep.
func (p *Parser) nest(end byte) bool {
	if p.groups == maxGroups {
		return false
	}
	if end == ')' {
		p.at++
	}
	p.groups++
	p.list(end)
	p.groups--
	if end == ')' {
		p.at = min(p.at+1, len(p.in))
	}
	p.start = len(p.out)
	return true
}

// keyword reports whether the only word so far is one of the shell's, and sees to what it begins.
func (p *Parser) keyword() bool {
	w := p.words[p.base]
	if w.quoted || w.to-w.from > 8 {
		return false
	}
	switch string(p.text(w)) {
	case "if", "then", "elif", "else", "do", "while", "until", "!", "fi", "done", "coproc":
		return true
	case "esac":
		p.cases, p.pattern = max(p.cases-1, 0), false
		return true
	case "{":
		p.drop()
		p.nest('}') // too deep, it is read as if there were no braces
		return true
	case "}":
		p.closed = true
		return true
	case "function":
		p.blanks()
		p.word()
		return true
	case "for", "select":
		p.header()
		return true
	case "case":
		p.header()
		p.cases++
		p.pattern = true
		return true
	}
	return false
}

// header reads the rest of what for and case begin with, which is no command, and is told as it stands.
func (p *Parser) header() {
	for !p.full {
		p.blanks()
		ch := p.peek(0)
		if ch == 0 || classes[ch] == operator && ch != '(' && ch != ')' || ch == '`' && p.tick {
			break
		}
		if ch == '(' || ch == ')' {
			p.at++
			continue
		}
		p.word()
		last := p.text(p.words[len(p.words)-1])
		if n := len(p.words) - p.base; n == 3 && string(last) == "in" && string(p.text(p.words[p.base])) == "case" {
			break
		}
	}
	p.add(segments, p.span(p.start))
	p.start = len(p.out)
}

// text is the text of a word of the buffer at hand.
func (p *Parser) text(w word) []byte { return p.out[w.from:w.to:w.to] }

// newline reads a line end, and the here documents that begin behind it.
func (p *Parser) newline() {
	if p.at == p.here.line && p.here.end > p.at {
		p.at = p.here.end
		return
	}
	p.at++
}
