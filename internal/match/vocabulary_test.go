package match

import (
	"slices"

	"ttpworker/internal/match/matchtest"
)

// vocabularyOf is what detections look for. The clues of one are the literals of one way to make it match, negations
// and what is no literal left out.
func vocabularyOf(ds []*Detection) matchtest.Vocabulary {
	var v matchtest.Vocabulary
	for _, d := range ds {
		for _, a := range d.atoms {
			if a.op.isLiteral() {
				v.Literals = append(v.Literals, a.text)
			}
			if a.field != keywordField {
				v.Fields = append(v.Fields, a.field)
			}
		}
		for way := range 3 {
			if clue := d.clue(0, false, way, nil); clue != nil {
				v.Clues = append(v.Clues, clue)
			}
		}
	}
	slices.Sort(v.Fields)
	v.Fields = slices.Compact(v.Fields)
	return v
}

// clue appends what makes the node at i true: of alternatives the one that way chooses.
func (d *Detection) clue(i int32, negated bool, way int, dst []matchtest.Term) []matchtest.Term {
	n := &d.code[i]
	switch n.op {
	case exprAtom:
		a := d.atoms[n.atom]
		places := map[op]matchtest.Place{opPrefix: matchtest.Start, opSuffix: matchtest.End, opExact: matchtest.Whole}
		switch {
		case negated:
		case a.op.isLiteral():
			dst = append(dst, matchtest.Term{Field: a.field, Text: a.text, At: places[a.op]})
		case len(a.needs) > 0:
			dst = append(dst, matchtest.Term{Field: a.field, Text: a.needs[way%len(a.needs)], At: places[a.needOp]})
		}
		return dst
	case exprNot:
		return d.clue(i+1, !negated, way, dst)
	default:
	}
	var kids []int32
	for k := i + 1; k < n.end; k = d.code[k].end {
		kids = append(kids, k)
	}
	if (n.op == exprOr) != negated && len(kids) > 0 {
		kids = kids[way*7%len(kids):][:1]
	}
	for _, k := range kids {
		dst = d.clue(k, negated, way, dst)
	}
	return dst
}
