package app_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A saveStyle is one of the ways in which editors, people and orchestrators change rule files.
type saveStyle struct {
	name    string
	prepare func(t *testing.T, w *world) // before the replicas start
	run     func(t *testing.T, w *world)
}

var saveStyles = []saveStyle{
	{
		name:    "rewrite in place",
		prepare: func(t *testing.T, w *world) { w.save(t, "inplace.yaml", "INPLACE", 1) },
		run: func(t *testing.T, w *world) {
			for v := 2; v < 8; v++ {
				w.save(t, "inplace.yaml", "INPLACE", v)
				w.effective(t, "INPLACE")
			}
		},
	},
	{
		name:    "write new and rename over",
		prepare: func(t *testing.T, w *world) { w.save(t, "over.yaml", "OVER", 1) },
		run: func(t *testing.T, w *world) {
			for v := 2; v < 8; v++ {
				data := w.expect(t, "over.yaml", "OVER", v)
				w.write(t, ".over.yaml.swp", data)
				w.rename(t, ".over.yaml.swp", "over.yaml")
				w.effective(t, "OVER")
			}
		},
	},
	{
		name: "create, delete, create again",
		run: func(t *testing.T, w *world) {
			w.save(t, "created.yaml", "CREATED", 1)
			w.effective(t, "CREATED")
			w.expectGone("CREATED")
			w.remove(t, "created.yaml")
			w.effective(t, "CREATED")
			w.save(t, "created.yaml", "CREATED", 2)
			w.effective(t, "CREATED")
		},
	},
	{
		name: "touch, then fill",
		run: func(t *testing.T, w *world) {
			w.write(t, "touched.yaml", nil)
			time.Sleep(150 * time.Millisecond) // longer than the quiet time: the empty file is looked at
			w.save(t, "touched.yaml", "TOUCHED", 1)
			w.effective(t, "TOUCHED")
		},
	},
	{
		name: "move in, rename, move out",
		run: func(t *testing.T, w *world) {
			outside := filepath.Join(t.TempDir(), "moved.yaml")
			if err := os.WriteFile(outside, w.expect(t, "moved.yaml", "MOVED", 1), 0o600); err != nil {
				t.Fatal(err)
			}
			w.renameAbs(t, outside, filepath.Join(w.dir, "moved.yaml"))
			w.effective(t, "MOVED")
			w.expect(t, "renamed.yaml", "MOVED", 1)
			w.rename(t, "moved.yaml", "renamed.yaml")
			w.effective(t, "MOVED")
			w.expectGone("MOVED")
			w.renameAbs(t, filepath.Join(w.dir, "renamed.yaml"), outside)
			w.effective(t, "MOVED")
		},
	},
	{
		name: "symlink, and edit of its target",
		run: func(t *testing.T, w *world) {
			target := filepath.Join(t.TempDir(), "target.txt")
			put := func(v int) {
				if err := os.WriteFile(target, w.expect(t, "linked.yaml", "LINKED", v), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			put(1)
			w.symlink(t, target, "linked.yaml")
			w.effective(t, "LINKED")
			put(2)
			w.effective(t, "LINKED")
			w.expectGone("LINKED")
			w.remove(t, "linked.yaml")
			w.effective(t, "LINKED")
		},
	},
	{
		name: "Kubernetes ConfigMap swap",
		prepare: func(t *testing.T, w *world) {
			w.mkdir(t, filepath.Join(w.dir, "map", "..v1"))
			w.write(t, "map/..v1/mapped.yaml", w.expect(t, "map/mapped.yaml", "MAPPED", 1))
			w.symlink(t, "..v1", "map/..data")
			w.symlink(t, filepath.Join("..data", "mapped.yaml"), "map/mapped.yaml")
		},
		run: func(t *testing.T, w *world) {
			w.mkdir(t, filepath.Join(w.dir, "map", "..v2"))
			w.write(t, "map/..v2/mapped.yaml", w.expect(t, "map/mapped.yaml", "MAPPED", 2))
			w.symlink(t, "..v2", "map/..data_tmp")
			w.rename(t, "map/..data_tmp", "map/..data")
			w.effective(t, "MAPPED")
		},
	},
	{
		name: "many files at once, as git checkout does",
		prepare: func(t *testing.T, w *world) {
			for _, id := range gitRules {
				w.save(t, id+".yaml", id, 1)
			}
		},
		run: func(t *testing.T, w *world) {
			for v := 2; v < 5; v++ {
				for _, id := range gitRules {
					data := w.expect(t, id+".yaml", id, v)
					w.remove(t, id+".yaml")
					w.write(t, id+".yaml", data)
				}
				w.effective(t, gitRules...)
			}
		},
	},
	{
		name: "a directory removed and made again",
		prepare: func(t *testing.T, w *world) {
			w.mkdir(t, filepath.Join(w.dir, "sub"))
			w.save(t, "sub/dir.yaml", "DIR", 1)
		},
		run: func(t *testing.T, w *world) {
			w.expectGone("DIR")
			if err := os.RemoveAll(filepath.Join(w.dir, "sub")); err != nil {
				t.Fatal(err)
			}
			w.effective(t, "DIR")
			w.mkdir(t, filepath.Join(w.dir, "sub"))
			w.save(t, "sub/dir.yaml", "DIR", 2)
			w.effective(t, "DIR")
		},
	},
	{
		name: "the whole directory removed and made again: the rules stay until it is back",
		run: func(t *testing.T, w *world) {
			aside := w.dir + ".aside"
			w.renameAbs(t, w.dir, aside)
			time.Sleep(200 * time.Millisecond)
			data := w.expect(t, "inplace.yaml", "INPLACE", 9)
			if err := os.WriteFile(filepath.Join(aside, "inplace.yaml"), data, 0o600); err != nil {
				t.Fatal(err)
			}
			w.renameAbs(t, aside, w.dir)
			w.effective(t, "INPLACE")
		},
	},
	{
		name: "a broken file, then mended",
		run: func(t *testing.T, w *world) {
			w.write(t, "over.yaml", []byte("rule_id: OVER\nrule_version: [\n"))
			time.Sleep(700 * time.Millisecond) // past the hold of a file that lost keys: it is refused by now
			w.save(t, "over.yaml", "OVER", 9)
			w.effective(t, "OVER")
		},
	},
}

var gitRules = []string{"GIT_A", "GIT_B", "GIT_C", "GIT_D"}

func (w *world) rename(t *testing.T, from, to string) {
	t.Helper()
	w.renameAbs(t, filepath.Join(w.dir, from), filepath.Join(w.dir, to))
}

func (w *world) renameAbs(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func (w *world) remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(filepath.Join(w.dir, path)); err != nil {
		t.Fatal(err)
	}
}

func (w *world) symlink(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, filepath.Join(w.dir, path)); err != nil {
		t.Fatal(err)
	}
}
