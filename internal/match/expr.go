package match

import "slices"

// An exprOp is what a node of an expression does with what is below it.
type exprOp uint8

const (
	exprAtom exprOp = iota
	exprAnd
	exprOr
	exprNot
	exprMark // of a Trace only: what is below it is a branch
)

// An expr is a boolean expression while it is built.
type expr struct {
	op   exprOp
	atom int32 // of exprAtom: which of the detection's atoms
	kids []*expr
	mark *Branch // of exprMark
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
	return out
}

// sort puts what is asked sooner before what costs more, at every node. weigh is the cost of an atom.
func (e *expr) sort(weigh func(atom int32) int) {
	weights := make(map[*expr]int, len(e.kids))
	for _, k := range e.kids {
		k.sort(weigh)
		weights[k] = k.weight(weigh)
	}
	slices.SortStableFunc(e.kids, func(a, b *expr) int { return weights[a] - weights[b] })
}

// weight is the cost of all atoms of an expression.
func (e *expr) weight(weigh func(atom int32) int) int {
	if e.op == exprAtom {
		return weigh(e.atom)
	}
	sum := 0
	for _, k := range e.kids {
		sum += k.weight(weigh)
	}
	return sum
}

// size is the number of nodes of e, without marks.
func (e *expr) size() int {
	n := 1
	if e.op == exprMark {
		n = 0
	}
	for _, k := range e.kids {
		n += k.size()
	}
	return n
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
