package lift

// A finding is what a logic says besides that its rule fires. Without more, every emit of the rule fires as sure as the
// rule says, and its evidence is the rule's evidence_fields.
type finding struct {
	extra map[string]any // evidence of every tag, beside and in place of the fields
	emits []emitted
	only  bool    // emits are all that fire
	bump  float64 // not 0: the rule gives no tags, and makes the others on the event so much surer
}

// An emitted is one emit of the rule that fires.
type emitted struct {
	index int            // in the rule's emits
	scale float64        // what its confidence is multiplied by
	extra map[string]any // evidence of its tag, beside and in place of all other
}

// show adds to the evidence of all tags of the rule. value is JSON once encoded: texts, lists of texts, numbers, nil.
func (f *finding) show(key string, value any) {
	if f.extra == nil {
		f.extra = map[string]any{}
	}
	f.extra[key] = value
}

// emit has only this emit of the rule fire, and those of other calls. Confidence is multiplied by scale and kept between 0
// and 1. extra, which may be nil, is evidence of its tag only; it is kept.
func (f *finding) emit(index int, scale float64, extra map[string]any) {
	f.only = true
	f.emits = append(f.emits, emitted{index, scale, extra})
}

// fired are the emits that fire, of a rule that has so many.
func (f *finding) fired(emits int) []emitted {
	if f.only {
		return f.emits
	}
	for i := range emits {
		f.emits = append(f.emits, emitted{index: i, scale: 1})
	}
	return f.emits
}

func (f *finding) reset() { *f = finding{emits: f.emits[:0]} }
