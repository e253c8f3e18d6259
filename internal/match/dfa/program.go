package dfa

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"
)

// A program is a compiled expression. It never changes.
type program struct {
	insts []inst
	start uint32
	sets  [][]uint64     // a bit per column: the characters that instructions with this set take
	asks  syntax.EmptyOp // all assertions
	ascii [256]uint8     // column by byte; notASCII for those that are no character of their own
	runs  []run          // of other characters, ascending
	kinds []kind         // by column
	ends  uint32         // column of the end of the text, the last one
}

// A column is a class of characters that the program does not tell apart.
const notASCII = 0 // no character: the text must be decoded here

// A run is characters of one column, up to the next run.
type run struct {
	from   rune
	column uint32
}

// A kind is what assertions see of a character.
type kind uint8

const (
	plain kind = iota
	word       // see syntax.IsWordChar
	newline
	nothing // the end of the text
)

type inst struct {
	op  syntax.InstOp // InstAlt, InstEmptyWidth, InstMatch, InstFail, InstNop, or InstRune
	out uint32
	arg uint32 // of InstAlt: the other way; of InstEmptyWidth: its EmptyOp; of InstRune: which of sets
}

const (
	lineOps = syntax.EmptyBeginLine | syntax.EmptyEndLine
	wordOps = syntax.EmptyWordBoundary | syntax.EmptyNoWordBoundary
)

// compile compiles an expression, which it does not change.
func compile(re *syntax.Regexp) *program {
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		panic("dfa: " + err.Error()) // it is there for the future, says syntax
	}
	p := &program{insts: make([]inst, len(prog.Inst)), start: uint32(prog.Start)} //nolint:gosec // an index
	var sets [][]rune
	numbers := map[string]uint32{} // of sets
	for i := range prog.Inst {
		from, to := &prog.Inst[i], &p.insts[i]
		*to = inst{op: from.Op, out: from.Out, arg: from.Arg}
		switch from.Op {
		case syntax.InstAltMatch:
			to.op = syntax.InstAlt
		case syntax.InstCapture:
			to.op = syntax.InstNop
		case syntax.InstEmptyWidth:
			p.asks |= syntax.EmptyOp(from.Arg) //nolint:gosec // syntax keeps one there
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			ranges := rangesOf(from)
			key := keyOf(ranges)
			n, known := numbers[key]
			if !known {
				n = uint32(len(sets)) //nolint:gosec // fewer than instructions
				numbers[key] = n
				sets = append(sets, ranges)
			}
			to.op, to.arg = syntax.InstRune, n
		default: // as it is
		}
	}
	p.classify(sets)
	return p
}

// rangesOf returns the characters that an instruction takes, as pairs of the first and the last of a range.
func rangesOf(in *syntax.Inst) []rune {
	switch {
	case in.Op == syntax.InstRuneAny:
		return []rune{0, unicode.MaxRune}
	case in.Op == syntax.InstRuneAnyNotNL:
		return []rune{0, '\n' - 1, '\n' + 1, unicode.MaxRune}
	case len(in.Rune) != 1:
		return in.Rune
	}
	r := in.Rune[0]
	ranges := []rune{r, r}
	if syntax.Flags(in.Arg)&syntax.FoldCase != 0 { //nolint:gosec // syntax keeps them there
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			ranges = append(ranges, f, f)
		}
	}
	return ranges
}

// keyOf is a text that equal ranges have in common. The bounds of ranges need not be characters.
func keyOf(ranges []rune) string {
	key := make([]byte, 0, 4*len(ranges))
	for _, r := range ranges {
		key = binary.LittleEndian.AppendUint32(key, uint32(r)) //nolint:gosec // bits
	}
	return string(key)
}

// classify makes the columns: of characters that all sets, given by ranges, and all assertions take alike.
func (p *program) classify(sets [][]rune) {
	telling := slices.Clip(sets)
	if p.asks&lineOps != 0 {
		telling = append(telling, []rune{'\n', '\n'})
	}
	if p.asks&wordOps != 0 {
		telling = append(telling, []rune{'0', '9', 'A', 'Z', '_', '_', 'a', 'z'})
	}
	bounds := []rune{0, utf8.RuneSelf}
	for _, ranges := range telling {
		for i := 0; i+1 < len(ranges); i += 2 {
			bounds = append(bounds, ranges[i], ranges[i+1]+1)
		}
	}
	slices.Sort(bounds)
	bounds = slices.Compact(bounds)
	class, classes := make([]int, len(bounds)), 1 // by the bound that characters stand behind
	for _, ranges := range telling {
		split := map[int]int{} // which class the part of a class has become that is in the set
		within(bounds, ranges, func(i int) {
			part, known := split[class[i]]
			if !known {
				part = classes
				classes++
				split[class[i]] = part
			}
			class[i] = part
		})
	}
	column := p.number(bounds, class)
	p.sets = make([][]uint64, len(sets))
	for n, ranges := range sets {
		p.sets[n] = make([]uint64, p.ends/64+1)
		within(bounds, ranges, func(i int) { p.sets[n][column[i]/64] |= 1 << (column[i] % 64) })
	}
}

// within calls f for each place in bounds behind which characters of the ranges stand. The ends of ranges are bounds.
func within(bounds, ranges []rune, f func(i int)) {
	for i := 0; i+1 < len(ranges); i += 2 {
		at, _ := slices.BinarySearch(bounds, ranges[i])
		for ; at < len(bounds) && bounds[at] <= ranges[i+1]; at++ {
			f(at)
		}
	}
}

// number gives columns to classes, those of ASCII first, and returns them by place in bounds.
func (p *program) number(bounds []rune, class []int) []uint32 {
	columns := make([]uint32, len(bounds))
	numbers := map[int]uint32{}
	p.kinds = []kind{notASCII: plain}
	for i, from := range bounds {
		n, known := numbers[class[i]]
		if !known {
			n = uint32(len(p.kinds)) //nolint:gosec // at most one per bound
			numbers[class[i]] = n
			p.kinds = append(p.kinds, kindOf(from))
		}
		columns[i] = n
		for r := from; r < utf8.RuneSelf && r < bounds[i+1]; r++ { // utf8.RuneSelf is a bound
			p.ascii[r] = uint8(n) //nolint:gosec // at most one per character of ASCII
		}
		if from >= utf8.RuneSelf && (len(p.runs) == 0 || p.runs[len(p.runs)-1].column != n) {
			p.runs = append(p.runs, run{from, n})
		}
	}
	p.ends = uint32(len(p.kinds)) //nolint:gosec // as above
	p.kinds = append(p.kinds, nothing)
	return columns
}

func kindOf(r rune) kind {
	switch {
	case syntax.IsWordChar(r):
		return word
	case r == '\n':
		return newline
	default:
		return plain
	}
}

// at returns the column of what text begins with, and how many bytes that takes.
func (p *program) at(text []byte) (column uint32, width int) {
	switch {
	case len(text) == 0:
		return p.ends, 0
	case text[0] < utf8.RuneSelf:
		return uint32(p.ascii[text[0]]), 1
	}
	r, width := utf8.DecodeRune(text)
	low, high := 0, len(p.runs)
	for high-low > 1 { // the first run begins with the first character that is not ASCII
		if mid := (low + high) / 2; p.runs[mid].from <= r {
			low = mid
		} else {
			high = mid
		}
	}
	return p.runs[low].column, width
}
