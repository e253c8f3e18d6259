//go:build linux

package filesystem

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/store"
	"ttpworker/internal/store/storetest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, open)
}

func BenchmarkStore(b *testing.B) { storetest.Bench(b, open) }

// open makes a store over an empty directory, as the conformance suite wants it.
func open(tb testing.TB) storetest.Harness {
	tb.Helper()
	cfg := DefaultConfig()
	cfg.Dir = tb.TempDir()
	log := store.NewMemoryLog()
	s, err := New(cfg, storetest.Parse, log, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		tb.Fatalf("New = %v", err)
	}
	lists := filepath.Join(cfg.Dir, "lists")
	if err := os.Mkdir(lists, 0o700); err != nil {
		tb.Fatal(err)
	}
	put := func(dir, path, text string) {
		tmp := filepath.Join(dir, ".tmp~"+path)
		if err := os.WriteFile(tmp, []byte(text), 0o600); err != nil {
			tb.Fatal(err)
		}
		if err := os.Rename(tmp, filepath.Join(dir, path)); err != nil {
			tb.Fatal(err)
		}
	}
	remove := func(dir, path string) {
		if err := os.Remove(filepath.Join(dir, path)); err != nil {
			tb.Fatal(err)
		}
	}
	return storetest.Harness{
		Store:      s,
		Log:        log,
		Put:        func(path, text string) { put(cfg.Dir, path, text) },
		Remove:     func(path string) { remove(cfg.Dir, path) },
		PutList:    func(path, text string) { put(lists, path, text) },
		RemoveList: func(path string) { remove(lists, path) },
	}
}
