package match

import (
	"flag"
	"slices"
	"testing"

	"ttpworker/internal/match/matchtest"
)

var events = flag.Int("events", 3000, "how many generated payloads indexes are held against; a million take minutes")

// fullEvery is how often a payload is held against every detection of a large set.
const fullEvery = 1000

// restSlices is into how many slices a large set is cut: each payload is held against one, in turn.
const restSlices = 64

// checkIndexAgainstReference compares an index of dets with the reference over generated payloads: a third ordinary
// ones, a third ones that carry what rules look for, and a third odd ones. The reference takes milliseconds for
// thousands of detections, so it is asked about what the index finds or evaluates, the detections beside those, and a
// slice of the rest that moves on: what is found wrongly is seen at once, and what is missed each 64th time.
func checkIndexAgainstReference(t *testing.T, dets []*Detection, seed uint64, events int) {
	t.Helper()
	x, s := indexOf(dets...), NewScratch()
	g := matchtest.NewGenerator(seed, vocabularyOf(dets))
	modes := []func() []byte{g.Benign, g.Heavy, g.Hostile}
	asked := make([]int, len(dets)) // by id: the event that last asked it
	matches, full := 0, len(dets) < 4*restSlices
	for event := 1; event <= events; event++ {
		payload := modes[event%len(modes)]()
		found, err := x.Match(payload, s)
		doc, refErr := ParseDocument(payload)
		if err != nil || refErr != nil {
			t.Fatalf("event %d: Index.Match = %v, ParseDocument = %v of %q", event, err, refErr, payload)
		}
		ask := func(id int) {
			if id < 0 || id >= len(dets) || asked[id] == event {
				return
			}
			asked[id] = event
			_, got := slices.BinarySearch(found, int32(id)) //nolint:gosec // few
			if want := dets[id].Match(doc); got != want {
				t.Fatalf("event %d: the index finds detection %d: %t, want %t, in %q", event, id, got, want, payload)
			}
		}
		matches += len(found)
		step, from := restSlices, event%restSlices
		if full || event%fullEvery == 0 {
			step, from = 1, 0
		}
		for id := from; id < len(dets); id += step {
			ask(id)
		}
		for _, id := range slices.Concat(found, s.candidates) {
			for near := -1; near <= 1; near++ {
				ask(int(id) + near)
			}
		}
	}
	t.Logf("%d detections, %d payloads, %d matches", len(dets), events, matches)
}
