package shell

import "bytes"

// joined sees to eval, watch, ssh and trap: the rest of their words is one text, of trap the first alone.
func (p *Parser) joined(prog *program, words []word, end int, c command) {
	i := prog.options(p, words)
	if prog.kind == remote { // of ssh options may stand behind the host as well
		i += prog.options(p, words[i:])
	}
	if i == 0 || i >= len(words) {
		return
	}
	from, to := int(words[i].from), end
	if prog.kind == first {
		to = int(words[i].to)
	}
	body := p.out[from:to:to]
	if prog.kind == joiner && (isSubstitution(body, "$(") || isSubstitution(body, "`")) {
		p.synthesise(c, "sh")
	}
	p.run(body)
}

// login sees to su, runuser and script: the text behind -c, wherever that stands, or what is behind --.
func (p *Parser) login(words []word) {
	for i, w := range words[1:] {
		o := p.text(w)
		switch {
		case string(o) == "--" && i+2 < len(words):
			p.again(words[i+2:])
			return
		case len(o) > 1 && o[0] == '-' && o[1] != '-' && o[len(o)-1] == 'c', string(o) == "--command":
			if i+2 < len(words) {
				p.run(p.text(words[i+2]))
			}
			return
		case bytes.HasPrefix(o, []byte("--command=")):
			p.run(o[len("--command="):])
			return
		}
	}
}

// finder sees to what find runs.
func (p *Parser) finder(words []word) {
	for i := 1; i < len(words); i++ {
		switch string(p.text(words[i])) {
		case "-exec", "-execdir", "-ok", "-okdir":
		default:
			continue
		}
		n := i + 1
		for n < len(words) && string(p.text(words[n])) != ";" && string(p.text(words[n])) != "+" {
			n++
		}
		p.again(words[i+1 : n])
		i = n
	}
}

// again tells a command that is part of the one at hand.
func (p *Parser) again(words []word) {
	if len(words) == 0 || p.within == maxDepth || p.full {
		return
	}
	c := command{len(p.redirs), len(p.subs), len(p.elems)}
	base, start := p.base, p.start
	p.base, p.start = len(p.words), len(p.out)
	for _, w := range words {
		p.begin()
		p.repeat(p.text(w))
		p.push(p.from)
	}
	p.within++
	p.finish(c)
	p.within--
	p.words, p.elems = p.words[:p.base], p.elems[:c.elems]
	p.base, p.start = base, start
}

// synthesise tells what a substitution writes, and a shell runs, as the pipeline that does the same.
func (p *Parser) synthesise(c command, shell string) {
	for _, s := range p.subs[c.subs:] {
		b := p.buffers[pipeBuffer]
		from := len(b)
		b = append(append(append(b, p.bytes(s)...), " | "...), shell...)
		p.buffers[pipeBuffer] = b
		p.spend(len(b) - from)
		p.add(pipelines, span{pipeBuffer, int32(from), int32(len(b))}) //nolint:gosec // at most maxBytes
	}
}

// tellDecoded tells a text that was decoded, and has it read. Other data is not told.
func (p *Parser) tellDecoded(data []byte) {
	data = bytes.TrimSpace(data)
	if !isText(data) {
		return
	}
	b := p.buffers[valueBuffer]
	from := len(b)
	b = append(b, data...)
	p.buffers[valueBuffer] = b
	p.spend(len(data))
	p.add(decoded, span{valueBuffer, int32(from), int32(len(b))}) //nolint:gosec // at most maxBytes
	p.run(b[from:len(b):len(b)])
}
