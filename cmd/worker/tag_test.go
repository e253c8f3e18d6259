//go:build unix

package main

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// What tag does before the first line can take long, too: here it waits for a pipe of rules' states.
func TestTagEndsWhileItGetsReady(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "states")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	root := newRoot()
	root.SetArgs([]string{"tag", "--rules", t.TempDir(), "--states", pipe, os.DevNull})
	ended := make(chan error, 1)
	go func() { ended <- root.ExecuteContext(ctx) }()
	select {
	case err := <-ended:
		if err == nil || err.Error() != "interrupted" {
			t.Errorf("tag = %v, want interrupted", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("tag waits for its states though it was interrupted")
	}
	f, err := os.OpenFile(pipe, os.O_RDWR, 0) // lets go whoever waits
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}
