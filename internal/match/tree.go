package match

import (
	"encoding/binary"
	"slices"
	"strings"
)

const (
	noNode   = -1
	rootNode = 0
)

// A tree is the paths that a scan follows: a node per step, found by its parent and name in one hash table. The
// literal key of a dotted field is a node below the root.
type tree struct {
	slots []treeSlot // open addressing; the length is a power of two
	nodes []treeNode
	names []byte // of all nodes, one behind the other
}

type treeSlot struct {
	hash uint32
	node int32 // 0 = free, as nothing leads to the root
}

type treeNode struct {
	parent   int32
	name     uint32 // where it begins
	size     uint32
	slot     int32 // values slot of the field that ends here; -1 = none
	hasBelow bool
}

func newTree() tree {
	return tree{slots: make([]treeSlot, 64), nodes: []treeNode{{parent: noNode, slot: -1}}}
}

func (t *tree) clone() tree {
	return tree{
		slots: append([]treeSlot(nil), t.slots...), nodes: append([]treeNode(nil), t.nodes...),
		names: slices.Clip(t.names), // only ever appended to
	}
}

// add makes path lead to slot.
func (t *tree) add(path []string, slot int32) {
	at := int32(rootNode)
	for _, name := range path {
		next := t.child(at, []byte(name))
		if next == noNode {
			next = t.insert(at, name)
		}
		t.nodes[at].hasBelow = true
		at = next
	}
	t.nodes[at].slot = slot
}

func (t *tree) insert(parent int32, name string) int32 {
	node := int32(len(t.nodes)) //nolint:gosec // Limits.Atoms bounds fields
	t.nodes = append(t.nodes, treeNode{
		parent: parent, name: uint32(len(t.names)), size: uint32(len(name)), slot: -1, //nolint:gosec // as above
	})
	t.names = append(t.names, name...)
	if len(t.nodes)*2 > len(t.slots) {
		t.slots = make([]treeSlot, 2*len(t.slots))
		for i := range t.nodes[1:] {
			t.place(int32(i + 1))
		}
	} else {
		t.place(node)
	}
	return node
}

func (t *tree) place(node int32) {
	n := &t.nodes[node]
	h := nameHash(n.parent, t.names[n.name:n.name+n.size])
	mask := uint32(len(t.slots) - 1) //nolint:gosec // as above
	i := h & mask
	for t.slots[i].node != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = treeSlot{h, node}
}

// child finds the node of a name below parent.
func (t *tree) child(parent int32, name []byte) int32 {
	h := nameHash(parent, name)
	mask := uint32(len(t.slots) - 1) //nolint:gosec // bounded
	for i := h & mask; t.slots[i].node != 0; i = (i + 1) & mask {
		if t.slots[i].hash == h {
			node := t.slots[i].node
			if n := &t.nodes[node]; n.parent == parent && string(t.names[n.name:n.name+n.size]) == string(name) {
				return node
			}
		}
	}
	return noNode
}

const (
	mix1 = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio
	mix2 = 0xd6e8feb86659fd93 // an odd number with as many ones as zeros, as multiplicative hashing wants
)

// nameHash mixes what tells names apart mostly: their length, beginning and end.
func nameHash(parent int32, name []byte) uint32 {
	a, b := ends(name)
	h := (a^uint64(parent)<<40)*mix1 ^ (b+uint64(len(name)))*mix2 //nolint:gosec // mixed, not counted
	return uint32(h>>32) ^ uint32(h)                              //nolint:gosec // as above
}

// ends are the first and last eight bytes of b as numbers; of fewer bytes, what there is of them.
func ends(b []byte) (first, last uint64) {
	switch n := len(b); {
	case n >= 8:
		return binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[n-8:])
	case n >= 4:
		return uint64(binary.LittleEndian.Uint32(b)), uint64(binary.LittleEndian.Uint32(b[n-4:]))
	case n > 0:
		return uint64(b[0]) | uint64(b[n/2])<<8 | uint64(b[n-1])<<16, 0
	}
	return 0, 0
}

// steps are the parts of a dotted path.
func steps(field string) []string { return strings.Split(field, ".") }
