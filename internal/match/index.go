package match

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// An Index holds many detections and finds those that match a payload. It never changes and is safe for concurrent
// use; a Builder makes it.
type Index struct {
	tree       tree
	table      table
	fields     []field     // by slot
	questions  []int32     // by atom: its number in asks; -1 = the scan answers it, or the number is not in use
	asks       []indexAtom // what the scan does not answer
	scanned    []uint64    // a bit per atom: the scan makes it true, or it is false
	gated      []uint64    // a bit per atom: it is false unless one of its needs is true
	anchors    []int32     // by atom: first link to what waits for it to be true; -1 = none
	links      []link      // elements of the lists that anchors begin
	detections []indexed   // by id
	always     []int32     // ids of the detections that are evaluated for each payload
	stats      Stats
}

// A field is what the index does with the values of a payload path.
type field struct {
	path    string
	of      int32   // of a slot for a literal key: the field that it is the key of; -1 = the slot is a field's own
	asked   bool    // some atom asks it something
	grams   bool    // its texts are searched for literals of at least gramSize
	short   bool    // and for shorter ones
	filter  filter  // of the keys of its literals
	sizes   uint64  // a bit per length of the literals that are a whole text, those of 63 bytes and more together
	probes  []probe // for prefixes and suffixes; never changed once an index has them
	present int32   // atom that is true if the field is there; -1 = nobody asks
	null    int32   // atom that is true if it has a null; -1 = nobody asks
}

// An indexAtom is an atom and where its values are.
type indexAtom struct {
	*atom             // nil = the number is not in use
	slot      int32   // of its field
	otherSlot int32   // of opFieldRef
	needs     []int32 // of what the scan does not look for: atoms of which one is true if it is; nil = not known, or not looked for
}

// A link is an element of the list of what waits for an atom: a detection, which becomes a candidate, or another atom that
// needs it.
type link struct {
	id   int32 // of the detection; ^number of the other atom
	next int32
}

// indexed is a detection and what its atoms are called in the index.
type indexed struct {
	*Detection
	global []int32 // number in the index, by number in the detection
}

// Stats say what an index holds.
type Stats struct {
	Detections int
	Always     int // detections without a necessary condition: each costs an evaluation per payload
	Atoms      int // different questions that the detections ask
	Literals   int // texts that one scan of a payload finds
	Bytes      int // memory of the index itself; detections and their regular expressions come on top
}

// Stats returns what the index holds.
func (x *Index) Stats() Stats { return x.stats }

// AlwaysEvaluated lists the ids of the detections without a necessary condition, ascending.
func (x *Index) AlwaysEvaluated() []int32 { return slices.Sorted(slices.Values(x.always)) }

// A Scratch is what matching one payload needs besides the index. It serves one goroutine at a time and any index, and
// is kept for the next payload. The zero value is not valid; use NewScratch.
type Scratch struct {
	scan

	index      *Index
	gen        uint32   // of state and candidate
	true       []uint64 // a bit per atom that the scan has made true
	open       []uint64 // a bit per atom of which a need is true
	made       []int32  // the atoms with a bit in true or open
	state      []uint32 // by atom that was asked: gen<<1 = false, gen<<1 + 1 = true, anything else = not yet
	candidate  []uint32 // by id: gen = it is in candidates
	candidates []int32
	matched    []int32
	places     [maxPlaces]int32 // see filter.places
	memos      *[memos]memo
	memoGen    uint32
	learning   bool // found appends to learned
	learned    []int32
	none       tree // no field: for AppendMembers
}

// NewScratch returns an empty scratch.
func NewScratch() *Scratch { return &Scratch{} }

// Match returns the ids of the detections that match the payload, ascending. The slice is s's, until the next call with
// it. The error says that the payload is not one JSON object, and at which byte.
func (x *Index) Match(payload []byte, s *Scratch) ([]int32, error) {
	s.begin(x, payload)
	if err := s.run(); err != nil {
		return nil, err
	}
	if s.doubled {
		if err := s.reread(payload); err != nil {
			return nil, err
		}
	}
	s.keywords()
	for i := 0; i < len(s.touched); i++ { // literal keys append
		n := s.touched[i]
		if f := x.fields[n].of; f < 0 && n != keywordSlot {
			s.field(n)
		} else if f >= 0 && !s.there(f) {
			s.slots[f] = s.slots[n]
			s.touched = append(s.touched, f)
		}
	}
	return s.evaluate(), nil
}

// begin prepares for a payload.
func (s *Scratch) begin(x *Index, payload []byte) {
	s.reset(&x.tree, len(x.fields), payload)
	if s.index != x {
		s.index = x
		s.forget()
	}
	for _, n := range s.made {
		s.true[n/64], s.open[n/64] = 0, 0
	}
	s.made = s.made[:0]
	if len(s.state) < len(x.questions) {
		n := len(x.questions) + len(x.questions)/4
		s.state, s.true, s.open = make([]uint32, n), make([]uint64, n/64+1), make([]uint64, n/64+1)
	}
	if len(s.candidate) < len(x.detections) {
		s.candidate = make([]uint32, len(x.detections)+len(x.detections)/4)
	}
	if s.gen++; s.gen >= 1<<31 {
		clear(s.state)
		clear(s.candidate)
		s.gen = 1
	}
	s.candidates, s.matched = s.candidates[:0], s.matched[:0]
	s.everything = x.fields[keywordSlot].asked
}

// keywordSlot is the slot of keywordField, which every index has.
const keywordSlot = 0

// reread fills the slots from the reference's document: a name on a path is there twice, and the last one counts.
func (s *Scratch) reread(payload []byte) error {
	doc, err := ParseDocument(payload)
	if err != nil {
		return err
	}
	seen := append(slices.Clone(s.touched), keywordSlot) // what is there is among them
	s.reset(&s.index.tree, len(s.index.fields), payload)
	for _, slot := range seen {
		if of := s.index.fields[slot].of; of >= 0 {
			slot = of
		}
		f := &s.index.fields[slot]
		if !f.asked || s.there(slot) {
			continue
		}
		values, present := doc.field(f.path)
		if !present {
			continue
		}
		s.touch(slot)
		s.cover = append(s.cover[:0], slot)
		for _, v := range values {
			s.add(value{kind: v.kind, str: plainUTF8, text: v.text}) // to be folded here, with padding
		}
	}
	return nil
}

// field looks for what the values of a field make true.
func (s *Scratch) field(n int32) {
	f := &s.index.fields[n]
	if f.present >= 0 {
		s.set(f.present)
	}
	search := f.grams || f.short || f.sizes != 0 || len(f.probes) > 0
	if !search && f.null < 0 {
		return
	}
	for e := s.first(n); e >= 0; e = s.entries[e].next {
		switch v := &s.values[s.entries[e].value]; {
		case v.kind != nullValue && search:
			if m, known, learn := s.recall(n, v); !known {
				s.learning, s.learned = learn, s.learned[:0]
				s.search(n, f, s.fold(v))
				if learn {
					s.keep(m, n, v)
				}
				s.learning = false
			}
		case v.kind == nullValue && f.null >= 0:
			s.set(f.null)
		}
	}
}

// search looks for the literals of a field in one folded text.
func (s *Scratch) search(n int32, f *field, text []byte) {
	if f.grams {
		s.grams(n, f, text)
	}
	if f.short {
		s.shortGrams(n, text)
	}
	if f.sizes>>min(len(text), 63)&1 != 0 {
		s.look(probeKey(n, probe{op: opExact}, text), n, text, 0)
	}
	for i := range f.probes {
		p := &f.probes[i]
		if len(text) >= gramSize && p.size >= gramSize && !f.filter.has(p.markHash(text)) {
			continue
		}
		if part, ok := p.window(text); ok {
			s.look(probeKey(n, *p, part), n, text, 0)
		}
	}
}

// keywords looks for keywords in every value.
func (s *Scratch) keywords() {
	f := &s.index.fields[keywordSlot]
	if !f.grams && !f.short {
		return
	}
	for i := range s.values {
		v := &s.values[i]
		if v.kind == nullValue {
			continue
		}
		s.search(keywordSlot, f, s.fold(v))
	}
}

// grams looks for the literals of a field in a text by their grams of gramSize bytes. What is found in the padding does
// not stand in the text.
func (s *Scratch) grams(n int32, f *field, text []byte) {
	if len(text) < shortKeyword {
		return
	}
	t := &s.index.table
	base := gramKey(n, 0, gramSize)
	b := text[:len(text)+padding]
	for from := 0; from+shortKeyword <= len(text); from += maxPlaces {
		var found int
		if places := min(len(text)-from-shortKeyword+1, maxPlaces); n == keywordSlot {
			found = f.filter.evenPlaces(b[from:], places, &s.places)
		} else {
			found = f.filter.places(b[from:], places, &s.places)
		}
		for _, at := range s.places[:found] {
			i := from + int(at)
			s.found(t.find(base|uint64(binary.LittleEndian.Uint32(b[i:]))), n, text, i)
		}
	}
}

// shortGrams is grams for literals that are shorter than a gram: one look at a bitmap per place tells whether any field
// has a literal with these two bytes.
func (s *Scratch) shortGrams(n int32, text []byte) {
	if len(text) < shortGram {
		return
	}
	short := (*[1 << 16 / 64]uint64)(s.index.table.short)
	base := gramKey(n, 0, shortGram)
	b := text[:len(text)+padding]
	for i := 0; i+shortGram <= len(text); i += 4 { // as in grams
		x := binary.LittleEndian.Uint64(b[i:])
		m := short[x>>6&0x3ff]>>(x&63)&1 | short[x>>14&0x3ff]>>(x>>8&63)&1<<1 |
			short[x>>22&0x3ff]>>(x>>16&63)&1<<2 | short[x>>30&0x3ff]>>(x>>24&63)&1<<3
		for ; m != 0; m &= m - 1 {
			k := bits.TrailingZeros64(m)
			s.look(base|x>>(8*k)&0xffff, n, text, i+k)
		}
	}
}

// look makes true what the literals under a key say that stand in text.
func (s *Scratch) look(key uint64, n int32, text []byte, i int) {
	if s.index.fields[n].filter.has(hashOf(key)) {
		s.found(s.index.table.find(key), n, text, i)
	}
}

func (s *Scratch) found(at, n int32, text []byte, i int) {
	t := &s.index.table
	for at >= 0 {
		l := &t.literals[at]
		if t.is(l, n, text, i) {
			s.set(l.atom)
			if s.learning && !slices.Contains(s.learned, l.atom) && len(s.learned) <= memoAtoms {
				s.learned = append(s.learned, l.atom)
			}
		}
		at = l.next
	}
}

// set makes an atom true, candidates of the detections that wait for it, and opens the atoms that need it.
func (s *Scratch) set(atom int32) {
	if s.true[atom/64]>>(atom%64)&1 != 0 {
		return
	}
	s.true[atom/64] |= 1 << (atom % 64)
	s.made = append(s.made, atom)
	for at := s.index.anchors[atom]; at >= 0; {
		l := s.index.links[at]
		if n := ^l.id; n >= 0 {
			if s.open[n/64]>>(n%64)&1 == 0 {
				s.open[n/64] |= 1 << (n % 64)
				s.made = append(s.made, n)
			}
		} else if s.candidate[l.id] != s.gen {
			s.candidate[l.id] = s.gen
			s.candidates = append(s.candidates, l.id)
		}
		at = l.next
	}
}

// evaluate asks the candidates.
func (s *Scratch) evaluate() []int32 {
	for _, list := range [...][]int32{s.index.always, s.candidates} {
		for _, id := range list {
			if s.holds(&s.index.detections[id], 0) {
				s.matched = append(s.matched, id)
			}
		}
	}
	slices.Sort(s.matched)
	return s.matched
}

// holds evaluates the node at i of a detection.
func (s *Scratch) holds(d *indexed, i int32) bool {
	n := &d.code[i]
	switch n.op {
	case exprAtom:
		return s.atom(d.global[n.atom])
	case exprNot:
		return !s.holds(d, i+1)
	default: // exprAnd, exprOr
	}
	until := n.op == exprOr // the value that decides
	for k := i + 1; k < n.end; {
		kid := &d.code[k]
		var v bool
		if kid.op == exprAtom {
			v = s.atom(d.global[kid.atom])
		} else {
			v = s.holds(d, k)
		}
		if v == until {
			return until
		}
		k = kid.end
	}
	return !until
}

// atom says whether an atom is true. What the scan looks for is true by now or false; the others are asked, once per
// payload, unless what they need is not there.
func (s *Scratch) atom(n int32) bool {
	if s.index.scanned[n/64]>>(n%64)&1 != 0 {
		return s.true[n/64]>>(n%64)&1 != 0
	}
	if s.index.gated[n/64]&^s.open[n/64]>>(n%64)&1 != 0 {
		return false
	}
	if state := s.state[n]; state>>1 == s.gen {
		return state&1 != 0
	}
	v := s.ask(&s.index.asks[s.index.questions[n]])
	s.state[n] = s.gen << 1
	if v {
		s.state[n] |= 1
	}
	return v
}
