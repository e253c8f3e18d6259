package demo

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

func TestPlaceRules(t *testing.T) {
	pack := fstest.MapFS{"a.yaml": {Data: []byte("a\n"), Mode: 0o444}, "sub/b.yaml": {Data: []byte("b\n"), Mode: 0o444}}
	dir := filepath.Join(t.TempDir(), "new", "rules")
	if made, err := placeRules(dir, pack); !made || err != nil {
		t.Fatalf("placeRules = %v, %v, want true, nil", made, err)
	}
	file := filepath.Join(dir, "a.yaml")
	if err := os.WriteFile(file, []byte("edited\n"), 0o600); err != nil { // it can be edited
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "sub", "b.yaml")); err != nil {
		t.Fatal(err)
	}
	if made, err := placeRules(dir, pack); made || err != nil {
		t.Fatalf("placeRules on an existing directory = %v, %v, want false, nil", made, err)
	}
	if got, err := fs.ReadFile(os.DirFS(dir), "a.yaml"); string(got) != "edited\n" || err != nil {
		t.Errorf("edited file after a second call = %q, %v: it must stay", got, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "sub", "b.yaml")); err == nil {
		t.Error("a removed file is back after a second call")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), ".rules-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := placeRules(file, pack); err == nil {
		t.Error("placeRules on a file = nil error")
	}
}
