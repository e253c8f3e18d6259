package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ttpworker/internal/wire"
)

// The input is what the tables say: events of one size, one in ten with a tag, whatever the number of rules.
func TestOneEventInTenIsTagged(t *testing.T) {
	const sigma = "../../../shared/sigma"
	if _, err := os.Stat(sigma); err != nil {
		t.Skip("the public rules are not beside the repository")
	}
	input, err := values()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := writeRules(dir, sigma, input); err != nil {
		t.Fatal(err)
	}
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	tagged := 0
	for _, value := range input[:sample] {
		if len(value) != eventSize {
			t.Fatalf("an event has %d bytes, want %d", len(value), eventSize)
		}
		ev, _, err := dec.Event(value, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(ev.Payload, []byte(marker)) {
			tagged++
		}
	}
	if tagged != sample/marked {
		t.Errorf("%d of %d events have the marker, want one in %d", tagged, sample, marked)
	}
	for _, count := range counts {
		files, err := filepath.Glob(filepath.Join(rulesDir(dir, count), "*.yaml"))
		if err != nil || len(files) != max(count, 1) {
			t.Errorf("%d rule files for %d rules, %v", len(files), count, err)
		}
	}
}
