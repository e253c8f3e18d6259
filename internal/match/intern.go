package match

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// slot finds the slot of a field and makes it if there is none.
func (b *Builder) slot(path string) int32 {
	if n, ok := b.slots[path]; ok {
		return n
	}
	n := int32(len(b.x.fields)) //nolint:gosec // Limits.Atoms bounds fields
	b.slots[path] = n
	b.x.fields, b.owned = append(b.x.fields, field{path: path, of: -1, present: -1, null: -1}), append(b.owned, false)
	if path == keywordField {
		return n
	}
	b.x.tree.add(steps(path), n)
	if len(steps(path)) > 1 {
		b.x.tree.add([]string{path}, n+1)
		b.x.fields, b.owned = append(b.x.fields, field{path: path, of: n, present: -1, null: -1}), append(b.owned, false)
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
		b.refs, b.entered = append(b.refs, 0), append(b.entered, nil)
		b.atoms, b.x.anchors = append(b.atoms, indexAtom{}), append(b.x.anchors, -1)
		if int(n)/64 == len(b.x.scanned) {
			b.x.scanned, b.x.gated = append(b.x.scanned, 0), append(b.x.gated, 0)
		}
	}
	b.numbers[a.atomKey], b.refs[n] = n, 1
	slot := b.slot(a.field)
	b.atoms[n] = indexAtom{atom: a, slot: slot, otherSlot: -1}
	if a.op == opFieldRef {
		b.atoms[n].otherSlot = b.slot(a.other)
		b.x.fields[b.atoms[n].otherSlot].asked = true
	}
	b.x.fields[slot].asked = true
	needs := b.internNeeds(a) // may move b.atoms
	b.atoms[n].needs = needs
	for _, need := range needs {
		b.wait(need, ^n)
		b.x.gated[n/64] |= 1 << (n % 64)
	}
	f := &b.x.fields[slot]
	switch a.op {
	case opPresent:
		f.present = n
		b.x.scan(n)
	case opNull:
		f.null = n
		b.x.scan(n)
	default: // what the scan does not see, or looks for once its literal is in the table
	}
	return n
}

// internNeeds gives numbers to what an atom needs, and has the scan look for it; nil if it cannot.
func (b *Builder) internNeeds(a *atom) []int32 {
	if len(a.needs) == 0 || slices.ContainsFunc(a.needs, func(text string) bool { return !scannable(a.needOp, text) }) {
		return nil
	}
	made, needs := make([]atom, len(a.needs)), make([]int32, len(a.needs)) // one allocation for all
	for i, text := range a.needs {
		made[i].atomKey = atomKey{a.field, a.needOp, text}
		needs[i] = b.intern(&made[i])
		b.scanFor(needs[i])
	}
	return needs
}

// scanFor has the scan look for a literal.
func (b *Builder) scanFor(n int32) {
	if a := &b.atoms[n]; a.op.isLiteral() && b.entered[n] == nil {
		b.enter(n, b.places(a.atom, a.slot))
	}
}

// release gives a use of an atom back.
func (b *Builder) release(n int32) {
	if b.refs[n]--; b.refs[n] > 0 {
		return
	}
	for _, need := range b.atoms[n].needs {
		b.unlink(need, ^n)
		b.release(need)
	}
	a := &b.atoms[n]
	f := &b.x.fields[a.slot]
	switch a.op {
	case opPresent:
		f.present = -1
	case opNull:
		f.null = -1
	default:
		for _, p := range b.entered[n] {
			b.x.table.remove(p.key, n)
			b.dead += len(a.text) + literalBytes
		}
	}
	delete(b.numbers, a.atomKey)
	*a, b.entered[n] = indexAtom{}, nil
	b.x.scanned[n/64] &^= 1 << (n % 64)
	b.x.gated[n/64] &^= 1 << (n % 64)
	b.spare = append(b.spare, n)
}

// literalBytes is what a literal leaves behind beside its text: its key, and its bits in the filter.
const literalBytes = 16

// enterPending numbers the atoms of the detections that wait and puts their literals into the table, those with the same
// key side by side, as they are looked at together. Grams are chosen when all literals are known.
func (b *Builder) enterPending() {
	type entry struct {
		*atom
		slot   int32
		places []place
	}
	var entries []entry
	b.grow()
	for _, id := range b.pending {
		for _, a := range b.x.detections[id].atoms {
			if _, known := b.numbers[a.atomKey]; !known && a.op.isLiteral() && scannable(a.op, a.text) && !isShort(a) {
				entries = append(entries, entry{atom: a, slot: b.slot(a.field)})
				b.countGrams(a.text, 1)
			}
		}
	}
	perField := map[int32]int{}
	for i := range entries {
		e := &entries[i]
		e.places = b.places(e.atom, e.slot)
		perField[e.slot] += len(e.places) + 1
	}
	for slot, n := range perField {
		b.widen(slot, n)
	}
	slices.SortFunc(entries, func(x, y entry) int {
		return cmp.Or(cmp.Compare(x.slot, y.slot), cmp.Compare(x.places[0].key, y.places[0].key), cmp.Compare(x.text, y.text))
	})
	for _, e := range entries {
		if _, known := b.numbers[e.atomKey]; !known {
			n := b.intern(e.atom)
			b.refs[n] = 0 // the detections count their own
			b.enter(n, e.places)
		}
	}
	for _, id := range b.pending {
		d := &b.x.detections[id]
		d.global = make([]int32, len(d.atoms))
		for i, a := range d.atoms {
			d.global[i] = b.intern(a)
		}
	}
	for _, id := range b.pending {
		b.link(id)
	}
	b.pending = b.pending[:0]
}

// grow makes room for the atoms of the detections that wait, if they are the first.
func (b *Builder) grow() {
	if len(b.numbers) > 0 {
		return
	}
	n := 0
	for _, id := range b.pending {
		for _, a := range b.x.detections[id].atoms {
			n += 1 + len(a.needs)
		}
	}
	b.numbers = make(map[atomKey]int32, n)
	b.refs, b.entered = slices.Grow(b.refs, n), slices.Grow(b.entered, n)
	b.atoms, b.x.anchors = slices.Grow(b.atoms, n), slices.Grow(b.x.anchors, n)
	b.x.table.literals, b.x.links = slices.Grow(b.x.table.literals, n), slices.Grow(b.x.links, n)
}

// widen makes room for so many more keys in the filter of a field.
func (b *Builder) widen(slot int32, keys int) {
	f := &b.x.fields[slot].filter
	if f.holds(f.hashes + keys) {
		return
	}
	*f = newFilter(f.hashes + keys + f.hashes/4)
	b.owned[slot] = true
	for n, places := range b.entered {
		if places != nil && b.atoms[n].slot == slot {
			f.addLiteral(b.atoms[n].atom, places)
		}
	}
}

// isShort reports whether a literal is shorter than a gram. It is looked for once it is an anchor.
func isShort(a *atom) bool { return a.op == opContains && len(a.text) < gramSize }

// enter puts the literal of an atom into the table.
func (b *Builder) enter(n int32, places []place) {
	a := &b.atoms[n]
	b.entered[n] = places
	b.x.table.add(places, literal{op: a.op, field: a.slot, atom: n}, a.text)
	b.widen(a.slot, len(places)+1)
	f := &b.x.fields[a.slot].filter
	if !b.owned[a.slot] {
		f.words = slices.Clone(f.words)
		b.owned[a.slot] = true
	}
	f.addLiteral(a.atom, places)
	b.x.scan(n)
}

// addLiteral adds what tells of a literal.
func (f *filter) addLiteral(a *atom, places []place) {
	for _, p := range places {
		if isGramKey(p.key) {
			f.add(gramHash(uint32(p.key))) //nolint:gosec // the gram
		} else {
			f.add(hashOf(p.key))
		}
	}
	if p := (probe{op: a.op}); (a.op == opPrefix || a.op == opSuffix) && len(a.text) >= gramSize {
		f.add(p.markHash([]byte(a.text)))
	}
}

// places chooses how the literal of an atom is found. The field is searched that way from now on.
func (b *Builder) places(a *atom, slot int32) []place {
	f := &b.x.fields[slot]
	switch {
	case a.op != opContains:
		p := probeFor(a.op, a.text)
		part, _ := p.window([]byte(a.text))
		if a.op == opExact {
			f.sizes |= 1 << min(len(a.text), 63)
		} else if !slices.Contains(f.probes, p) {
			f.probes = append(slices.Clone(f.probes), p)
		}
		return []place{{key: probeKey(slot, p, part)}}
	case a.field == keywordField && len(a.text) >= shortKeyword:
		f.grams = true
		return append(b.keywordPlaces(a.text, slot, 0), b.keywordPlaces(a.text, slot, 1)...)
	case len(a.text) < gramSize:
		two := uint32(binary.LittleEndian.Uint16([]byte(a.text)))
		b.x.table.short[two/64] |= 1 << (two % 64)
		f.short = true
		return []place{{key: gramKey(slot, two, shortGram)}}
	default:
		f.grams = true
		gram := b.rarest(a.text, 0, 1)
		return []place{{gramKey(slot, gramAt(a.text, gram), gramSize), gram}}
	}
}

// keywordPlaces is how a keyword is found that begins at an even place (from 0) or at an odd one (from 1): the gram
// that is looked at has to begin at an even one.
func (b *Builder) keywordPlaces(text string, slot, from int32) []place {
	if int(from)+gramSize <= len(text) {
		gram := b.rarest(text, from, 2)
		return []place{{gramKey(slot, gramAt(text, gram), gramSize), gram}}
	}
	gram, known := -from, uint32(text[0])|uint32(text[1])<<8|uint32(text[2])<<16
	shift := 8 * shortKeyword // of the byte that is not known: behind what is known, or in front of it
	if from == 1 {
		known, shift = known<<8, 0
	}
	places := make([]place, 256)
	for c := range places {
		places[c] = place{gramKey(slot, known|uint32(c)<<shift, gramSize), gram}
	}
	return places
}

func gramAt(text string, i int32) uint32 {
	return binary.LittleEndian.Uint32([]byte(text[i : i+gramSize]))
}

// rarest returns where the gram of a literal stands that is least common, of those at from and every so many bytes on.
func (b *Builder) rarest(text string, from, step int32) int32 {
	best := from
	for i := from + step; int(i)+gramSize <= len(text); i += step {
		if b.grams[gramAt(text, i)] < b.grams[gramAt(text, best)] {
			best = i
		}
	}
	return best
}

func (b *Builder) countGrams(text string, times int32) {
	for i := int32(0); int(i)+gramSize <= len(text); i++ {
		b.grams[gramAt(text, i)] += times
	}
}
