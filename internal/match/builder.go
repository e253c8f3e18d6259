package match

import (
	"slices"
)

// A Builder makes indexes of a set of detections that changes. It is not safe for concurrent use; the indexes it has
// made are, and do not change with it. A change costs the work on the detection that changes; Index costs a copy of the
// tables on top, some megabytes for thousands of detections.
type Builder struct {
	x Index // as it is to be; Index copies it

	slots     map[string]int32  // by path
	owned     []bool            // by slot: no index has the field's filter
	numbers   map[atomKey]int32 // of the atoms in use
	atoms     []indexAtom       // by number
	refs      []int32           // by atom: how many detections and anchors have it
	entered   [][]place         // by atom: where its literal is in the table; nil = nowhere
	spare     []int32           // numbers of atoms that are free
	spareLink int32             // links that are free, by next; -1 = none
	grams     map[uint32]int32  // how often a gram is in commonText and in literals
	pending   []int32           // ids of detections that are not entered yet
	anchored  map[int32][]int32 // by id: the atoms that make it a candidate
	dead      int               // bytes of literals that were removed since the tables were made
}

// NewBuilder returns a builder without detections.
func NewBuilder() *Builder {
	b := &Builder{
		slots: map[string]int32{}, numbers: map[atomKey]int32{}, spareLink: -1, grams: map[uint32]int32{},
		anchored: map[int32][]int32{},
		x:        Index{tree: newTree(), table: newTable()},
	}
	b.slot(keywordField)
	b.countGrams(commonText, commonCost)
	return b
}

// Put adds a detection under an id, from 0 and best without gaps, in place of the one that had it.
func (b *Builder) Put(id int32, d *Detection) {
	b.Delete(id)
	if int(id) >= len(b.x.detections) {
		b.x.detections = append(b.x.detections, make([]indexed, int(id)+1-len(b.x.detections))...)
	}
	b.x.detections[id] = indexed{Detection: d}
	b.x.stats.Detections++
	b.pending = append(b.pending, id)
}

// Delete removes a detection; one that is not there is no fault.
func (b *Builder) Delete(id int32) {
	if int(id) >= len(b.x.detections) || b.x.detections[id].Detection == nil {
		return
	}
	for _, atom := range b.anchored[id] {
		b.unlink(atom, id)
		b.release(atom)
	}
	for _, atom := range b.x.detections[id].global {
		b.release(atom)
	}
	delete(b.anchored, id)
	without := func(ids []int32) []int32 {
		return slices.DeleteFunc(ids, func(other int32) bool { return other == id })
	}
	b.x.always, b.pending = without(b.x.always), without(b.pending)
	b.x.detections[id] = indexed{}
	b.x.stats.Detections--
}

// Index returns an index of the detections as they are now.
func (b *Builder) Index() *Index {
	if b.dead > minDead && b.dead > len(b.x.table.texts)/2 {
		b.rebuild()
	}
	b.enterPending()
	x := b.x
	x.tree, x.table = b.x.tree.clone(), b.x.table.clone()
	x.fields, x.anchors = slices.Clone(b.x.fields), slices.Clone(b.x.anchors)
	x.questions, x.asks = b.questions()
	x.scanned, x.gated, x.links = slices.Clone(b.x.scanned), slices.Clone(b.x.gated), slices.Clone(b.x.links)
	x.detections, x.always = slices.Clone(b.x.detections), slices.Clone(b.x.always)
	x.stats.Always, x.stats.Atoms = len(x.always), len(b.numbers)
	x.stats.Literals, x.stats.Bytes = x.table.inUse(), x.bytes()
	clear(b.owned)
	return &x
}

// questions are the atoms that the scan does not answer, and their numbers among those, by atom.
func (b *Builder) questions() (numbers []int32, asks []indexAtom) {
	numbers = make([]int32, len(b.atoms))
	for n := range b.atoms {
		numbers[n] = -1
		if b.atoms[n].atom != nil && b.x.scanned[n/64]>>(n%64)&1 == 0 {
			numbers[n] = int32(len(asks)) //nolint:gosec // fewer than atoms
			asks = append(asks, b.atoms[n])
		}
	}
	return numbers, asks
}

// minDead is from how many bytes of removed literals on the tables are made anew, once those are more than the others:
// what is removed leaves its text and its keys behind.
const minDead = 1 << 18

// rebuild makes the tables anew.
func (b *Builder) rebuild() {
	fresh := NewBuilder()
	for id, d := range b.x.detections {
		if d.Detection != nil {
			fresh.Put(int32(id), d.Detection)
		}
	}
	*b = *fresh
}

// link chooses what makes a detection a candidate.
func (b *Builder) link(id int32) {
	set := b.anchor(&b.x.detections[id], 0, false)
	if !set.ok {
		b.x.always = append(b.x.always, id)
		return
	}
	var atoms []int32
	seen := make(map[int32]struct{}, len(set.atoms))
	for _, n := range set.atoms {
		if n < 0 {
			n = b.intern(presentAtom(b.x.fields[^n].path))
		} else {
			b.refs[n]++
		}
		if _, twice := seen[n]; twice {
			b.release(n)
			continue
		}
		seen[n] = struct{}{}
		atoms = append(atoms, n)
		b.scanFor(n)
		b.wait(n, id)
	}
	b.anchored[id] = atoms
}

// wait has what a link calls id wait for an atom.
func (b *Builder) wait(atom, id int32) {
	at := b.spareLink
	if at >= 0 {
		b.spareLink = b.x.links[at].next
	} else {
		at = int32(len(b.x.links)) //nolint:gosec // bounded by memory far below
		b.x.links = append(b.x.links, link{})
	}
	b.x.links[at] = link{id, b.x.anchors[atom]}
	b.x.anchors[atom] = at
}

// unlink undoes wait.
func (b *Builder) unlink(atom, id int32) {
	for at := &b.x.anchors[atom]; *at >= 0; at = &b.x.links[*at].next {
		if i := *at; b.x.links[i].id == id {
			*at = b.x.links[i].next
			b.x.links[i].next, b.spareLink = b.spareLink, i
			return
		}
	}
}
