//go:build linux

package filesystem

import (
	"os"
	"testing"

	"ttpworker/internal/store/storetest"
)

// publish plays how a kubelet updates a ConfigMap volume: a new directory of files, and one rename of a link. The
// names that people see are links through that link and never change.
func publish(b *bench, version string, texts map[string]string) {
	b.t.Helper()
	dir := "..2026_" + version
	b.mkdir(dir)
	for name, text := range texts {
		b.write(dir+"/"+name, text)
	}
	old, _ := os.Readlink(b.path(dataLink)) // none the first time
	b.check(os.Symlink(dir, b.path("..data_tmp")))
	b.rename("..data_tmp", dataLink)
	for name := range texts {
		if _, err := os.Lstat(b.path(name)); err != nil {
			b.check(os.Symlink(dataLink+"/"+name, b.path(name)))
		}
	}
	if old != "" {
		b.check(os.RemoveAll(b.path(old)))
	}
}

func TestConfigMap(t *testing.T) {
	t.Parallel()
	b := setUp(t, patient())
	v := storetest.Text
	publish(b, "1", map[string]string{"a.yaml": v("R1", 1), "b.yaml": v("R2", 1), "c.yaml": v("R3", 1)})
	b.start()
	publish(b, "2", map[string]string{"a.yaml": v("R1", 2), "b.yaml": v("R2", 1), "c.yaml": v("R3", 2)})
	b.expect("loaded R1 2 a.yaml", "loaded R3 2 c.yaml")
	publish(b, "3", map[string]string{"a.yaml": v("R1", 3), "b.yaml": v("R2", 1), "c.yaml": v("R3", 2), "d.yaml": v("R4", 1)})
	b.expect("loaded R1 3 a.yaml", "loaded R4 1 d.yaml")
	b.write("..2026_3/a.yaml", v("R1", 4)) // nobody should, but it is what the rule says now
	b.expect("loaded R1 4 a.yaml")
	b.remove("d.yaml")
	publish(b, "4", map[string]string{"a.yaml": v("R1", 4), "b.yaml": v("R2", 1), "c.yaml": v("R3", 2)})
	b.expect("removed R4 d.yaml")
	b.remove(dataLink) // the volume is in pieces: nobody deleted a rule
	b.expect("refused R1 a.yaml", "refused R2 b.yaml", "refused R3 c.yaml")
	if got := b.ids(); len(got) != 3 {
		t.Errorf("rules in force = %q, want all three", got)
	}
	publish(b, "5", map[string]string{"a.yaml": v("R1", 4), "b.yaml": v("R2", 2), "c.yaml": v("R3", 2)})
	b.expect("loaded R2 2 b.yaml")
}

// TestConfigMapItems: items with a path give a directory that is a link itself.
func TestConfigMapItems(t *testing.T) {
	t.Parallel()
	b := setUp(t, patient())
	for version := 1; version <= 2; version++ {
		dir := "..2026_" + string(rune('0'+version))
		b.mkdir(dir + "/sub")
		b.write(dir+"/sub/a.yaml", storetest.Text("R1", version))
		b.link(dir, dataLink)
		if version == 1 {
			b.check(os.Symlink(dataLink+"/sub", b.path("sub")))
			b.start()
		}
	}
	b.expect("loaded R1 2 sub/a.yaml")
}

func TestLinkTarget(t *testing.T) {
	t.Parallel()
	b := setUp(t, patient())
	v := storetest.Text
	b.mkdir("../pack/v1")
	b.mkdir("../pack/v2")
	b.write("../pack/v1/text", v("R1", 1))
	b.write("../pack/v2/text", v("R1", 5))
	b.link("v1", "../pack/current")
	b.link("../pack/current/text", "a.yaml")
	b.start()
	b.write("../pack/v1/text", v("R1", 2))
	b.expect("loaded R1 2 a.yaml")
	b.put("../pack/v1/text", v("R1", 3))
	b.expect("loaded R1 3 a.yaml")
	b.write("../pack/v1/other.yaml", v("R8", 1)) // beside the target, not in the rule directory
	b.expect()
	b.link("v2", "../pack/current")
	b.expect("loaded R1 5 a.yaml")
	b.write("../pack/v2/text", v("R1", 6))
	b.expect("loaded R1 6 a.yaml")
	b.write("../other", v("R1", 7))
	b.link("../other", "a.yaml")
	b.expect("loaded R1 7 a.yaml")
	b.write("../other", v("R1", 8))
	b.expect("loaded R1 8 a.yaml")
	b.remove("../other")
	b.expect("removed R1 a.yaml")
	b.write("../other", v("R1", 9))
	b.expect("loaded R1 9 a.yaml")
}

func TestLinkedDirectories(t *testing.T) {
	t.Parallel()
	b := setUp(t, patient())
	v := storetest.Text
	b.mkdir("sub")
	b.write("sub/a.yaml", v("R1", 1))
	b.link("sub", "alias")   // by its own name it comes first
	b.link("..", "sub/loop") // leads round
	b.link("/", "all")       // has the rules inside it
	b.start()
	if got := b.ids(); len(got) != 1 {
		t.Fatalf("rules = %q, want R1 once", got)
	}
	b.write("sub/a.yaml", v("R1", 2))
	b.expect("loaded R1 2 sub/a.yaml")
	b.rename("sub", "moved")
	b.expect("loaded R1 2 moved/a.yaml")
	b.write("moved/a.yaml", v("R1", 3))
	b.expect("loaded R1 3 moved/a.yaml")
	b.check(os.RemoveAll(b.path("moved")))
	b.expect("removed R1 moved/a.yaml")
}

// TestLinkedRoot: the rule directory is a link that a deployment swaps.
func TestLinkedRoot(t *testing.T) {
	t.Parallel()
	b := setUp(t, patient())
	v := storetest.Text
	for version := 1; version <= 2; version++ {
		release := "../release" + string(rune('0'+version))
		b.mkdir(release)
		b.write(release+"/a.yaml", v("R1", version))
	}
	b.write("../release2/zz_barrier.yaml", v("zz", 1)) // as the first barrier leaves it in release1
	b.remove(".")
	b.check(os.Symlink("release1", b.dir))
	b.start()
	b.link("release2", "../rules")
	b.expect("loaded R1 2 a.yaml")
	b.write("a.yaml", v("R1", 3))
	b.expect("loaded R1 3 a.yaml")
}
