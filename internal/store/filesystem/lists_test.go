//go:build linux

package filesystem

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ttpworker/internal/store/storetest"
)

// layLists makes a store whose rules R1 and R2 use the list a, R3 the list b and R4 none, both lists in
// <lists>/l.yaml, and starts it.
func layLists(t *testing.T, cfg Config, lists string) *bench {
	t.Helper()
	b := setUp(t, cfg)
	b.mkdir(lists)
	b.write(filepath.Join(lists, "l.yaml"), "a: [one]\nb: [one]\n")
	b.write("r1.yaml", storetest.TextUsing("a", "R1", 1))
	b.write("r2.yaml", storetest.TextUsing("a", "R2", 1))
	b.write("r3.yaml", storetest.TextUsing("b", "R3", 1))
	b.write("r4.yaml", storetest.Text("R4", 1))
	b.start()
	return b
}

// A listStyle changes lists below a directory that layLists has filled.
type listStyle struct {
	name string
	save func(b *bench, lists string)
	want []string // exactly these changes, LISTS for the directory
}

func listStyles() []listStyle {
	const edited = "a: [two]\nb: [one]\n"
	both := []string{"loaded R1 1 r1.yaml", "loaded R2 1 r2.yaml"}
	refused := []string{"refused R1 r1.yaml", "refused R2 r2.yaml", "refused R3 r3.yaml"}
	return []listStyle{
		{name: "rewrite in place", want: both, save: func(b *bench, lists string) { b.write(lists+"/l.yaml", edited) }},
		{name: "rewrite in place in small pieces", want: both, save: func(b *bench, lists string) {
			f, err := os.Create(b.path(lists + "/l.yaml"))
			b.check(err)
			for _, c := range []byte(edited) {
				_, err := f.Write([]byte{c})
				b.check(err)
			}
			b.check(f.Close())
		}},
		{name: "write new and rename over", want: both, save: func(b *bench, lists string) { b.put(lists+"/l.yaml", edited) }},
		{name: "vim: rename to backup, write new, delete backup", want: both, save: func(b *bench, lists string) {
			b.write(lists+"/4913", "")
			b.remove(lists + "/4913")
			b.rename(lists+"/l.yaml", lists+"/l.yaml~")
			b.write(lists+"/l.yaml", edited)
			b.remove(lists + "/l.yaml~")
		}},
		{name: "sed -i: temporary file of a plain name", want: both, save: func(b *bench, lists string) {
			b.write(lists+"/sedAbCdEf", edited)
			b.rename(lists+"/sedAbCdEf", lists+"/l.yaml")
		}},
		{name: "delete and write again", want: both, save: func(b *bench, lists string) {
			b.remove(lists + "/l.yaml")
			b.write(lists+"/l.yaml", edited)
		}},
		{name: "same bytes again", save: func(b *bench, lists string) { b.write(lists+"/l.yaml", "a: [one]\nb: [one]\n") }},
		{name: "a comment", save: func(b *bench, lists string) { b.put(lists+"/l.yaml", "# of ours\na:\n  - one\nb: [one]\n") }},
		{name: "edit and back", save: func(b *bench, lists string) {
			b.write(lists+"/l.yaml", edited)
			b.write(lists+"/l.yaml", "a: [one]\nb: [one]\n")
		}},
		{name: "a list that nobody uses", save: func(b *bench, lists string) { b.write(lists+"/c.yaml", "c: [x]\n") }},
		{name: "rename", save: func(b *bench, lists string) { b.rename(lists+"/l.yaml", lists+"/c.yml") }},
		{name: "rename and edit", want: both, save: func(b *bench, lists string) {
			b.rename(lists+"/l.yaml", lists+"/c.yaml")
			b.write(lists+"/c.yaml", edited)
		}},
		{name: "a list moves into a file of its own", want: both, save: func(b *bench, lists string) {
			b.put(lists+"/a.yaml", "a: [two]\n")
			b.put(lists+"/l.yaml", "b: [one]\n")
		}},
		{name: "two lists swap their files", save: func(b *bench, lists string) {
			b.put(lists+"/a.yaml", "b: [one]\n")
			b.put(lists+"/l.yaml", "a: [one]\n")
		}},
		{name: "a list and a rule at once", want: []string{"loaded R1 2 r1.yaml", "loaded R2 1 r2.yaml"}, save: func(b *bench, lists string) {
			b.put(lists+"/l.yaml", edited)
			b.put("r1.yaml", storetest.TextUsing("a", "R1", 2))
		}},
		{name: "a list gets another name, and so in the rules", want: []string{"loaded R1 2 r1.yaml", "loaded R2 2 r2.yaml"}, save: func(b *bench, lists string) {
			b.put("r1.yaml", storetest.TextUsing("c", "R1", 2))
			b.put(lists+"/l.yaml", "c: [one]\nb: [one]\n")
			b.put("r2.yaml", storetest.TextUsing("c", "R2", 2))
		}},
		{name: "a bad file", want: []string{"refused  LISTS/l.yaml"}, save: func(b *bench, lists string) { b.put(lists+"/l.yaml", "a: [two]\nb: []\n") }},
		{name: "an emptied file", want: []string{"refused  LISTS/l.yaml"}, save: func(b *bench, lists string) { b.write(lists+"/l.yaml", "") }},
		{name: "a list taken out", want: refused[:2], save: func(b *bench, lists string) { b.put(lists+"/l.yaml", "b: [one]\n") }},
		{name: "delete", want: refused, save: func(b *bench, lists string) { b.remove(lists + "/l.yaml") }},
		{name: "move out", want: refused, save: func(b *bench, lists string) { b.rename(lists+"/l.yaml", "../l.yaml") }},
		{name: "move to a name that is no list's", want: refused, save: func(b *bench, lists string) { b.rename(lists+"/l.yaml", lists+"/l.yaml.off") }},
		{name: "move in", want: both, save: func(b *bench, lists string) {
			b.write("../l", edited)
			b.rename("../l", lists+"/l.yaml")
		}},
		{name: "a second file of a list", want: []string{"refused  LISTS/k.yaml"}, save: func(b *bench, lists string) { b.write(lists+"/k.yaml", "a: [two]\n") }},
		{name: "a file replaced by a link to the same bytes", save: func(b *bench, lists string) {
			b.write("../text", "a: [one]\nb: [one]\n")
			b.link(b.path("../text"), lists+"/l.yaml")
		}},
		{name: "the directory removed and made again", want: both, save: func(b *bench, lists string) {
			b.check(os.RemoveAll(b.path(lists)))
			b.mkdir(lists)
			b.write(lists+"/l.yaml", edited)
		}},
		{name: "the directory replaced by another version", want: both, save: func(b *bench, lists string) {
			b.mkdir("../next")
			b.write("../next/l.yaml", edited)
			b.rename(lists, "../lists.old")
			b.rename("../next", lists)
		}},
		{name: "the directory becomes a link", want: both, save: func(b *bench, lists string) {
			b.mkdir("../next")
			b.write("../next/l.yaml", edited)
			b.rename(lists, "../lists.old")
			b.check(os.Symlink(b.path("../next"), b.path(lists)))
		}},
		{name: "all directories removed and made again", save: func(b *bench, lists string) {
			b.check(os.RemoveAll(b.dir))
			b.check(os.RemoveAll(b.path(lists)))
			b.mkdir(lists)
			b.mkdir(".")
			b.write("r1.yaml", storetest.TextUsing("a", "R1", 1))
			b.write("r2.yaml", storetest.TextUsing("a", "R2", 1))
			b.write("r3.yaml", storetest.TextUsing("b", "R3", 1))
			b.write("r4.yaml", storetest.Text("R4", 1))
			b.write("zz_barrier.yaml", storetest.Text("zz", 1))
			b.write(lists+"/l.yaml", "a: [one]\nb: [one]\n")
		}},
	}
}

// TestListSaveStyles: whatever a writer does to lists, each rule that is another one afterwards gives exactly one change,
// wherever the lists are.
func TestListSaveStyles(t *testing.T) {
	t.Parallel()
	for _, lists := range []string{"lists", "../lists"} {
		for _, tt := range listStyles() {
			t.Run(lists+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				b := layLists(t, patient(), lists)
				var want []string
				for _, change := range tt.want {
					want = append(want, strings.ReplaceAll(change, "LISTS", lists))
				}
				tt.save(b, lists)
				b.expect(want...)
				if got := len(b.ids()); got != 4 {
					t.Errorf("%d rules in force, want 4: none goes with its list", got)
				}
				if err := b.Healthy(); err != nil {
					t.Errorf("Healthy = %v", err)
				}
			})
		}
	}
}

// A ConfigMap is a directory of links through ..data, which is swapped.
func TestListsOfAConfigMap(t *testing.T) {
	t.Parallel()
	b := setUp(t, patient())
	b.mkdir("../lists/..1")
	b.write("../lists/..1/l.yaml", "a: [one]\n")
	b.link("..1", "../lists/..data")
	b.link("..data/l.yaml", "../lists/l.yaml")
	b.write("r1.yaml", storetest.TextUsing("a", "R1", 1))
	b.start()
	b.mkdir("../lists/..2")
	b.write("../lists/..2/l.yaml", "a: [two]\n")
	b.link("..2", "../lists/..data")
	b.check(os.RemoveAll(b.path("../lists/..1")))
	b.expect("loaded R1 1 r1.yaml")
}

func TestListsAreAwaited(t *testing.T) {
	t.Parallel()
	b := setUp(t, patient())
	b.write("r1.yaml", storetest.TextUsing("a", "R1", 1))
	b.start()
	if len(b.ids()) != 0 || len(b.RefusedPaths()) != 1 {
		t.Errorf("rules %q, refused %q; want R1 refused without its list", b.ids(), b.RefusedPaths())
	}
	b.mkdir("../lists")
	b.write("../lists/l.yaml", "a: [one]\n")
	b.expect("loaded R1 1 r1.yaml")
	if refused := b.RefusedPaths(); len(refused) != 0 {
		t.Errorf("refused = %q, want none", refused)
	}
}

// Where lists_dir says where they are, they are nowhere else.
func TestListsWhereTheConfigurationSays(t *testing.T) {
	t.Parallel()
	cfg := patient()
	cfg.ListsDir = filepath.Join(t.TempDir(), "x", "y")
	b := setUp(t, cfg)
	b.write("r1.yaml", storetest.TextUsing("a", "R1", 1))
	b.mkdir("../lists")
	b.write("../lists/l.yaml", "a: [one]\n")
	b.start()
	b.check(os.MkdirAll(cfg.ListsDir, 0o700))
	b.check(os.WriteFile(filepath.Join(cfg.ListsDir, "l.yaml"), []byte("a: [two]\n"), 0o600))
	b.expect("loaded R1 1 r1.yaml")
	if got := b.digests()["R1"]; got != "two" {
		t.Errorf("list of R1 = %q, want that of %s", got, cfg.ListsDir)
	}
}

// A fault is told once, and not again when a list changes that has nothing to do with it.
func TestListEditDoesNotRepeatFaults(t *testing.T) {
	t.Parallel()
	b := layLists(t, patient(), "lists")
	b.put("r1.yaml", strings.Replace(storetest.TextUsing("a", "R1", 2), "name: version 2\n", "", 1))
	b.expect("refused R1 r1.yaml")
	b.put("lists/l.yaml", "a: [two]\nb: [one]\n")
	b.expect("loaded R2 1 r2.yaml")
	b.put("r1.yaml", storetest.TextUsing("a", "R1", 2))
	b.expect("loaded R1 2 r1.yaml")
}

// The file that has a list keeps it; another one that offers it takes over when it goes.
func TestDuplicateLists(t *testing.T) {
	t.Parallel()
	b := layLists(t, patient(), "lists")
	b.put("lists/k.yaml", "a: [two]\nc: [x]\n")
	b.expect("refused  lists/k.yaml")
	if b.refused("lists/k.yaml", `k.yaml:1:4: duplicate list "a": `) != 1 {
		t.Errorf("faults = %q, want one that names the list", b.faults)
	}
	b.put("r4.yaml", storetest.TextUsing("c", "R4", 1)) // the other list of that file is good
	b.expect("loaded R4 1 r4.yaml")
	b.put("lists/l.yaml", "b: [one]\n")
	b.expect("loaded R1 1 r1.yaml", "loaded R2 1 r2.yaml")
	if refused := b.RefusedPaths(); len(refused) != 0 {
		t.Errorf("refused = %q, want none", refused)
	}
}

func TestMoreListsThanTheLimitAreRefused(t *testing.T) {
	t.Parallel()
	cfg := patient()
	cfg.MaxRules = 5 // as many as there are rules
	b := layLists(t, cfg, "lists")
	b.put("lists/m.yaml", "c: [x]\nd: [x]\ne: [x]\nf: [x]\n")
	b.expect("refused  lists/m.yaml")
	if b.refused("lists/m.yaml", `m.yaml:4:4: list "f": there are 5 shared lists already, as many as may be in force (limits.rules)`) != 1 {
		t.Errorf("faults = %q, want one that names the limit", b.faults)
	}
	b.put("lists/l.yaml", "b: [one]\n")
	b.expect("refused R1 r1.yaml", "refused R2 r2.yaml")
	if refused := b.RefusedPaths(); len(refused) != 2 {
		t.Errorf("refused = %q, want those of R1 and R2: the list f is in force", refused)
	}
}
