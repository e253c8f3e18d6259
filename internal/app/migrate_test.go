package app_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ttpworker/internal/app"
)

func TestReadMigrations(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const sigma = "id: s1\ntags: [attack.t1562]\ndetection: {}\n"
	writeFiles(t, dir, map[string]string{
		"b.yml": sigma, "sub/a.yml": sigma, "lists/l.yaml": "tags: [attack.t1562]\n", "today.yml": "id: s2\ndetection: {}\n", "bad.yaml": "a: [\n", "other.txt": sigma,
	})
	set, err := app.ReadMigrations(app.DefaultConfig(), []string{dir, filepath.Join(dir, "nowhere")})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range set.Files {
		got = append(got, strings.TrimPrefix(m.Path, dir))
	}
	if strings.Join(got, " ") != "/b.yml /sub/a.yml" || set.Read != 4 {
		t.Errorf("ReadMigrations = %q of %d, want two of four", got, set.Read)
	}
	if set.Faults == nil || !strings.Contains(set.Faults.Error(), "bad.yaml:2:1: ") || !strings.Contains(set.Faults.Error(), "nowhere is no rule directory") {
		t.Errorf("faults = %v, want the bad file and the directory that is not there", set.Faults)
	}
}

func TestWriteOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"real/a.yaml": "old", "rules/README": ""})
	target, link := filepath.Join(dir, "real", "a.yaml"), filepath.Join(dir, "rules", "a.yaml")
	if err := os.Chmod(target, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := app.WriteOver(link, []byte("new")); err != nil {
		t.Fatalf("WriteOver = %v", err)
	}
	data, err := os.ReadFile(target)
	info, err2 := os.Lstat(target)
	if err != nil || err2 != nil || string(data) != "new" || info.Mode() != 0o640 {
		t.Errorf("the file has %q, mode %v, %v, %v; want what was written and the mode as it was", data, info.Mode(), err, err2)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v, want a link still", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "real", ".*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if err := app.WriteOver(filepath.Join(dir, "real", "b.yaml"), nil); err == nil {
		t.Error("WriteOver makes a file that was not there")
	}
}
