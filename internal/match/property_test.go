package match

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawDetection compiles a random detection; nil = it has a fault.
func drawDetection(t *rapid.T) *Detection {
	n := randomDetection().Draw(t, "detection")
	d, err := Compile(n, testOptions())
	if err != nil {
		return nil
	}
	return d
}

// A snapshot is an index and what it held when it was made.
type snapshot struct {
	index *Index
	held  []*Detection
}

// An index finds what the reference finds, however its builder came to what it holds, and goes on to do so while the
// builder changes.
func TestIndexesFindWhatTheReferenceFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, s := NewBuilder(), NewScratch()
		held := make([]*Detection, 6)
		var snapshots []snapshot
		for range rapid.IntRange(1, 5).Draw(t, "rounds") {
			for range rapid.IntRange(1, 6).Draw(t, "changes") {
				id := rapid.IntRange(0, len(held)-1).Draw(t, "id")
				var d *Detection
				switch rapid.IntRange(0, 4).Draw(t, "change") {
				case 0:
				case 1: // the same again, maybe under another id
					d = held[rapid.IntRange(0, len(held)-1).Draw(t, "other")]
				default:
					d = drawDetection(t)
				}
				if held[id] = d; d != nil {
					b.Put(int32(id), d) //nolint:gosec // few
				} else {
					b.Delete(int32(id)) //nolint:gosec // few
				}
			}
			if rapid.IntRange(0, 9).Draw(t, "rebuild") == 0 {
				b.rebuild()
			}
			snapshots = append(snapshots, snapshot{b.Index(), slices.Clone(held)})
			for range 2 {
				payload := randomJSON().Draw(t, "payload")
				for _, snap := range snapshots {
					checkIndex(t, snap.index, snap.held, payload, s)
				}
			}
		}
	})
}

// What is put together matches where all of it does.
func TestAndMatchesWhereAllDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, other := drawDetection(t), drawDetection(t)
		if one == nil || other == nil {
			t.Skip("a detection has a fault")
		}
		both := []*Detection{And(one, other), And(one), And(other, one, other), one, other}
		x, s := indexOf(both...), NewScratch()
		for range 3 {
			payload := randomJSON().Draw(t, "payload")
			checkIndex(t, x, both, payload, s)
			doc, err := ParseDocument(payload)
			if err != nil {
				t.Fatalf("ParseDocument(%q) = %v", payload, err)
			}
			if got, want := both[0].Match(doc), one.Match(doc) && other.Match(doc); got != want || got != both[2].Match(doc) {
				t.Fatalf("And(one, other).Match(%q) = %t, want %t", payload, got, want)
			}
			if both[1].Match(doc) != one.Match(doc) {
				t.Fatalf("And(one).Match(%q) differs from one", payload)
			}
		}
	})
}

// Detections that compile say the same as their nodes: a selection alone, negated twice, or in a list of one.
func TestEqualConditionsMatchTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		selection := drawSelection(t)
		compile := func(condition *Node) *Detection {
			d, err := Compile(&Node{Kind: Map, Keys: []*Node{textNode("s"), textNode("condition")}, Items: []*Node{selection, condition}}, testOptions())
			if err != nil {
				t.Skip("the selection has a fault")
			}
			return d
		}
		var ds []*Detection
		for _, c := range []string{"s", "not not s", "(s)", "1 of them", "all of s*", "s and s", "s or s", "not (not s or not s)", "s or (s and not s)"} {
			ds = append(ds, compile(textNode(c)))
		}
		ds = append(ds, compile(&Node{Kind: List, Items: []*Node{textNode("s"), textNode("s and not s")}}))
		x, s := indexOf(ds...), NewScratch()
		for range 3 {
			payload := randomJSON().Draw(t, "payload")
			got, err := x.Match(payload, s)
			if err != nil || len(got) != 0 && len(got) != len(ds) {
				t.Fatalf("Index.Match(%q) = %v, %v, want all or none of %d", payload, got, err, len(ds))
			}
			checkIndex(t, x, ds, payload, s)
		}
	})
}
