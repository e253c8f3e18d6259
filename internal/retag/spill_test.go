package retag

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ttpworker/internal/kafka"
)

// Seen: files stayed behind when a process was killed, and when the tags could not be read to the end.
func TestAnIndexOnDiskLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := newFile(filepath.Join(dir, "nowhere")); err == nil || !strings.Contains(err.Error(), "give --tmp a directory with more room, or more --memory") {
		t.Errorf("newFile in a directory that is not there = %v, want an error that says what helps", err)
	}
	left := func(when string) {
		t.Helper()
		if found, err := os.ReadDir(dir); err != nil || len(found) > 0 {
			t.Errorf("%v, %v are there %s", found, err, when)
		}
	}
	f, err := newFile(dir)
	must(t, err)
	left("while the index is open")
	must(t, f.close())
	left("when it is closed")

	budget := &budget{}
	x := newIndex(budget, dir, func(int) {})
	u := newUnit(&Evaluator{}, kafka.Partition{}, kafka.Span{}, "job", newLabels())
	broken := errors.New("broken")
	err = u.fill(t.Context(), trusted, x, kafka.Span{}, func(context.Context, string, int32, kafka.Span, func(*kafka.Record) error) error {
		for n := range 3 * chunkEntries {
			must(t, x.put([16]byte{byte(n), byte(n >> 8)}, found{}))
		}
		return broken
	})
	if _, spilled := x.index.(*file); !spilled || !errors.Is(err, broken) {
		t.Fatalf("fill = %v, on disk: %t", err, spilled)
	}
	must(t, u.close())
	if used := budget.used.Load(); used != 0 {
		t.Errorf("%d bytes of memory are still taken", used)
	}
	if err := x.index.(*file).db.Sync(); err == nil {
		t.Error("the file is still open")
	}
}
