package dfa

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
)

const (
	// behindWord says among assertions that a word character stands in front; no instruction asks for that alone.
	behindWord = syntax.EmptyNoWordBoundary << 1
	backOps    = syntax.EmptyBeginText | syntax.EmptyBeginLine // those that what stands in front decides
)

// A machine follows a text with the set of all instructions that may be next. It is the automaton without its table.
type machine struct {
	*program
	now     []uint32       // instructions that take a character, and assertions that depend on it
	look    syntax.EmptyOp // what the assertions in now, and those behind them, need to know of what stands in front
	matched bool           // however the text goes on
	over    bool           // the text has ended

	// Of a step, kept for the next one.
	decided []uint32 // now without its assertions
	next    []uint32 // now behind the character
	stack   []uint32 // of follow; as an instruction is followed once, it never grows
	seen    []uint32 // by instruction: the round that has been there last
	round   uint32
	key     []byte // of add
}

func newMachine(p *program) *machine {
	return &machine{program: p, seen: make([]uint32, len(p.insts)), stack: make([]uint32, 0, len(p.insts)+1)}
}

// begin puts the machine in front of a text.
func (m *machine) begin() {
	m.matched, m.over = false, false
	m.turn()
	m.next = m.follow(m.next[:0], m.start, backOps, false)
	m.arrive(backOps)
}

// step takes a character of a column, or the end of the text.
func (m *machine) step(column uint32) {
	kind, from := m.kinds[column], m.now
	if m.waits() {
		from = m.decide(kind)
	}
	if m.over = kind == nothing; m.over || m.matched {
		return
	}
	var look syntax.EmptyOp
	switch kind {
	case newline:
		look = syntax.EmptyBeginLine
	case word:
		look = behindWord
	default: // nothing to be seen
	}
	m.turn()
	next := m.next[:0]
	for _, pc := range from {
		in := &m.insts[pc]
		if m.sets[in.arg][column/64]>>(column%64)&1 != 0 {
			next = m.follow(next, in.out, look, false)
		}
	}
	m.next = m.follow(next, m.start, look, false)
	m.arrive(look)
}

// waits reports whether now has an assertion.
func (m *machine) waits() bool {
	return slices.ContainsFunc(m.now, func(pc uint32) bool { return m.insts[pc].op == syntax.InstEmptyWidth })
}

// decide returns now without its assertions, in front of a character of some kind.
func (m *machine) decide(kind kind) []uint32 {
	holds := m.look &^ behindWord
	switch kind {
	case nothing:
		holds |= syntax.EmptyEndText | syntax.EmptyEndLine
	case newline:
		holds |= syntax.EmptyEndLine
	default: // no end
	}
	if (m.look&behindWord != 0) != (kind == word) {
		holds |= syntax.EmptyWordBoundary
	} else {
		holds |= syntax.EmptyNoWordBoundary
	}
	m.turn()
	decided := m.decided[:0]
	for _, pc := range m.now {
		decided = m.follow(decided, pc, holds, true)
	}
	m.decided = decided
	return decided
}

// turn begins a round, in which each instruction is followed once.
func (m *machine) turn() {
	if m.round++; m.round == 0 {
		clear(m.seen)
		m.round = 1
	}
}

// follow appends to set what follows at pc before a character is taken. holds are the assertions that hold there: all of
// them if what comes next is known, else those that look back.
func (m *machine) follow(set []uint32, pc uint32, holds syntax.EmptyOp, known bool) []uint32 {
	stack := m.stack[:1]
	stack[0] = pc
	for len(stack) > 0 {
		pc := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for m.seen[pc] != m.round {
			m.seen[pc] = m.round
			in := &m.insts[pc]
			switch in.op {
			case syntax.InstAlt:
				stack = append(stack, in.arg)
				pc = in.out
			case syntax.InstNop:
				pc = in.out
			case syntax.InstEmptyWidth:
				if op := syntax.EmptyOp(in.arg); holds&op == op { //nolint:gosec // of syntax, which keeps it there
					pc = in.out
				} else if !known && op&backOps == 0 {
					set = append(set, pc)
				}
			case syntax.InstRune:
				set = append(set, pc)
			case syntax.InstMatch:
				m.matched = true
			default: // InstFail
			}
		}
	}
	return set
}

// arrive makes next what is now. look is what is to be known of what stands in front.
func (m *machine) arrive(look syntax.EmptyOp) {
	m.now, m.next = m.next, m.now
	m.look = 0
	if m.waits() {
		asked := m.asks & backOps
		if m.asks&wordOps != 0 {
			asked |= behindWord
		}
		m.look = look & asked
	}
}

// failed reports whether there is no match, however the text goes on.
func (m *machine) failed() bool {
	return !m.matched && (m.over || len(m.now) == 0 && m.asks&syntax.EmptyBeginLine == 0)
}

// appendKey appends what tells where the machine is: equal places have equal keys.
func (m *machine) appendKey(key []byte) []byte {
	slices.Sort(m.now)
	key = append(key, byte(m.look))
	last := uint32(0)
	for _, pc := range m.now {
		key = binary.AppendUvarint(key, uint64(pc-last))
		last = pc
	}
	return key
}

// load puts the machine where a key says.
func (m *machine) load(key string) {
	m.matched, m.over = false, false
	m.look = syntax.EmptyOp(key[0])
	m.now = m.now[:0]
	pc := uint32(0)
	for rest := []byte(key[1:]); len(rest) > 0; {
		more, n := binary.Uvarint(rest)
		pc += uint32(more) //nolint:gosec // appendKey wrote it
		m.now = append(m.now, pc)
		rest = rest[n:]
	}
}
