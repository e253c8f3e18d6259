package rule_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/rule"
)

// ruleFile is a good rule of this id.
func ruleFile(id string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(strings.Replace(simple, "R9001", id, 1))}
}

// loaded describes rules as id@path.
func loaded(rules []*rule.Rule) []string {
	out := []string{}
	for _, r := range rules {
		out = append(out, r.ID+"@"+filepath.ToSlash(r.File.Path))
	}
	return out
}

func TestLoad(t *testing.T) {
	t.Parallel()
	bad := &fstest.MapFile{Data: []byte("rule_id: R1\nnonsense")}
	for _, tt := range []struct {
		name   string
		fs     fstest.MapFS
		root   string // "" = .
		prefix string
		want   []string
		faults string
	}{
		{name: "an empty directory", fs: fstest.MapFS{}, want: []string{}},
		{
			name: "directories recursively, rules sorted by id", prefix: "rules",
			fs:   fstest.MapFS{"z.yaml": ruleFile("R1"), "sub/deep/a.yml": ruleFile("R0"), "sub.yaml/b.yaml": ruleFile("R2")},
			want: []string{"R0@rules/sub/deep/a.yml", "R1@rules/z.yaml", "R2@rules/sub.yaml/b.yaml"},
		},
		{
			name: "dot directories are not entered",
			fs:   fstest.MapFS{".git/a.yaml": bad, "sub/..2026_01_01/b.yaml": bad, "sub/c.yaml": ruleFile("R1")},
			want: []string{"R1@sub/c.yaml"},
		},
		{
			name: "other names are not even mentioned",
			fs: fstest.MapFS{
				"a.yaml~": bad, ".a.yaml.swp": bad, "4913": bad, "README.md": bad, "a-b.yaml": bad, "a.yaml.bak": bad, "a.json": bad, "a.yaml": ruleFile("R1"),
			},
			want: []string{"R1@a.yaml"},
		},
		{
			name: "a bad file does not hide good ones", prefix: "rules",
			fs:     fstest.MapFS{"a.yaml": ruleFile("R1"), "b.yaml": bad, "c.yaml": ruleFile("R2"), "d/e.yaml": {Data: []byte("\xff")}},
			want:   []string{"R1@rules/a.yaml", "R2@rules/c.yaml"},
			faults: "rules/b.yaml:2:1: could not find expected ':'\nrules/d/e.yaml:1:1: file is not UTF-8",
		},
		{
			name: "the first of two files with one id is good", prefix: "rules",
			fs:   fstest.MapFS{"b.yaml": ruleFile("R1"), "a.yaml": ruleFile("R1"), "c.yaml": ruleFile("R1"), "d.yaml": ruleFile("R2")},
			want: []string{"R1@rules/a.yaml", "R2@rules/d.yaml"},
			faults: "rules/b.yaml:1:10: rule \"R1\": duplicate rule_id: rules/a.yaml has it already\n" +
				"rules/c.yaml:1:10: rule \"R1\": duplicate rule_id: rules/a.yaml has it already",
		},
		{
			name: "the directory lists is none of rules", prefix: "rules",
			fs: fstest.MapFS{
				"a.yaml": ruleFile("R1"), "lists/a.yaml": bad, "sub/lists/b.yaml": ruleFile("R2"), "lists/sub/names.yaml": {Data: []byte("names: [a]\n")},
			},
			want:   []string{"R1@rules/a.yaml", "R2@rules/sub/lists/b.yaml"},
			faults: "rules/lists/a.yaml:2:1: could not find expected ':'",
		},
		{
			name: "a root below the top is not shown", root: "ttp", prefix: "pack",
			fs:   fstest.MapFS{"ttp/a.yaml": ruleFile("R1"), "other/b.yaml": ruleFile("R2")},
			want: []string{"R1@pack/a.yaml"},
		},
		{
			name: "a pipe is not read", fs: fstest.MapFS{"a.yaml": {Mode: fs.ModeNamedPipe}},
			want: []string{}, faults: "a.yaml: a.yaml is no regular file",
		},
		{
			name: "a large file is not read", fs: fstest.MapFS{"a.yaml": {Data: make([]byte, 10<<20)}},
			want: []string{}, faults: "a.yaml:1:1: file has 10485760 bytes, more than the limit of 393216",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			root := tt.root
			if root == "" {
				root = "."
			}
			rules, err := parser().Load(tt.fs, root, tt.prefix)
			if diff := cmp.Diff(tt.want, loaded(rules)); diff != "" {
				t.Errorf("rules (-want +got):\n%s", diff)
			}
			got := ""
			if err != nil {
				got = filepath.ToSlash(err.Error())
			}
			if diff := cmp.Diff(tt.faults, got); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLoadSaysThatTheDirectoryIsMissing(t *testing.T) {
	t.Parallel()
	rules, err := parser().Load(os.DirFS(filepath.Join(t.TempDir(), "nope")), ".", "nope")
	if rules != nil || !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "reading rules: nope: ") {
		t.Errorf("Load = %v, %v, want no rules and that the directory does not exist", rules, err)
	}
}

// closedDir is a file system with a directory that cannot be read. Permissions would not do: tests may run as root.
type closedDir struct {
	fstest.MapFS
	closed string
}

func (c closedDir) ReadDir(name string) ([]fs.DirEntry, error) {
	if name == c.closed {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return c.MapFS.ReadDir(name)
}

// TestLoadGoesOnBehindAClosedDirectory failed at first: one directory that could not be read took all rules with it.
func TestLoadGoesOnBehindAClosedDirectory(t *testing.T) {
	t.Parallel()
	fsys := closedDir{fstest.MapFS{"a.yaml": ruleFile("R1"), "closed/b.yaml": ruleFile("R2"), "d.yaml": ruleFile("R3")}, "closed"}
	rules, err := parser().Load(fsys, ".", "rules")
	if diff := cmp.Diff([]string{"R1@rules/a.yaml", "R3@rules/d.yaml"}, loaded(rules)); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(filepath.ToSlash(err.Error()), "rules/closed") {
		t.Errorf("Load = %v, want the directory named", err)
	}
}

// Seen: "reading rules: open .: permission denied", which did not say where.
func TestLoadNamesTheDirectoryThatIsClosed(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"some/rules", "/etc/rules/"} {
		_, err := parser().Load(closedDir{fstest.MapFS{"a.yaml": ruleFile("R1")}, "."}, ".", prefix)
		if want := "reading rules: " + filepath.Clean(prefix) + ": permission denied"; err == nil || err.Error() != want || !errors.Is(err, fs.ErrPermission) {
			t.Errorf("Load = %v, want %s", err, want)
		}
	}
}

func TestLoadFollowsLinksToFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hidden := filepath.Join(dir, "..2026")
	if err := os.Mkdir(hidden, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(hidden, "a.yaml"), []byte(simple), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"..data": "..2026", "a.yaml": "..data/a.yaml", "gone.yaml": "nowhere"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Skipf("no links here: %v", err)
		}
	}
	rules, err := parser().Load(os.DirFS(dir), ".", "rules")
	if diff := cmp.Diff([]string{"R9001@rules/a.yaml"}, loaded(rules)); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "gone.yaml") {
		t.Errorf("Load = %v, want the dangling link named", err)
	}
}

func TestDuplicateNamesBothFiles(t *testing.T) {
	t.Parallel()
	parse := func(path string) *rule.Rule {
		r, err := parser().Parse(path, []byte("# comment\n"+simple))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	err := rule.Duplicate(parse("new.yaml"), parse("old.yaml"))
	if want := `new.yaml:2:10: rule "R9001": duplicate rule_id: old.yaml has it already`; err.Error() != want || !errors.Is(err, rule.ErrDuplicate) {
		t.Errorf("Duplicate = %v, want %s", err, want)
	}
}
