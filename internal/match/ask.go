package match

// ask evaluates an atom that the scan has not made true.
func (s *Scratch) ask(a *indexAtom) bool {
	if a.slot == keywordSlot && !s.there(keywordSlot) {
		s.gather(keywordSlot)
	}
	if !s.there(a.slot) {
		return false
	}
	if a.op == opFieldRef {
		return s.refers(a)
	}
	gated := a.needs == nil && a.atom.needs != nil && a.needOp == opContains // by literals too short for the scan
	for e := s.first(a.slot); e >= 0; e = s.entries[e].next {
		if v := s.whole(e); v.kind != nullValue && (!gated || containsAny(view(v.folded), a.atom.needs)) && a.holds(v) {
			return true
		}
	}
	return false
}

// refers asks an opFieldRef atom.
func (s *Scratch) refers(a *indexAtom) bool {
	for e, left := s.first(a.slot), maxCompared; e >= 0 && left > 0; e, left = s.entries[e].next, left-1 {
		v := s.whole(e)
		for o, left := s.first(a.otherSlot), maxCompared; o >= 0 && left > 0; o, left = s.entries[o].next, left-1 {
			if a.refHolds(v, s.whole(o)) {
				return true
			}
		}
	}
	return false
}

// whole is the value of an entry with its text and its folded text.
func (s *Scratch) whole(e int32) *value {
	v := &s.values[s.entries[e].value]
	s.text(v)
	s.fold(v)
	return v
}
