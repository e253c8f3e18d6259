package match

import "slices"

// An exprOp is what a node of an expression does with what is below it.
type exprOp uint8

const (
	exprAtom exprOp = iota
	exprAnd
	exprOr
	exprNot
)

// An expr is a boolean expression while it is built.
type expr struct {
	op   exprOp
	atom int32 // of exprAtom: which of the detection's atoms
	kids []*expr
}

func notExpr(e *expr) *expr {
	if e.op == exprNot {
		return e.kids[0]
	}
	return &expr{op: exprNot, kids: []*expr{e}}
}

// join makes one expression of several: one alone stays as it is, those of the same op are taken apart, equal atoms
// are there once.
func join(o exprOp, kids []*expr) *expr {
	if len(kids) == 1 {
		return kids[0]
	}
	out := &expr{op: o}
	seen := map[int32]bool{}
	var add func(kids []*expr)
	add = func(kids []*expr) {
		for _, k := range kids {
			switch {
			case k.op == o:
				add(k.kids)
			case k.op != exprAtom:
				out.kids = append(out.kids, k)
			case !seen[k.atom]:
				seen[k.atom] = true
				out.kids = append(out.kids, k)
			}
		}
	}
	add(kids)
	if len(out.kids) == 1 {
		return out.kids[0]
	}
	// Atoms first: they cost less than what has atoms below.
	slices.SortStableFunc(out.kids, func(a, b *expr) int { return a.rank() - b.rank() })
	return out
}

func (e *expr) rank() int {
	if e.op == exprAtom {
		return 0
	}
	return 1
}

// An instr is a node of an expression, in a list in which what is below a node stands right behind it.
type instr struct {
	op   exprOp
	atom int32
	end  int32 // where what is below ends
}

// flatten appends e to list.
func (e *expr) flatten(list []instr) []instr {
	at := len(list)
	list = append(list, instr{op: e.op, atom: e.atom})
	for _, k := range e.kids {
		list = k.flatten(list)
	}
	list[at].end = int32(len(list)) //nolint:gosec // Limits.Atoms bounds it
	return list
}

// A truth knows which atoms of a detection are true of a payload.
type truth interface{ of(atom int32) bool }

// eval evaluates the node at i of list.
func eval(list []instr, i int32, t truth) bool {
	n := &list[i]
	switch n.op {
	case exprAtom:
		return t.of(n.atom)
	case exprNot:
		return !eval(list, i+1, t)
	default:
		until := n.op == exprOr // the value that decides
		for k := i + 1; k < n.end; k = list[k].end {
			v := false
			if list[k].op == exprAtom {
				v = t.of(list[k].atom)
			} else {
				v = eval(list, k, t)
			}
			if v == until {
				return until
			}
		}
		return !until
	}
}
