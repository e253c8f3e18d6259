package main

import (
	"strings"
	"testing"
	"time"
)

// Progress that is told for each record must not be drawn for each: on a terminal that takes longer than a retag.
func TestProgressIsNotDrawnForEachRecord(t *testing.T) {
	t.Parallel()
	const records = 100_000
	var drawn strings.Builder
	bar := newBar(&drawn, records, "events")
	start := time.Now()
	for n := range int64(records) {
		must(t, bar.Set64(n))
	}
	most := 2 + int(time.Since(start)/barPause)
	must(t, bar.Finish())
	if n := strings.Count(drawn.String(), "events"); n == 0 || n > most {
		t.Errorf("the bar was drawn %d times, want 1 to %d", n, most)
	}
}
