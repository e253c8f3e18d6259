package match

import (
	"cmp"
	"encoding/binary"
	"slices"
	"unsafe"
)

// A Builder makes indexes of a set of detections that changes. It is not safe for concurrent use; the indexes it has
// made are, and do not change with it. A change costs the work on the detection that changes; Index costs a copy of the
// tables on top, some megabytes for thousands of detections.
type Builder struct {
	x Index // as it is to be; Index copies it

	slots     map[string]int32  // by path
	numbers   map[atomKey]int32 // of the atoms in use
	refs      []int32           // by atom: how many detections and anchors have it
	keys      []uint64          // by atom: where its literal is in the table; 0 = nowhere
	spare     []int32           // numbers of atoms that are free
	spareLink int32             // links that are free, by next; -1 = none
	grams     map[uint32]int32  // how often a gram is in commonText and in literals

	literals []int32           // atoms whose literals are not in the table yet
	pending  []int32           // ids of detections without anchors yet
	anchored map[int32][]int32 // by id: the atoms that make it a candidate
	removed  int               // detections since the tables were made
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
	global := make([]int32, len(d.atoms))
	for i, a := range d.atoms {
		global[i] = b.intern(a)
	}
	b.x.detections[id] = indexed{d, global}
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
	b.x.always = slices.DeleteFunc(b.x.always, func(other int32) bool { return other == id })
	b.pending = slices.DeleteFunc(b.pending, func(other int32) bool { return other == id })
	b.x.detections[id] = indexed{}
	b.x.stats.Detections--
	b.removed++
}

// Index returns an index of the detections as they are now.
func (b *Builder) Index() *Index {
	if b.removed > minRemoved && b.removed > b.x.stats.Detections {
		b.rebuild()
	}
	for _, atom := range b.literals {
		if a := b.x.atoms[atom].atom; a != nil {
			b.countGrams(a.text, 1)
		}
	}
	b.enterAll()
	for _, id := range b.pending {
		b.link(id)
	}
	b.pending = b.pending[:0]
	x := b.x
	x.tree, x.table = b.x.tree.clone(), b.x.table.clone()
	x.fields, x.atoms, x.anchors = slices.Clone(b.x.fields), slices.Clone(b.x.atoms), slices.Clone(b.x.anchors)
	x.scanned = slices.Clone(b.x.scanned)
	x.links, x.detections, x.always = slices.Clone(b.x.links), slices.Clone(b.x.detections), slices.Clone(b.x.always)
	x.stats.Always, x.stats.Atoms = len(x.always), len(b.numbers)
	x.stats.Literals, x.stats.Bytes = x.table.inUse(), x.bytes()
	return &x
}

// minRemoved is from how many removals on the tables are made anew, once more were removed than there are: what is
// removed leaves keys behind.
const minRemoved = 1000

// rebuild makes the tables anew.
func (b *Builder) rebuild() {
	fresh := NewBuilder()
	for id, d := range b.x.detections {
		if d.Detection != nil {
			fresh.Put(int32(id), d.Detection) //nolint:gosec // ids are int32
		}
	}
	*b = *fresh
}

// slot finds the slot of a field and makes it if there is none.
func (b *Builder) slot(path string) int32 {
	if n, ok := b.slots[path]; ok {
		return n
	}
	n := int32(len(b.x.fields)) //nolint:gosec // Limits.Atoms bounds fields
	b.slots[path] = n
	b.x.fields = append(b.x.fields, field{path: path, of: -1, present: -1, null: -1})
	if path == keywordField {
		return n
	}
	b.x.tree.add(steps(path), n)
	if len(steps(path)) > 1 {
		b.x.tree.add([]string{path}, n+1)
		b.x.fields = append(b.x.fields, field{path: path, of: n, present: -1, null: -1})
	}
	return n
}

// intern gives an atom its number in the index and counts a use of it.
func (b *Builder) intern(a *atom) int32 {
	if n, ok := b.numbers[a.atomKey]; ok {
		b.refs[n]++
		return n
	}
	var n int32
	if last := len(b.spare) - 1; last >= 0 {
		n, b.spare = b.spare[last], b.spare[:last]
	} else {
		n = int32(len(b.refs)) //nolint:gosec // bounded by memory far below
		b.refs, b.keys = append(b.refs, 0), append(b.keys, 0)
		b.x.atoms, b.x.anchors = append(b.x.atoms, indexAtom{}), append(b.x.anchors, -1)
		if int(n)/64 == len(b.x.scanned) {
			b.x.scanned = append(b.x.scanned, 0)
		}
	}
	b.numbers[a.atomKey], b.refs[n] = n, 1
	slot := b.slot(a.field)
	b.x.atoms[n] = indexAtom{atom: a, slot: slot, otherSlot: -1}
	if a.op == opFieldRef {
		b.x.atoms[n].otherSlot = b.slot(a.other)
		b.x.fields[b.x.atoms[n].otherSlot].asked = true
	}
	f := &b.x.fields[slot]
	f.asked = true
	switch {
	case a.op == opPresent:
		f.present = n
		b.x.scan(n)
	case a.op == opNull:
		f.null = n
		b.x.scan(n)
	case a.op == opContains && len(a.text) < gramSize: // looked for once it is an anchor
	case a.op.isLiteral() && scannable(a.op, a.text):
		b.x.scan(n)
		b.literals = append(b.literals, n)
	}
	return n
}

// release gives a use of an atom back.
func (b *Builder) release(n int32) {
	if b.refs[n]--; b.refs[n] > 0 {
		return
	}
	a := &b.x.atoms[n]
	f := &b.x.fields[a.slot]
	switch a.op {
	case opPresent:
		f.present = -1
	case opNull:
		f.null = -1
	default:
		if b.keys[n] != 0 {
			b.x.table.remove(b.keys[n], n)
		}
	}
	delete(b.numbers, a.atomKey)
	*a, b.keys[n] = indexAtom{}, 0
	b.x.scanned[n/64] &^= 1 << (n % 64)
	b.literals = slices.DeleteFunc(b.literals, func(other int32) bool { return other == n })
	b.spare = append(b.spare, n)
}

// enterAll puts the literals that wait into the table, those with the same key side by side: they are looked at
// together.
func (b *Builder) enterAll() {
	type entry struct {
		key  uint64
		atom int32
		gram uint32
	}
	entries := make([]entry, 0, len(b.literals))
	for _, n := range b.literals {
		if b.x.atoms[n].atom != nil {
			key, gram := b.key(n)
			entries = append(entries, entry{key, n, gram})
		}
	}
	slices.SortFunc(entries, func(x, y entry) int { return cmp.Or(cmp.Compare(x.key, y.key), cmp.Compare(x.atom, y.atom)) })
	for _, e := range entries {
		b.enter(e.atom, e.key, e.gram)
	}
	b.literals = b.literals[:0]
}

// enter puts the literal of an atom into the table.
func (b *Builder) enter(n int32, key uint64, gram uint32) {
	a := &b.x.atoms[n]
	b.keys[n] = key
	b.x.table.add(key, literal{op: a.op, field: a.slot, atom: n, gram: gram}, a.text)
}

// key chooses how the literal of an atom is found: its key in the table, and where its gram begins. The field is
// searched that way from now on.
func (b *Builder) key(n int32) (key uint64, gram uint32) {
	a := &b.x.atoms[n]
	f := &b.x.fields[a.slot]
	switch {
	case a.op != opContains:
		p := probeFor(a.op, len(a.text))
		part, _ := p.window([]byte(a.text))
		key = probeKey(a.slot, p, part)
		if a.op == opExact {
			f.sizes |= 1 << min(len(a.text), 63)
		} else if !slices.Contains(f.probes, p) {
			f.probes = append(slices.Clone(f.probes), p)
		}
	case len(a.text) < gramSize:
		two := uint32(binary.LittleEndian.Uint16([]byte(a.text)))
		b.x.table.short[two/64] |= 1 << (two % 64)
		key = gramKey(a.slot, two, shortGram)
		f.short = true
	default:
		gram = b.rarest(a.text)
		key = gramKey(a.slot, gramAt(a.text, gram), gramSize)
		f.grams = true
	}
	return key, gram
}

func gramAt(text string, i uint32) uint32 {
	return binary.LittleEndian.Uint32([]byte(text[i : i+gramSize]))
}

// rarest returns where the gram of a literal stands that is least common.
func (b *Builder) rarest(text string) uint32 {
	best := uint32(0)
	for i := uint32(1); int(i)+gramSize <= len(text); i++ {
		if b.grams[gramAt(text, i)] < b.grams[gramAt(text, best)] {
			best = i
		}
	}
	return best
}

func (b *Builder) countGrams(text string, times int32) {
	for i := 0; i+gramSize <= len(text); i++ {
		b.grams[gramAt(text, uint32(i))] += times //nolint:gosec // positive
	}
}

// link chooses what makes a detection a candidate.
func (b *Builder) link(id int32) {
	d := b.x.detections[id].Detection
	set := b.anchor(d, 0, false)
	if !set.ok {
		b.x.always = append(b.x.always, id)
		return
	}
	var atoms []int32
	for _, a := range set.atoms {
		n := b.intern(a)
		if slices.Contains(atoms, n) {
			b.release(n)
			continue
		}
		atoms = append(atoms, n)
		if a := &b.x.atoms[n]; a.op.isLiteral() && b.keys[n] == 0 {
			b.x.scan(n)
			key, gram := b.key(n)
			b.enter(n, key, gram)
			b.literals = slices.DeleteFunc(b.literals, func(other int32) bool { return other == n })
		}
		at := b.spareLink
		if at >= 0 {
			b.spareLink = b.x.links[at].next
		} else {
			at = int32(len(b.x.links)) //nolint:gosec // bounded by memory far below
			b.x.links = append(b.x.links, link{})
		}
		b.x.links[at] = link{id, b.x.anchors[n]}
		b.x.anchors[n] = at
	}
	b.anchored[id] = atoms
}

// unlink undoes link for one atom.
func (b *Builder) unlink(atom, id int32) {
	for at := &b.x.anchors[atom]; *at >= 0; at = &b.x.links[*at].next {
		if i := *at; b.x.links[i].id == id {
			*at = b.x.links[i].next
			b.x.links[i].next, b.spareLink = b.spareLink, i
			return
		}
	}
}

// scan says that the scan makes an atom true.
func (x *Index) scan(n int32) { x.scanned[n/64] |= 1 << (n % 64) }

// inUse counts the literals.
func (t *table) inUse() int {
	n := len(t.literals)
	for at := t.free; at >= 0; at = t.literals[at].next {
		n--
	}
	return n
}

// bytes is the memory of the index.
func (x *Index) bytes() int {
	n := len(x.tree.names) + len(x.table.texts) + 8*(len(x.table.bitmap)+len(x.table.short))
	n += len(x.tree.slots)*int(unsafe.Sizeof(treeSlot{})) + len(x.tree.nodes)*int(unsafe.Sizeof(treeNode{}))
	n += len(x.table.slots)*int(unsafe.Sizeof(tableSlot{})) + len(x.table.literals)*int(unsafe.Sizeof(literal{}))
	n += len(x.fields)*int(unsafe.Sizeof(field{})) + len(x.atoms)*int(unsafe.Sizeof(indexAtom{}))
	n += len(x.links)*int(unsafe.Sizeof(link{})) + len(x.detections)*int(unsafe.Sizeof(indexed{}))
	n += 4*(len(x.anchors)+len(x.always)) + 8*len(x.scanned)
	for _, d := range x.detections {
		n += 4 * len(d.global)
	}
	return n
}
