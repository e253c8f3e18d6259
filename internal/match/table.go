package match

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
)

// A table finds literals in folded texts of fields at a cost that does not grow with their number. It has two ways.
//
// A literal that may stand anywhere is found by its gram: four (or two) neighbouring bytes of it, the rarest there are.
// At each place of a text one hash of the bytes there is looked up in the field's filter, which is small; only where
// the bits are set, the hash table is asked for the literals with that gram, and their bytes are compared.
//
// A literal at the beginning or end of a text, or that is the whole text, is found by one look-up per field and length
// class: of so many bytes at the beginning or end, or of all.
type table struct {
	slots    []tableSlot
	literals []literal
	texts    []byte   // of all literals, one behind the other
	short    []uint64 // a bit per two bytes that a short gram may have
	keys     int      // slots in use, those without literals any more included
	free     int32    // literals that are not in use, linked by next; -1 = none
}

type tableSlot struct {
	key   uint64 // 0 = free
	first int32  // in literals; -1 = none
}

// A literal is one text that makes one atom true.
type literal struct {
	text  uint32 // where it begins
	size  uint32
	gram  int32 // where its gram begins, in the literal; for opContains
	field int32
	atom  int32
	check uint32 // its last bytes if it is a prefix, else its first, at most four: most comparisons end there
	next  int32  // with the same key; -1 = none
	op    op
}

// A probe is one look-up per text of a field: of the first or last size bytes, for opExact of all, and for opSuffix of
// size 0 of what begins with the last separator, which is a file's name in a path.
type probe struct {
	op        op
	separator byte // with opSuffix and size 0
	size      int
}

// probeSizes are the length classes of prefixes and suffixes.
var probeSizes = [...]int{32, 16, 8, 4, 1}

const (
	gramSize  = 4 // of literals that have as many bytes
	shortGram = 2 // of shorter ones

	// shortKeyword is how long a keyword must be to be found by grams. Every value is searched for keywords, so only
	// every other place is looked at; a literal has a key for even places and one for odd ones, and where its gram is
	// longer than it, one for each byte that may stand there.
	shortKeyword = 3
)

func newTable() table {
	return table{short: make([]uint64, 1<<16/64), slots: make([]tableSlot, 1<<6), free: -1}
}

func (t *table) clone() table {
	c := *t
	c.slots, c.literals, c.short = slices.Clone(t.slots), slices.Clone(t.literals), slices.Clone(t.short)
	c.texts = slices.Clip(t.texts) // only ever appended to
	return c
}

// A filter tells hashes that no literal of a field has: the bits of a mask in one word per hash. It is made for a number
// of hashes and has at least bitsPerHash for each.
type filter struct {
	words  []uint64 // a power of two of them
	shift  uint     // what leaves of a hash the number of a word
	hashes int      // that were added
}

// bitsPerHash keeps one hash in a hundred that is not there from being told.
const bitsPerHash = 12

// newFilter has room for so many hashes.
func newFilter(hashes int) filter {
	log := bits.Len(uint(hashes*bitsPerHash/64)) + 1
	return filter{words: make([]uint64, 1<<log), shift: uint(32 - log)}
}

// holds reports whether the filter has room for so many hashes.
func (f *filter) holds(hashes int) bool { return hashes*bitsPerHash <= len(f.words)*64 }

func (f *filter) add(h uint32) {
	f.words[h>>f.shift] |= masks[h>>8&0xff]
	f.hashes++
}

// has reports whether a hash may have been added.
func (f *filter) has(h uint32) bool {
	mask := masks[h>>8&0xff]
	return f.words[h>>(f.shift&31)]&mask == mask
}

// masks are the three bits that a hash has in its word, by eight bits of it.
var masks = func() (m [256]uint64) {
	for i := range m {
		h := spread(uint64(i + 1))
		m[i] = 1<<(h>>58) | 1<<(h>>52&63) | 1<<(h>>46&63)
	}
	return m
}()

// maxPlaces bounds how many places of a text are looked at together.
const maxPlaces = 256

// places finds where in the first n places of b grams stand that the filter may have, and returns their number. b goes
// on for padding behind them. The loop calls nothing, so that all it works with stays in registers.
func (f *filter) places(b []byte, n int, hits *[maxPlaces]int32) int {
	words, shift := f.words, f.shift&31
	found := 0
	for i := 0; i < n; i += 4 {
		x := binary.LittleEndian.Uint64(b[i:])
		h0, h1, h2, h3 := gramHash(uint32(x)), gramHash(uint32(x>>8)), gramHash(uint32(x>>16)), gramHash(uint32(x>>24)) //nolint:gosec // the low bits
		m0, m1, m2, m3 := masks[uint8(h0>>8)], masks[uint8(h1>>8)], masks[uint8(h2>>8)], masks[uint8(h3>>8)]            //nolint:gosec // as above
		if words[h0>>shift]&m0 == m0 {
			hits[found&(maxPlaces-1)] = int32(i)
			found++
		}
		if words[h1>>shift]&m1 == m1 {
			hits[found&(maxPlaces-1)] = int32(i + 1)
			found++
		}
		if words[h2>>shift]&m2 == m2 {
			hits[found&(maxPlaces-1)] = int32(i + 2)
			found++
		}
		if words[h3>>shift]&m3 == m3 {
			hits[found&(maxPlaces-1)] = int32(i + 3)
			found++
		}
	}
	return found
}

// evenPlaces is places for every other place.
func (f *filter) evenPlaces(b []byte, n int, hits *[maxPlaces]int32) int {
	words, shift := f.words, f.shift&31
	found := 0
	for i := 0; i < n; i += 4 {
		x := binary.LittleEndian.Uint64(b[i:])
		h0, h2 := gramHash(uint32(x)), gramHash(uint32(x>>16)) //nolint:gosec // the low bits
		m0, m2 := masks[uint8(h0>>8)], masks[uint8(h2>>8)]     //nolint:gosec // as above
		if words[h0>>shift]&m0 == m0 {
			hits[found&(maxPlaces-1)] = int32(i)
			found++
		}
		if words[h2>>shift]&m2 == m2 {
			hits[found&(maxPlaces-1)] = int32(i + 2)
			found++
		}
	}
	return found
}

// gramHash is the hash of a gram of gramSize bytes in a filter.
func gramHash(gram uint32) uint32 { return gram * 0x9e3779b1 }

// hashOf is the hash in a filter of any other key.
func hashOf(key uint64) uint32 { return uint32(spread(key) >> 32) }

// spread multiplies a key so that the highest bits of the product depend on all of it.
func spread(key uint64) uint64 { return key * mix1 }

// settle mixes the high bits of a spread key into the low ones, which choose the slot.
func settle(h uint64) uint64 { return h ^ h>>29 }

// gramKey is the key of a gram in a field; of gram 0 it is what all keys of the field have in common.
func gramKey(field int32, gram uint32, size int) uint64 {
	return uint64(gram) | uint64(size)<<32 | uint64(field+1)<<36 //nolint:gosec // field numbers are small
}

// markHash is the hash that tells that some prefix or suffix of at least gramSize bytes begins, or ends, as text does.
func (p *probe) markHash(text []byte) uint32 {
	if p.op == opPrefix {
		return gramHash(binary.LittleEndian.Uint32(text)) ^ 0x5bd1e995
	}
	return gramHash(binary.LittleEndian.Uint32(text[len(text)-4:])) ^ 0x2545f491
}

// isGramKey reports whether a key is that of a gram of gramSize bytes.
func isGramKey(key uint64) bool { return key>>63 == 0 && key>>32&0xf == gramSize }

// probeKey is the key of the bytes that a probe looks at: of their number, beginning and end. Different bytes may have
// the same key.
func probeKey(field int32, p probe, b []byte) uint64 {
	first, last := ends(b)
	seed := uint64(field+1)<<40 | uint64(p.separator)<<32 | uint64(p.op)<<24 ^ uint64(p.size)<<16 ^ uint64(len(b)) //nolint:gosec // mixed, not counted
	return (first^seed*mix2)*mix1 ^ bits.RotateLeft64(last*mix2, 23) | 1<<63
}

// window is the part of text that a probe looks at; ok = the text is long enough.
func (p probe) window(text []byte) (part []byte, ok bool) {
	switch {
	case p.op == opExact:
		return text, true
	case len(text) < p.size:
		return nil, false
	case p.separator != 0:
		i := bytes.LastIndexByte(text, p.separator)
		if i < 0 {
			return nil, false
		}
		return text[i:], true
	case p.op == opPrefix:
		return text[:p.size], true
	default:
		return text[len(text)-p.size:], true
	}
}

// probeFor is the probe that finds a literal.
func probeFor(o op, text string) probe {
	if o == opExact {
		return probe{op: o}
	}
	if c := text[0]; o == opSuffix && (c == '\\' || c == '/') && strings.IndexByte(text[1:], c) < 0 {
		return probe{op: o, separator: c}
	}
	for _, class := range probeSizes {
		if len(text) >= class {
			return probe{op: o, size: class}
		}
	}
	panic("match: a prefix or suffix that is looked up is not empty")
}

// A place is a key of a literal, and where the gram that is the key begins in the literal.
type place struct {
	key  uint64
	gram int32
}

// add puts a literal under the keys of places.
func (t *table) add(places []place, l literal, text string) {
	l.text, l.size = uint32(len(t.texts)), uint32(len(text)) //nolint:gosec // the rules' texts are far below 4 GiB
	t.texts = append(t.texts, text...)
	l.check = checkOf(l.op, []byte(text))
	for _, p := range places {
		l.gram = p.gram
		t.link(p.key, l)
	}
}

func (t *table) link(key uint64, l literal) {
	s := t.slot(key)
	l.next = s.first
	at := t.free
	if at >= 0 {
		t.free = t.literals[at].next
		t.literals[at] = l
	} else {
		at = int32(len(t.literals)) //nolint:gosec // bounded by memory far below
		t.literals = append(t.literals, l)
	}
	s.first = at
}

// remove takes the literal of an atom away from a key.
func (t *table) remove(key uint64, atom int32) {
	s := t.slot(key)
	for at := &s.first; *at >= 0; at = &t.literals[*at].next {
		if i := *at; t.literals[i].atom == atom {
			*at = t.literals[i].next
			t.literals[i] = literal{next: t.free}
			t.free = i
			return
		}
	}
}

// slot finds the slot of a key, and makes it if there is none.
func (t *table) slot(key uint64) *tableSlot {
	if (t.keys+1)*2 > len(t.slots) {
		t.grow()
	}
	h := spread(key)
	mask := uint64(len(t.slots) - 1) //nolint:gosec // positive
	i := settle(h) & mask
	for t.slots[i].key != key {
		if t.slots[i].key == 0 {
			t.slots[i] = tableSlot{key, -1}
			t.keys++
			break
		}
		i = (i + 1) & mask
	}
	return &t.slots[i]
}

// grow doubles the table and forgets keys without literals.
func (t *table) grow() {
	old := t.slots
	t.slots = make([]tableSlot, 2*len(old))
	t.keys = 0
	mask := uint64(len(t.slots) - 1) //nolint:gosec // positive
	for _, s := range old {
		if s.key == 0 || s.first < 0 {
			continue
		}
		h := spread(s.key)
		i := settle(h) & mask
		for t.slots[i].key != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = s
		t.keys++
	}
}

// find returns the first literal of a key; -1 = none.
func (t *table) find(key uint64) int32 {
	mask := uint64(len(t.slots) - 1) //nolint:gosec // positive
	for i := settle(spread(key)) & mask; ; i = (i + 1) & mask {
		switch t.slots[i].key {
		case key:
			return t.slots[i].first
		case 0:
			return -1
		}
	}
}

// is reports whether a literal of the field stands in text where its gram or probe was found at i.
func (t *table) is(l *literal, field int32, text []byte, i int) bool {
	size := int(l.size)
	switch l.op {
	case opContains:
		i -= int(l.gram)
	case opPrefix:
		i = 0
	case opSuffix:
		i = len(text) - size
	default:
		i = 0
		if len(text) != size {
			return false
		}
	}
	return i >= 0 && i+size <= len(text) && checkOf(l.op, text[i:i+size]) == l.check && l.field == field &&
		string(text[i:i+size]) == string(t.texts[l.text:int(l.text)+size])
}

// checkOf is what a literal with this text has as its check.
func checkOf(o op, text []byte) uint32 {
	switch {
	case len(text) < 4:
		return 0
	case o == opPrefix:
		return binary.LittleEndian.Uint32(text[len(text)-4:])
	default:
		return binary.LittleEndian.Uint32(text)
	}
}
