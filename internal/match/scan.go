package match

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// maxDepth bounds the nesting of a payload, which scan and reference follow by recursion. Production payloads are
// bounded far below by limits.depth.
const maxDepth = 1000

var errDepth = errors.New("payload nests too deep")

// A scan reads one payload: it checks that it is one JSON object and collects the values of the fields in a tree.
type scan struct {
	tree *tree
	b    []byte

	values  []value
	entries []entry // of values in slots
	slots   []slot  // by slot number
	touched []int32 // slots that are there
	gen     uint32  // of slots and seen: what has another one is of an earlier payload

	cover      []int32  // slots that the value at hand belongs to
	everything bool     // values outside of all slots are kept, too
	seen       []uint32 // by node: the object that had it last
	object     uint32   // number of the object at hand
	doubled    bool     // a name on some path is there twice in one object
	upper      []byte   // the payload with ASCII letters as capitals, and padding
	arena      []byte   // texts without their escapes, folded texts
}

// A slot holds the values of a field.
type slot struct {
	gen         uint32
	first, last int32 // in entries; -1 = none
}

type entry struct{ value, next int32 }

// What a scan keeps for the next payload.
const (
	keptValues = 1 << 12
	keptBytes  = 1 << 18
)

// reset prepares for a payload.
func (s *scan) reset(t *tree, slots int, payload []byte) {
	s.tree, s.b = t, payload
	if cap(s.values) > keptValues || cap(s.arena)+cap(s.upper) > keptBytes { // of a payload that was out of the ordinary
		s.values, s.entries, s.arena, s.upper = nil, nil, nil, nil
	}
	s.values, s.entries, s.touched, s.cover, s.arena = s.values[:0], s.entries[:0], s.touched[:0], s.cover[:0], s.arena[:0]
	s.doubled, s.everything = false, false
	if len(s.slots) < slots {
		s.slots = make([]slot, slots+slots/4)
	}
	if len(s.seen) < len(t.nodes) {
		s.seen = make([]uint32, len(t.nodes)+len(t.nodes)/4)
		s.object = 0
	}
	s.upper = appendUpper(slices.Grow(s.upper[:0], len(payload)+padding), payload)
	if s.gen++; s.gen == 0 {
		clear(s.slots)
		s.gen = 1
	}
	if s.object > 1<<31 {
		clear(s.seen)
		s.object = 0
	}
}

// run reads the payload.
func (s *scan) run() error {
	if len(s.b) > math.MaxInt32 {
		return errors.New("payload is larger than 2 GiB")
	}
	i := s.space(0)
	if i == len(s.b) || s.b[i] != '{' {
		return errNotObject
	}
	i, err := s.objectAt(i+1, rootNode, 0)
	if err != nil {
		return err
	}
	if i = s.space(i); i != len(s.b) {
		return fmt.Errorf("something stands behind the JSON object at byte %d", i)
	}
	return nil
}

func (s *scan) fault(i int) error {
	if i >= len(s.b) {
		return errors.New("invalid JSON: the payload ends too early")
	}
	return fmt.Errorf("invalid JSON at byte %d: unexpected %q", i, s.b[i])
}

// space returns where the next byte that is no white space stands.
func (s *scan) space(i int) int {
	for i < len(s.b) && s.b[i] <= ' ' && (s.b[i] == ' ' || s.b[i] == '\n' || s.b[i] == '\r' || s.b[i] == '\t') {
		i++
	}
	return i
}

// objectAt reads an object from behind its brace, and returns where it has ended. Names are looked up below node.
func (s *scan) objectAt(i int, node int32, depth int) (int, error) {
	if depth > maxDepth {
		return 0, errDepth
	}
	s.object++
	object := s.object
	b := s.b
	if i = s.space(i); i < len(b) && b[i] == '}' {
		return i + 1, nil
	}
	for {
		if i >= len(b) || b[i] != '"' {
			return 0, s.fault(i)
		}
		from := i + 1
		end, kind, err := s.stringEnd(from)
		if err != nil {
			return 0, err
		}
		child := int32(noNode)
		if node != noNode {
			child = s.child(node, from, end, kind, object)
		}
		if i = end + 1; i >= len(b) || b[i] != ':' {
			if i = s.space(i); i >= len(b) || b[i] != ':' {
				return 0, s.fault(i)
			}
		}
		if i, err = s.member(s.space(i+1), child, depth); err != nil {
			return 0, err
		}
		if i = s.space(i); i >= len(b) {
			return 0, s.fault(i)
		}
		switch b[i] {
		case ',':
			i = s.space(i + 1)
		case '}':
			return i + 1, nil
		default:
			return 0, s.fault(i)
		}
	}
}

// child is the node that a name leads to.
func (s *scan) child(node int32, from, end int, kind stringKind, object uint32) int32 {
	name := s.b[from:end]
	if kind != plainASCII {
		name = s.unquote(name, kind)
	}
	child := s.tree.child(node, name)
	if child != noNode {
		s.doubled = s.doubled || s.seen[child] == object
		s.seen[child] = object
	}
	return child
}

// member reads a value that a name with a node stands before: the end of that node's path.
func (s *scan) member(i int, node int32, depth int) (int, error) {
	if node == noNode {
		return s.value(i, noNode, depth)
	}
	n := &s.tree.nodes[node]
	below := node
	if !n.hasBelow {
		below = noNode
	}
	if n.slot < 0 {
		return s.value(i, below, depth)
	}
	s.touch(n.slot)
	s.cover = append(s.cover, n.slot)
	i, err := s.value(i, below, depth)
	s.cover = s.cover[:len(s.cover)-1]
	return i, err
}

// value reads a value. Names below it are looked up below node.
func (s *scan) value(i int, node int32, depth int) (int, error) {
	b := s.b
	if i >= len(b) {
		return 0, s.fault(i)
	}
	switch c := b[i]; {
	case c == '"':
		end, kind, err := s.stringEnd(i + 1)
		if err != nil {
			return 0, err
		}
		if s.everything || len(s.cover) > 0 {
			s.add(value{kind: textValue, str: kind, from: int32(i + 1), to: int32(end)}) //nolint:gosec // run bounds the payload
		}
		return end + 1, nil
	case c == '{':
		return s.objectAt(i+1, node, depth+1)
	case c == '[':
		return s.array(i+1, node, depth+1)
	case c == '-' || '0' <= c && c <= '9':
		end := numberEnd(b, i)
		if end < 0 {
			return 0, s.fault(-end)
		}
		if s.everything || len(s.cover) > 0 {
			s.add(value{kind: numberValue, text: s.number(b[i:end]), from: int32(i), to: int32(end)}) //nolint:gosec // as above
		}
		return end, nil
	default:
		return s.word(i)
	}
}

func (s *scan) array(i int, node int32, depth int) (int, error) {
	if depth > maxDepth {
		return 0, errDepth
	}
	if i = s.space(i); i < len(s.b) && s.b[i] == ']' {
		return i + 1, nil
	}
	for {
		var err error
		if i, err = s.value(s.space(i), node, depth); err != nil {
			return 0, err
		}
		if i = s.space(i); i >= len(s.b) {
			return 0, s.fault(i)
		}
		switch s.b[i] {
		case ',':
			i++
		case ']':
			return i + 1, nil
		default:
			return 0, s.fault(i)
		}
	}
}

// word reads true, false or null.
func (s *scan) word(i int) (int, error) {
	for _, w := range [...]struct {
		text string
		kind scalar
	}{{"true", boolValue}, {"false", boolValue}, {"null", nullValue}} {
		if end := i + len(w.text); end <= len(s.b) && string(s.b[i:end]) == w.text {
			if s.everything || len(s.cover) > 0 {
				s.add(value{kind: w.kind, from: int32(i), to: int32(end)}) //nolint:gosec // run bounds the payload
			}
			return end, nil
		}
	}
	return 0, s.fault(i)
}

// touch notes that a field is there.
func (s *scan) touch(n int32) {
	if sl := &s.slots[n]; sl.gen != s.gen {
		*sl = slot{s.gen, -1, -1}
		s.touched = append(s.touched, n)
	}
}

// add gives a value to every slot that covers it.
func (s *scan) add(v value) {
	at := int32(len(s.values)) //nolint:gosec // fewer than bytes in the payload
	s.values = append(s.values, v)
	for _, n := range s.cover {
		e := int32(len(s.entries)) //nolint:gosec // as above, times maxDepth at the most
		s.entries = append(s.entries, entry{at, -1})
		sl := &s.slots[n]
		if sl.last < 0 {
			sl.first = e
		} else {
			s.entries[sl.last].next = e
		}
		sl.last = e
	}
}

// there reports whether the field of a slot is there.
func (s *scan) there(n int32) bool { return s.slots[n].gen == s.gen }

// first returns the first entry of a slot; -1 = there is none.
func (s *scan) first(n int32) int32 {
	if !s.there(n) {
		return -1
	}
	return s.slots[n].first
}

// padding is how far behind a folded text one may look: what stands there is of no meaning.
const padding = 8

// fold returns the folded text of a value, with padding behind it.
func (s *scan) fold(v *value) []byte {
	switch {
	case v.folded != nil || v.from == v.to && len(v.text) == 0:
	case v.text == nil && v.str == plainASCII:
		v.folded = s.upper[v.from:v.to]
	case v.text == nil && v.str == escapedASCII:
		n := len(s.arena)
		s.arena = appendUnquotedUpper(s.arena, s.b[v.from:v.to])
		v.folded = s.arena[n:]
	default:
		text := s.text(v) // may use the arena itself
		n := len(s.arena)
		s.arena = slices.Grow(appendFold(s.arena, text), padding)
		v.folded = s.arena[n:]
	}
	return v.folded
}

// text returns the text of a value.
func (s *scan) text(v *value) []byte {
	if v.text == nil {
		v.text = s.unquote(s.b[v.from:v.to], v.str)
	}
	return v.text
}

// number is the canonical form of a number; nil = it is as written.
func (s *scan) number(raw []byte) []byte {
	for i, c := range raw {
		if (c < '0' || c > '9') && (i > 0 || c != '-' || len(raw) == 2 && raw[1] == '0') {
			n := len(s.arena)
			s.arena = appendCanonical(s.arena, view(raw))
			return s.arena[n:len(s.arena):len(s.arena)]
		}
	}
	return nil
}

// gather puts every value into one slot, which is empty.
func (s *scan) gather(n int32) {
	s.touch(n)
	sl := &s.slots[n]
	for at := range s.values {
		e := int32(len(s.entries)) //nolint:gosec // as in add
		s.entries = append(s.entries, entry{int32(at), e + 1})
		sl.last = e
	}
	if sl.last >= 0 {
		sl.first = sl.last + 1 - int32(len(s.values)) //nolint:gosec // as above
		s.entries[sl.last].next = -1
	}
}

// unquote takes the escapes out of a text and makes it valid UTF-8.
func (s *scan) unquote(raw []byte, kind stringKind) []byte {
	if kind == plainASCII || kind == plainUTF8 && utf8.Valid(raw) {
		return raw
	}
	n := len(s.arena)
	s.arena = appendUnquoted(s.arena, raw)
	return s.arena[n:len(s.arena):len(s.arena)]
}
