package rule_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// publicRules reads the public Sigma rules that lie beside the repository, where they do.
func publicRules(t *testing.T) map[string][]byte {
	t.Helper()
	archives, err := filepath.Glob("../../../shared/sigma/*.tar.gz")
	if err != nil || len(archives) == 0 {
		t.Skip("no public Sigma rules in ../shared/sigma")
	}
	f, err := os.Open(archives[0])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	zipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for r := tar.NewReader(zipped); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if ext := filepath.Ext(h.Name); ext != ".yml" && ext != ".yaml" {
			continue
		}
		if files[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

// Every public rule loads as it is, and what our form can say of it is the same rule there.
func TestPublicSigmaRules(t *testing.T) {
	t.Parallel()
	p := parser()
	ids := map[string]string{}
	refused, warned, converted, without := 0, 0, 0, 0
	for name, data := range publicRules(t) {
		r, err := p.Parse(name, data)
		if err != nil {
			refused++
			t.Errorf("refused: %v", err)
			continue
		}
		if other := ids[r.ID]; other != "" || r.Version != nil || len(r.Kinds) != 1 || len(r.Emits) == 0 {
			t.Errorf("%s = %+v; rule with the same id: %q", name, r, other)
		}
		ids[r.ID] = name
		warned += len(r.Warnings)
		ours, err := p.Convert(r)
		switch {
		case err == nil:
		case strings.Contains(err.Error(), "no technique"):
			without++
			continue
		default:
			t.Logf("not converted: %v", err)
			continue
		}
		converted++
		again, err := p.Parse(name, ours)
		if err != nil {
			t.Errorf("converted rule is refused: %v\n%s", err, ours)
			continue
		}
		sameRule(t, r, again)
	}
	t.Logf("%d rules, %d refused, %d warnings; %d converted, %d without a technique", len(ids), refused, warned, converted, without)
	if len(ids) < 3000 {
		t.Errorf("%d rules, want more than 3000", len(ids))
	}
}
