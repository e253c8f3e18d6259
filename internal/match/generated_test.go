package match

import (
	"flag"
	"slices"
	"testing"

	"ttpworker/internal/match/matchtest"
)

var events = flag.Int("events", 0, "how many payloads the public rules are held against; 0 = a few thousand")

// fullEvery is how often a payload is held against every detection. The others are held against what the index finds,
// a slice of the rest that moves on, and the detections beside those: with thousands of detections that costs about a
// fiftieth.
const fullEvery = 1000

// restSlices is into how many slices the rest is cut.
const restSlices = 64

// checkIndexAgainstReference compares an index of dets with the reference over as many generated payloads as events
// says, a third each of ordinary ones, ones that carry what rules look for, and odd ones. What both find is right;
// a detection that the index misses is seen if it is in the slice at hand, beside one that is found, or among those
// that the payload was made for, which are its clues.
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
		for _, id := range found {
			for near := -1; near <= 1; near++ {
				ask(int(id) + near)
			}
		}
		for _, id := range s.candidates { // those that were asked and did not match
			for near := -1; near <= 1; near++ {
				ask(int(id) + near)
			}
		}
	}
	t.Logf("%d detections, %d payloads, %d matches", len(dets), events, matches)
}
