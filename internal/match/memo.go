package match

import (
	"encoding/binary"
	"math/bits"
)

// Values come again: the same images, users and directories are in thousands of events. A memo keeps, for a value of a
// field as it is written in the payload, the atoms that the search of it has made true, so that it need not be searched
// again. It is part of a scratch and belongs to one index.
type memo struct {
	hash  uint64 // of the value last looked up here in vain
	gen   uint32 // of the scratch then: what has another one is of an earlier index
	size  int8   // of value; -1 = nothing is kept
	atoms int8   // of found
	key   int32  // field and kind of the value that is kept
	value [memoBytes]byte
	found [memoAtoms]int32
}

const (
	memos     = 1 << 10 // in a scratch, a power of two
	memoMin   = 6       // bytes of a value: below, a search costs no more
	memoBytes = 64      // at most
	memoAtoms = 14      // at most
)

// recall makes true what a value of a field makes true, if that is known. If it is not, the caller searches the value,
// and calls keep if learn is set: a value is kept when it comes for the second time.
func (s *Scratch) recall(n int32, v *value) (m *memo, known, learn bool) {
	size := int(v.to - v.from)
	if size < memoMin || size > memoBytes {
		return nil, false, false
	}
	raw, key := s.b[v.from:v.to], n<<2|int32(v.kind)
	h := memoHash(key, raw)
	m = &s.memos[h>>(64-10)]
	switch {
	case m.gen != s.memoGen:
		m.gen, m.hash, m.size = s.memoGen, h, -1
		return m, false, false
	case m.key == key && int(m.size) == size && string(m.value[:size]) == string(raw):
	case m.hash != h:
		m.hash = h
		return m, false, false
	default:
		return m, false, true
	}
	for _, atom := range m.found[:m.atoms] {
		s.set(atom)
	}
	return m, true, false
}

// keep notes what the search of a value has found, in s.learned.
func (s *Scratch) keep(m *memo, n int32, v *value) {
	if len(s.learned) > memoAtoms {
		return
	}
	m.key, m.size = n<<2|int32(v.kind), int8(copy(m.value[:], s.b[v.from:v.to])) //nolint:gosec // at most memoBytes
	m.atoms = int8(copy(m.found[:], s.learned))                                  //nolint:gosec // at most memoAtoms
}

// forget makes a scratch ready for another index.
func (s *Scratch) forget() {
	if s.memoGen++; s.memos == nil || s.memoGen == 0 {
		s.memos, s.memoGen = new([memos]memo), 1
	}
}

// memoHash is a hash of a value of at least 6 bytes.
func memoHash(key int32, b []byte) uint64 {
	h := uint64(key)*mix2 + uint64(len(b)) //nolint:gosec // mixed, not counted
	for len(b) > 8 {
		h = bits.RotateLeft64((h^binary.LittleEndian.Uint64(b))*mix1, 29)
		b = b[8:]
	}
	first, last := ends(b)
	return ((h^first)*mix1 ^ last) * mix1
}
