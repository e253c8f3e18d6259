package match

import "slices"

// ask evaluates an atom that the scan has not made true.
func (s *Scratch) ask(a *indexAtom) bool {
	if a.slot == keywordSlot && !s.there(keywordSlot) {
		s.gather(keywordSlot)
	}
	if !s.there(a.slot) || a.needs != nil && !slices.ContainsFunc(a.needs, s.atom) {
		return false
	}
	gated := a.needs == nil && a.atom.needs != nil && a.needOp == opContains // by literals too short for the scan
	for e := s.first(a.slot); e >= 0; e = s.entries[e].next {
		v := &s.values[s.entries[e].value]
		if v.kind == nullValue {
			continue
		}
		s.text(v)
		s.fold(v)
		if a.op == opFieldRef {
			if s.refers(a, v) {
				return true
			}
		} else if (!gated || ContainsAny(view(v.folded), a.atom.needs)) && a.holds(v) {
			return true
		}
	}
	return false
}

// refers asks an opFieldRef atom about one value of its field.
func (s *Scratch) refers(a *indexAtom, v *value) bool {
	for e := s.first(a.otherSlot); e >= 0; e = s.entries[e].next {
		o := &s.values[s.entries[e].value]
		s.text(o)
		s.fold(o)
		if a.refHolds(v, o) {
			return true
		}
	}
	return false
}
