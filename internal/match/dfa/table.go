package dfa

import "sync/atomic"

// Bounds of what attackers' texts may have us do.
const (
	// maxBytes bounds the memory of a table. A state of an ordinary expression takes some 250 bytes, and over 600 expressions
	// that 16,000 labelled commands and requests were held against had 25 each. Seven expressions, with counted gaps in them, filled
	// tables of this size now and then; four times the size changed the time that all took by less than could be measured.
	maxBytes = 1 << 16
	// minStates is how many states a table may have in any case.
	minStates = 16
	// maxMade is how many look-ups in vain a text may have that make states, and bytesPerMade for how many of its bytes it may
	// have one more. To make one with each byte takes three to five times as long as regexp.
	maxMade      = 64
	bytesPerMade = 16
)

// What a state leads to where it is no other state.
const (
	unknown uint32 = iota
	failed         // no text that goes on from here matches
	matched        // all of them do
)

// A table holds what is known of the automaton. A state is the place in next where its row begins; there is no state at 0.
// Places in next are written once and read without a lock; a table that has become too small is copied into a larger
// one, and readers of the small one come to know that when they miss something.
type table struct {
	*program
	*states
	next  []atomic.Uint32 // by state + column: a state, or one of the constants
	start uint32          // the state in front of a text, or one of the constants
}

// states are shared by a table and the larger ones that it is copied to; DFA.mu guards them.
type states struct {
	keys    []string          // of the machine, by state/width
	numbers map[string]uint32 // states by key
	bytes   int               // of both
}

func newTable(p *program) *table {
	return &table{program: p, states: &states{keys: []string{""}, numbers: map[string]uint32{}}}
}

// width is the number of columns.
func (t *table) width() uint32 { return t.ends + 1 }

// full reports whether there is no room for another state.
func (t *table) full() bool { return 4*len(t.next)+t.bytes >= maxBytes && len(t.keys) > minStates }

// add finds or makes the state of where the machine is, and returns it with the table that has it.
func (t *table) add(m *machine) (*table, uint32) {
	switch {
	case m.matched:
		return t, matched
	case m.failed():
		return t, failed
	}
	m.key = m.appendKey(m.key[:0])
	if state, known := t.numbers[string(m.key)]; known {
		return t, state
	}
	width := t.width()
	state := uint32(len(t.keys)) * width //nolint:gosec // full bounds it
	if int(state+width) > len(t.next) {
		larger := make([]atomic.Uint32, 2*int(state+width))
		for i := range t.next {
			larger[i].Store(t.next[i].Load())
		}
		t = &table{program: t.program, states: t.states, next: larger, start: t.start}
	}
	key := string(m.key)
	t.keys = append(t.keys, key)
	t.numbers[key] = state
	t.bytes += len(key) + stateBytes
	return t, state
}

// stateBytes is what a state takes beside its row and key: two headers of a text, a number, and the room of a map.
const stateBytes = 64

// run follows a text from the place with a key, and makes no states.
func (t *table) run(key string, text []byte) bool {
	m := newMachine(t.program)
	m.load(key)
	for {
		column, width := t.at(text)
		m.step(column)
		if m.matched || m.failed() {
			return m.matched
		}
		text = text[width:]
	}
}
