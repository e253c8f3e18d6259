package shell

import "bytes"

// Commands is what a text runs. The texts of a list differ from each other. They are the Parser's, and hold until it
// parses again.
type Commands struct {
	// Segments are the simple commands: words without their quotes, the program's name without its directory, one blank
	// between two words; behind them what is redirected, as in "wget -qO- example.net > /tmp/x". A command that runs
	// another one ("sudo -u www sh") is followed by that one ("sh").
	Segments [][]byte
	// Pipelines are the pipelines of two commands or more, without wrappers: "curl -s example.net | sh".
	Pipelines [][]byte
	// Programs are the names of the programs, those of wrappers included.
	Programs [][]byte
	// Decoded are texts that the text decodes, as with base64 -d. What they run is in the other lists.
	Decoded [][]byte
}

// A span is a text in one of the parser's buffers.
type span struct{ buffer, from, to int32 }

const (
	pipeBuffer  = maxDepth + 1 // pipelines
	valueBuffer = maxDepth + 2 // values of variables, decoded texts
	noText      = -1
)

// A word is a word of the command that is being read, in the buffer at hand.
type word struct {
	from, to int32
	quoted   bool // some of it was: it is no keyword
	open     bool // some of it is as it is written, since its value is not known
	braced   bool // it is of a brace list
}

// A stream is what a command reads or writes, as far as it follows from the text.
type stream struct {
	data    []byte
	known   bool
	open    bool // some of data is as it is written, since its value is not known
	decoded bool // data was decoded, which who reads it last must tell
}

// A text is something that is read as a script of its own.
type text struct {
	data  []byte
	depth int // texts around it
}

// A Parser parses texts, one at a time. The zero value is ready.
type Parser struct {
	in    []byte // the text at hand
	at    int    // where in it
	depth int    // of substitutions
	out   []byte // buffers[depth], while it is written
	state

	words  []word
	redirs []byte // of the commands that are being read
	subs   []span // what the substitutions in them run
	elems  []element
	groups int // around the command at hand
	within int // commands of find -exec around it

	unended int // the first double quote without an end
	plain   [maxTries]int
	plains  int  // how many of plain are double quotes to be taken for none
	single  bool // there is no single quote any more
	here    hereDocuments

	vars    []variable
	texts   []text
	nested  int // texts around the one at hand
	buffers [maxDepth + 3][]byte
	lists   [4]list
	total   int  // bytes written
	limit   int  // of total
	full    bool // it is reached: no more is read
	steps   int  // bytes read and written
	result  Commands
}

// A state is what a substitution has of its own.
type state struct {
	tick    bool // it is between two `
	pattern bool // in a case, before )
	closed  bool // a } has ended a group
	cases   int

	base   int // words of the commands around the one at hand
	start  int // of the command at hand, in out
	stdin  stream
	stdout stream // of the last command

	from   int  // of the word at hand, in out
	blank  int  // end of out before the word at hand and the blank in front of it
	quote  bool // some of the word was quoted
	vague  bool // some of it is not known
	braces braces
}

// The lists, as Commands has them.
const (
	segments = iota
	pipelines
	programs
	decoded
)

// Parse returns what data runs. It keeps data no longer than it takes.
func (p *Parser) Parse(data []byte) *Commands {
	p.reset()
	p.limit = min(maxBytes, minBytes+maxGrowth*len(data))
	p.texts = append(p.texts, text{data: data})
	for i := 0; i < len(p.texts) && !p.full; i++ {
		p.nested = p.texts[i].depth
		p.read(p.texts[i].data)
	}
	if len(p.lists[segments].spans) == 0 {
		if rest := bytes.TrimSpace(data); len(rest) > 0 {
			p.out = append(p.out[:0], rest[:min(len(rest), maxBytes)]...)
			p.buffers[0] = p.out
			p.add(segments, p.span(0))
		}
	}
	for i, l := range [...]*[][]byte{&p.result.Segments, &p.result.Pipelines, &p.result.Programs, &p.result.Decoded} {
		*l = (*l)[:0]
		for _, s := range p.lists[i].spans {
			*l = append(*l, p.bytes(s))
		}
	}
	p.in, p.stdin, p.stdout = nil, stream{}, stream{}
	clear(p.texts)
	return &p.result
}

func (p *Parser) reset() {
	for i := range p.buffers {
		p.buffers[i] = p.buffers[i][:0]
	}
	for i := range p.lists {
		p.lists[i].cut(p, 0)
	}
	p.vars, p.texts = p.vars[:0], p.texts[:0]
	p.total, p.steps, p.full = 0, 0, false
}

// read reads a text. If a double quote in it has no end, which happens where a shell has been given one line of several,
// the text is read again as if it were not there.
func (p *Parser) read(data []byte) {
	m := p.mark()
	for p.plains = 0; ; p.plains++ {
		p.in, p.at, p.unended, p.single, p.here = data, 0, noText, false, hereDocuments{}
		p.depth, p.groups, p.words, p.redirs, p.subs, p.elems = 0, 0, p.words[:0], p.redirs[:0], p.subs[:0], p.elems[:0]
		p.out = p.buffers[0]
		p.state = state{start: len(p.out)}
		p.list(0)
		p.buffers[0] = p.out
		if p.unended == noText || p.plains == maxTries || p.full {
			return
		}
		p.plain[p.plains] = p.unended
		p.back(m)
	}
}

// A mark is how far the parser's output has come.
type mark struct {
	buffers [maxDepth + 3]int
	lists   [4]int
	vars    int
	texts   int
}

func (p *Parser) mark() mark {
	m := mark{vars: len(p.vars), texts: len(p.texts)}
	for i := range p.buffers {
		m.buffers[i] = len(p.buffers[i])
	}
	for i := range p.lists {
		m.lists[i] = len(p.lists[i].spans)
	}
	return m
}

// back forgets what was written since m.
func (p *Parser) back(m mark) {
	for i := range p.buffers {
		p.buffers[i] = p.buffers[i][:m.buffers[i]]
	}
	for i := range p.lists {
		p.lists[i].cut(p, m.lists[i])
	}
	p.vars, p.texts = p.vars[:m.vars], p.texts[:m.texts]
}

// span is what stands in the buffer at hand from a place on.
func (p *Parser) span(from int) span {
	return span{int32(p.depth), int32(from), int32(len(p.out))} //nolint:gosec // at most maxDepth and maxBytes
}

// bytes is the text of a span.
func (p *Parser) bytes(s span) []byte {
	b := p.buffers[s.buffer]
	if int(s.buffer) == p.depth {
		b = p.out
	}
	return b[s.from:s.to:s.to]
}

// run has a text read as a script of its own.
func (p *Parser) run(data []byte) {
	last := &p.texts[len(p.texts)-1]
	if p.nested < maxDepth && len(p.texts) < maxTexts && len(bytes.TrimSpace(data)) > 0 && !bytes.Equal(data, last.data) {
		p.texts = append(p.texts, text{data, p.nested + 1})
	}
}
