package shell

// levels are where among the words of a command it and those that it runs begin.
type levels struct {
	at    [maxLevels]int
	base  [maxLevels]int // where in their words the names of the programs begin
	n     int
	paths bool    // some names have a directory before them
	last  program // the innermost one
}

// finish tells the command at hand: its redirections, segments, and what it runs.
func (p *Parser) finish(c command) {
	redirs := p.redirs[c.redirs:]
	words := p.words[p.base:]
	if p.pattern || len(words) == 0 && len(redirs) == 0 {
		p.out = p.out[:p.start]
		return
	}
	if len(words) == 0 {
		p.out = append(p.out, redirs[1:]...)
		p.spend(len(redirs))
		p.tell(p.start, c)
		return
	}
	var l levels
	first := 0
	for first < len(words) && isAssignment(p.text(words[first])) {
		first++
	}
	if first == len(words) {
		for _, w := range words {
			p.assign(w)
		}
		p.out = append(p.out, redirs...)
		p.tell(p.start, c)
		return
	}
	l.find(p, words, first)
	p.strip(words, &l)
	end := len(p.out)
	p.out = append(p.out, redirs...)
	p.spend(len(redirs))
	if first > 0 {
		p.add(segments, p.span(p.start))
	}
	for _, at := range l.at[:l.n] {
		from := int(words[at].from)
		p.add(segments, p.span(from))
		if name := p.text(words[at]); name[0] != '$' && name[0] != '`' {
			p.add(programs, span{int32(p.depth), words[at].from, words[at].to}) //nolint:gosec // at most maxDepth
		}
	}
	words = words[l.at[l.n-1]:]
	if len(p.elems) == c.elems {
		p.elems = append(p.elems, element{span: p.span(int(words[0].from))})
	}
	p.effects(&l.last, words, end, c)
	p.start = len(p.out)
}

// tell tells a command that runs nothing.
func (p *Parser) tell(from int, c command) {
	p.add(segments, p.span(from))
	if len(p.elems) == c.elems {
		p.elems = append(p.elems, element{span: p.span(from)})
	}
	p.start = len(p.out)
}

// find finds the levels of a command whose name is the word at i.
func (l *levels) find(p *Parser, words []word, i int) {
	for {
		if l.n == maxLevels {
			l.n-- // the innermost one stays
		}
		name := p.text(words[i])
		begin := base(name)
		l.at[l.n], l.base[l.n] = i, begin
		l.n++
		l.paths = l.paths || begin > 0
		l.last = known[string(name[begin:])]
		n := 0
		switch l.last.kind {
		case wrapper:
			n = l.last.inner(p, words[i:])
		case runner:
			n = bracedBody(p, words[i:])
		default:
		}
		if n == 0 {
			return
		}
		i += n
	}
}

// bracedBody is where among the words of a shell the body begins that is a brace list: sh -c {echo,x}|{sh,-}. It is
// written so for programs that split what they run at blanks and pass the rest on whole, pipes included. 0 = nowhere.
func bracedBody(p *Parser, words []word) int {
	for i := 2; i < len(words); i++ {
		if words[i].braced {
			if before := p.text(words[i-1]); before[0] == '-' && before[len(before)-1] == 'c' {
				return i
			}
			return 0
		}
	}
	return 0
}

// strip leaves of the names of programs what is behind their directories.
func (p *Parser) strip(words []word, l *levels) {
	if !l.paths {
		return
	}
	to, next := p.start, 0
	for i := range words {
		w := &words[i]
		from := int(w.from)
		if next < l.n && l.at[next] == i {
			from += l.base[next]
			next++
		}
		if i > 0 {
			p.out[to] = ' '
			to++
		}
		n := copy(p.out[to:], p.out[from:w.to])
		w.from, w.to = int32(to), int32(to+n) //nolint:gosec // at most maxBytes
		to += n
	}
	p.out = p.out[:to]
}

// effects sees to what the innermost command runs and writes. Its arguments end in out at end, before redirections.
func (p *Parser) effects(prog *program, words []word, end int, c command) {
	p.stdout = stream{}
	switch prog.kind {
	case other, wrapper:
	case runner:
		p.runner(words, c)
	case joiner, remote, first:
		p.joined(prog, words, end, c)
	case login:
		p.login(words)
	case finder:
		p.finder(words)
	case queuer:
		if !p.stdin.decoded {
			p.run(p.stdin.data)
		}
	case reader:
		if len(words) > 1 && isSubstitution(p.text(words[1]), "<(") {
			p.synthesise(c, "sh")
		}
	case setter:
		for _, w := range words[1:] {
			if isAssignment(p.text(w)) {
				p.assign(w)
			}
		}
	case silent:
		p.stdout.known = true
	default:
		p.stdout = p.write(prog.kind, words, end)
	}
	if prog.kind < copier || !p.stdout.known {
		p.flush(&p.stdin) // it goes no further
	}
}

// flush tells what was decoded, if that has not been done.
func (p *Parser) flush(s *stream) {
	if s.decoded {
		s.decoded = false
		p.tellDecoded(s.data)
	}
}

// runner sees to what a shell runs: the text behind -c, or its standard input, or what a substitution writes.
func (p *Parser) runner(words []word, c command) {
	body, script := false, false
	for i := 1; i < len(words); i++ {
		o := p.text(words[i])
		switch {
		case len(o) > 1 && (o[0] == '-' || o[0] == '+') && !script:
			for _, f := range o[1:] {
				body = body || f == 'c' && o[1] != '-'
			}
			if string(o) == "-o" || string(o) == "-O" || string(o) == "--rcfile" || string(o) == "--init-file" {
				i++
			}
		case body:
			if isSubstitution(o, "$(") || isSubstitution(o, "`") {
				p.synthesise(c, string(p.text(words[0])))
			}
			p.run(o)
			return
		case string(o) == "-" || string(o) == "/dev/stdin":
		case isSubstitution(o, "<("):
			p.synthesise(c, string(p.text(words[0])))
			return
		default:
			return // a script of that name
		}
	}
	if !body && !p.stdin.decoded { // else who tells it has it read
		p.run(p.stdin.data)
	}
}

// isSubstitution reports whether a word begins with a substitution.
func isSubstitution(w []byte, begin string) bool {
	return len(w) >= len(begin) && string(w[:len(begin)]) == begin
}
