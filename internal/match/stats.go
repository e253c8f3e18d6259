package match

import "unsafe"

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
	n := len(x.tree.names) + len(x.table.texts) + 8*len(x.table.short)
	n += len(x.tree.slots)*int(unsafe.Sizeof(treeSlot{})) + len(x.tree.nodes)*int(unsafe.Sizeof(treeNode{}))
	n += len(x.table.slots)*int(unsafe.Sizeof(tableSlot{})) + len(x.table.literals)*int(unsafe.Sizeof(literal{}))
	n += len(x.fields)*int(unsafe.Sizeof(field{})) + len(x.asks)*int(unsafe.Sizeof(indexAtom{}))
	n += len(x.links)*int(unsafe.Sizeof(link{})) + len(x.detections)*int(unsafe.Sizeof(indexed{}))
	n += 4*(len(x.anchors)+len(x.questions)+len(x.always)) + 8*(len(x.scanned)+len(x.gated))
	for i := range x.fields {
		n += 8 * len(x.fields[i].filter.words)
	}
	for _, d := range x.detections {
		n += 4 * len(d.global)
	}
	return n
}

// Candidates lists, in no order, the ids of the detections that the last Match with s evaluated as a necessary condition
// of theirs was true; those that are evaluated for each payload come on top. The slice is s's, until the next call with it.
func (s *Scratch) Candidates() []int32 { return s.candidates }
