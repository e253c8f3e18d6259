package dfa

import (
	"regexp/syntax"
	"sync"
	"sync/atomic"
)

// A DFA is a regular expression that is asked whether it matches. It is safe for concurrent use.
type DFA struct {
	table atomic.Pointer[table] // nil = there is none yet, or the last one was full

	mu      sync.Mutex
	re      *syntax.Regexp // until it is compiled
	machine *machine       // makes states
}

// New returns the automaton of an expression, which is compiled when the first text comes. Nobody may change the
// expression from now on.
func New(re *syntax.Regexp) *DFA { return &DFA{re: re} }

// Match reports whether the expression matches anywhere in text, in time linear in it.
func (d *DFA) Match(text []byte) bool {
	t := d.table.Load()
	if t == nil {
		t = d.begin()
	}
	state, i, made := t.start, 0, 0
	for state > matched {
		for i < len(text) {
			next := t.next[state+uint32(t.ascii[text[i]])].Load()
			if next <= matched {
				break
			}
			state = next
			i++
		}
		column, width := t.at(text[i:])
		next := t.next[state+column].Load()
		if next == unknown {
			var key string // of state, if the text makes no more states
			if t, next, key = d.extend(t, state, column, made < maxMade+i/bytesPerMade); next == unknown {
				return t.run(key, text[i:])
			}
			made++
		}
		state = next
		i += width
	}
	return state == matched
}

// begin returns a table with the state in front of a text.
func (d *DFA) begin() *table {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := d.table.Load(); t != nil {
		return t
	}
	if d.machine == nil {
		d.machine, d.re = newMachine(compile(d.re)), nil
	}
	d.machine.begin()
	t, start := newTable(d.machine.program).add(d.machine)
	t.start = start
	d.table.Store(t)
	return t
}

// extend finds where a column leads from a state of t, and returns the table that knows it. If no state may be made, or
// the table is full, it is unknown, and extend returns the key of the state.
func (d *DFA) extend(t *table, state, column uint32, may bool) (*table, uint32, string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := t.keys[state/t.width()]
	now := d.table.Load()
	if now == nil || now.states != t.states { // another text has filled it
		return t, unknown, key
	}
	if next := now.next[state+column].Load(); next != unknown {
		return now, next, ""
	}
	if now.full() {
		d.table.Store(nil)
		may = false
	}
	if !may {
		return t, unknown, key
	}
	d.machine.load(key)
	d.machine.step(column)
	now, next := now.add(d.machine)
	now.next[state+column].Store(next)
	d.table.Store(now)
	return now, next, ""
}
