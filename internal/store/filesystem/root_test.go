//go:build linux

package filesystem

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ttpworker/internal/store/storetest"
)

func TestRootVanishes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		vanish func(*bench)
		back   func(*bench)
	}{
		{
			name:   "moved away and back",
			vanish: func(b *bench) { b.check(os.Rename(b.dir, b.dir+".away")) },
			back:   func(b *bench) { b.check(os.Rename(b.dir+".away", b.dir)) },
		},
		{
			name:   "removed and made again",
			vanish: func(b *bench) { b.check(os.RemoveAll(b.dir)) },
			back: func(b *bench) {
				b.mkdir(".")
				b.write("a.yaml", storetest.Text("R1", 1))
				b.write("zz_barrier.yaml", storetest.Text("zz", 1))
			},
		},
		{
			name: "its parent removed and made again",
			vanish: func(b *bench) {
				b.check(os.RemoveAll(filepath.Dir(b.dir)))
			},
			back: func(b *bench) {
				b.mkdir(".")
				b.write("a.yaml", storetest.Text("R1", 1))
				b.write("zz_barrier.yaml", storetest.Text("zz", 1))
			},
		},
		{
			name: "replaced by an empty one, as an unmounted volume is",
			vanish: func(b *bench) {
				b.check(os.Rename(b.dir, b.dir+".away"))
				b.mkdir(".")
			},
			back: func(b *bench) {
				b.remove(".")
				b.check(os.Rename(b.dir+".away", b.dir))
			},
		},
		{
			name: "replaced by a file",
			vanish: func(b *bench) {
				b.check(os.Rename(b.dir, b.dir+".away"))
				b.write(".", "no directory")
			},
			back: func(b *bench) {
				b.remove(".")
				b.check(os.Rename(b.dir+".away", b.dir))
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setUp(t, patient())
			b.write("a.yaml", storetest.Text("R1", 1))
			b.start()
			tt.vanish(b)
			b.eventually("Healthy tells", func() bool { return b.Healthy() != nil })
			b.Rescan()
			b.Rescan()
			if err := b.Healthy(); !strings.Contains(err.Error(), b.dir) {
				t.Errorf("Healthy = %v, want an error that names the directory", err)
			}
			if got := b.ids(); len(got) != 1 {
				t.Errorf("rules in force = %q, want R1: a directory that vanished removes nothing", got)
			}
			if got := b.metric("ttp_store_last_successful"); got != 0 {
				t.Errorf("ttp_store_last_successful = %v, want 0", got)
			}
			tt.back(b)
			b.eventually("Healthy is content", func() bool { return b.Healthy() == nil })
			b.expect()
			b.write("a.yaml", storetest.Text("R1", 2))
			b.expect("loaded R1 2 a.yaml")
			if b.logged("cannot be read, the rules stay") != 1 {
				t.Errorf("not one warning:\n%s", &b.lines)
			}
		})
	}
}

// TestRootComesBackWithoutARule: what is missing then was removed, said a moment later.
func TestRootComesBackWithoutARule(t *testing.T) {
	t.Parallel()
	b := setUp(t, patient())
	b.write("a.yaml", storetest.Text("R1", 1))
	b.write("b.yaml", storetest.Text("R2", 1))
	b.start()
	b.check(os.RemoveAll(b.dir))
	b.eventually("Healthy tells", func() bool { return b.Healthy() != nil })
	b.mkdir(".")
	b.write("b.yaml", storetest.Text("R2", 2))
	b.write("zz_barrier.yaml", storetest.Text("zz", 1))
	if got := b.until("removed R1 a.yaml"); len(got) != 1 || got[0] != "loaded R2 2 b.yaml" {
		t.Errorf("changes before the removal = %q, want R2's", got)
	}
	b.expect()
}

// TestUnreadableDirectory: a directory below that cannot be read any more takes no rule down.
func TestUnreadableDirectory(t *testing.T) {
	t.Parallel()
	b := setUp(t, patient())
	b.mkdir("sub")
	b.write("sub/a.yaml", storetest.Text("R1", 1))
	b.start()
	b.rename("sub", "../sub")
	b.check(os.Symlink("sub", b.path("sub"))) // to itself: reading fails, even for root
	b.expect("refused R1 sub/a.yaml")
	if got := b.ids(); len(got) != 1 {
		t.Errorf("rules in force = %q, want R1", got)
	}
	b.remove("sub")
	b.rename("../sub", "sub")
	b.expect()
	b.write("sub/a.yaml", storetest.Text("R1", 2))
	b.expect("loaded R1 2 sub/a.yaml")
}

// TestMissingDirectory: a directory that is not there is a mistake in the configuration, and the error says what to do.
func TestMissingDirectory(t *testing.T) {
	t.Parallel()
	b := setUp(t, patient())
	b.remove(".")
	if _, err := b.Load(t.Context()); err == nil || !strings.Contains(err.Error(), b.dir+" does not exist: create it or set rule_store.dir") {
		t.Errorf("Load = %v, want what to do", err)
	}
	if err := b.Healthy(); err == nil {
		t.Error("Healthy = nil before anything was read")
	}
	b.mkdir(".")
	if _, err := b.Load(t.Context()); err != nil {
		t.Errorf("Load when the directory is there = %v", err)
	}
}
