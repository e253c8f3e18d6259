//go:build linux

package filesystem

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"ttpworker/internal/store/storetest"
)

// A saveStyle changes rule R1 in a.yaml, version 1, which lies beside R2 in b.yaml.
type saveStyle struct {
	name string
	save func(*bench)
	want []string // exactly these changes
}

func saveStyles() []saveStyle {
	v := storetest.Text
	edited := []string{"loaded R1 2 a.yaml"}
	return []saveStyle{
		{name: "rewrite in place", want: edited, save: func(b *bench) { b.write("a.yaml", v("R1", 2)) }},
		{name: "rewrite in place in small pieces", want: edited, save: func(b *bench) {
			f, err := os.Create(b.path("a.yaml"))
			b.check(err)
			for _, c := range []byte(v("R1", 2)) {
				_, err := f.Write([]byte{c})
				b.check(err)
			}
			b.check(f.Close())
		}},
		{name: "write new and rename over", want: edited, save: func(b *bench) { b.put("a.yaml", v("R1", 2)) }},
		{name: "vim: probe, rename to backup, write new, delete backup", want: edited, save: func(b *bench) {
			b.write("4913", "")
			b.remove("4913")
			b.write(".a.yaml.swp", "swap")
			b.rename("a.yaml", "a.yaml~")
			b.write("a.yaml", v("R1", 2))
			b.remove("a.yaml~")
			b.remove(".a.yaml.swp")
		}},
		{name: "sed -i: temporary file of a plain name", want: edited, save: func(b *bench) {
			b.write("sedAbCdEf", v("R1", 2))
			b.check(os.Chmod(b.path("sedAbCdEf"), 0o600))
			b.rename("sedAbCdEf", "a.yaml")
		}},
		{name: "emacs: lock link, auto-save, backup by renaming", want: edited, save: func(b *bench) {
			b.check(os.Symlink("user@host.1:2", b.path(".#a.yaml")))
			b.write("#a.yaml#", v("R1", 2))
			b.rename("a.yaml", "a.yaml~")
			b.write("a.yaml", v("R1", 2))
			b.remove("#a.yaml#")
			b.remove(".#a.yaml")
		}},
		{name: "delete and write again", want: edited, save: func(b *bench) {
			b.remove("a.yaml")
			b.write("a.yaml", v("R1", 2))
		}},
		{name: "same bytes again", save: func(b *bench) { b.write("a.yaml", v("R1", 1)) }},
		{name: "touch", save: func(b *bench) { b.check(os.Chmod(b.path("a.yaml"), 0o400)) }},
		{name: "edit and back", save: func(b *bench) {
			b.write("a.yaml", v("R1", 2))
			b.write("a.yaml", v("R1", 1))
		}},
		{name: "create", want: []string{"loaded R3 1 c.yaml"}, save: func(b *bench) { b.write("c.yaml", v("R3", 1)) }},
		{name: "the other ending", want: []string{"loaded R3 1 c.yml"}, save: func(b *bench) { b.write("c.yml", v("R3", 1)) }},
		{name: "touch then fill", want: []string{"loaded R3 1 c.yaml"}, save: func(b *bench) {
			b.write("c.yaml", "")
			b.write("c.yaml", v("R3", 1))
		}},
		{name: "touch, then fill much later", want: []string{"loaded R3 1 c.yaml"}, save: func(b *bench) {
			b.write("c.yaml", "")
			b.eventually("the empty file is counted", func() bool { return b.metric("ttp_store_refused_files") == 1 })
			b.write("c.yaml", v("R3", 1))
		}},
		{name: "delete", want: []string{"removed R1 a.yaml"}, save: func(b *bench) { b.remove("a.yaml") }},
		{name: "move in", want: []string{"loaded R3 1 c.yaml"}, save: func(b *bench) {
			b.write("../c", v("R3", 1))
			b.rename("../c", "c.yaml")
		}},
		{name: "move out", want: []string{"removed R1 a.yaml"}, save: func(b *bench) { b.rename("a.yaml", "../a.yaml") }},
		{name: "move to a name that is no rule's", want: []string{"removed R1 a.yaml"}, save: func(b *bench) { b.rename("a.yaml", "a.yaml.off") }},
		{name: "rename", want: []string{"loaded R1 1 c.yaml"}, save: func(b *bench) { b.rename("a.yaml", "c.yaml") }},
		{name: "rename and edit", want: []string{"loaded R1 2 c.yaml"}, save: func(b *bench) {
			b.rename("a.yaml", "c.yaml")
			b.write("c.yaml", v("R1", 2))
		}},
		{name: "move one over another", want: []string{"loaded R1 1 b.yaml", "removed R2 b.yaml"}, save: func(b *bench) { b.rename("a.yaml", "b.yaml") }},
		{name: "another rule_id", want: []string{"removed R1 a.yaml", "loaded R9 1 a.yaml"}, save: func(b *bench) { b.write("a.yaml", v("R9", 1)) }},
		{name: "two files swap their rules", want: []string{"loaded R1 1 b.yaml", "loaded R2 1 a.yaml"}, save: func(b *bench) {
			b.put("a.yaml", v("R2", 1))
			b.put("b.yaml", v("R1", 1))
		}},
		{name: "many files at once, as git checkout does", save: func(b *bench) {
			for i := range 40 {
				name := fmt.Sprintf("m%02d.yaml", i)
				b.write(name, v(fmt.Sprintf("M%02d", i), 1))
			}
			b.remove("a.yaml")
			b.write("a.yaml", v("R1", 2))
			b.remove("b.yaml")
		}, want: func() (want []string) {
			for i := range 40 {
				want = append(want, fmt.Sprintf("loaded M%02d 1 m%02d.yaml", i, i))
			}
			return append(want, "loaded R1 2 a.yaml", "removed R2 b.yaml")
		}()},
		{name: "a new directory, filled at once", want: []string{"loaded R3 1 sub/deep/c.yaml"}, save: func(b *bench) {
			b.mkdir("sub/deep")
			b.write("sub/deep/c.yaml", v("R3", 1))
		}},
		{name: "a directory moved in", want: []string{"loaded R3 1 sub/c.yaml"}, save: func(b *bench) {
			b.mkdir("../sub")
			b.write("../sub/c.yaml", v("R3", 1))
			b.rename("../sub", "sub")
		}},
		{name: "a dot directory is not entered", save: func(b *bench) {
			b.mkdir(".git")
			b.write(".git/c.yaml", v("R3", 1))
		}},
		{name: "a link to a file elsewhere", want: []string{"loaded R3 1 c.yaml"}, save: func(b *bench) {
			b.write("../text", v("R3", 1))
			b.link("../text", "c.yaml")
		}},
		{name: "a link to a directory elsewhere", want: []string{"loaded R3 1 more/c.yaml"}, save: func(b *bench) {
			b.mkdir("../pack")
			b.write("../pack/c.yaml", v("R3", 1))
			b.check(os.Symlink("../pack", b.path("more")))
		}},
		{name: "a file replaced by a link to the same bytes", save: func(b *bench) {
			b.write("../text", v("R1", 1))
			b.link("../text", "a.yaml")
		}},
		{name: "the whole directory removed and made again", save: func(b *bench) {
			b.check(os.RemoveAll(b.dir))
			b.mkdir(".")
			b.write("a.yaml", v("R1", 1))
			b.write("b.yaml", v("R2", 1))
			b.write("zz_barrier.yaml", v("zz", 1))
		}},
		{name: "the whole directory replaced by another version", want: []string{"loaded R1 2 a.yaml"}, save: func(b *bench) {
			b.mkdir("../next")
			b.write("../next/a.yaml", v("R1", 2))
			b.write("../next/b.yaml", v("R2", 1))
			b.write("../next/zz_barrier.yaml", v("zz", 1))
			b.check(os.Rename(b.dir, b.dir+".old"))
			b.check(os.Rename(filepath.Join(b.dir, "../next"), b.dir))
		}},
	}
}

// TestSaveStyles: whatever a writer does, each rule that is another one afterwards gives exactly one change.
func TestSaveStyles(t *testing.T) {
	t.Parallel()
	for _, tt := range saveStyles() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setUp(t, patient())
			b.write("a.yaml", storetest.Text("R1", 1))
			b.write("b.yaml", storetest.Text("R2", 1))
			b.start()
			tt.save(b)
			b.expect(tt.want...)
			if err := b.Healthy(); err != nil {
				t.Errorf("Healthy = %v", err)
			}
		})
	}
}

// A file that is mended by bringing its old content back changes no rule, so that nothing but the log can tell.
func TestAFileThatIsGoodAgainIsTold(t *testing.T) {
	t.Parallel()
	b := setUp(t, patient())
	good := storetest.Text("R1", 1)
	for _, name := range []string{"a.yaml", "b.yaml"} {
		b.put(name, good)
		good = storetest.Text("R2", 1)
	}
	b.start()
	b.put("a.yaml", "bad")
	b.put("b.yaml", "bad")
	b.expect("refused R1 a.yaml", "refused R2 b.yaml")
	const told = `level=INFO msg="rule file is good again" path=`
	if n := b.logged(told); n != 0 {
		t.Errorf("%d files are told to be good again while they are bad", n)
	}
	b.put("a.yaml", storetest.Text("R1", 1))
	b.remove("b.yaml")
	b.expect("removed R2 b.yaml")
	b.eventually("the line about the file that is good", func() bool { return b.logged(told+b.path("a.yaml")) == 1 })
	if n := b.logged(told); n != 1 {
		t.Errorf("%d files are told to be good again, want a.yaml only", n)
	}
}
