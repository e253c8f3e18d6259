package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ttpworker/internal/match/matchtest"
)

// theRule is rule, parsed.
func theRule(t *testing.T) source {
	t.Helper()
	s, err := parse(file{Path: "rule.yml", Data: []byte(rule)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestQuickRunPrintsEverythingWithoutTheArchive(t *testing.T) {
	var out bytes.Buffer
	if err := bench(&out, t.TempDir(), "../rules/ttp", true, 1); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, want := range []string{"no archive of rules", "benign", "heavy", "index", "plain scan", goSigmaName, "load of", "memory of", "swap of"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}

// A rule that no event can match once made all engines agree, on nothing, and the run end well.
func TestRunFailsWithoutHits(t *testing.T) {
	pack := t.TempDir()
	const never = "detection: {selection: {Image|re: 'a\\bb'}, condition: selection}"
	if err := os.WriteFile(filepath.Join(pack, "never.yaml"), []byte(never), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := bench(&out, t.TempDir(), pack, true, 1); !errors.Is(err, errNoHits) {
		t.Errorf("bench = %v, want %v\n%s", err, errNoHits, &out)
	}
}

func TestReadArchive(t *testing.T) {
	dir := t.TempDir()
	if _, err := matchtest.ReadArchive(dir); !errors.Is(err, matchtest.ErrNoArchive) {
		t.Errorf("matchtest.ReadArchive(empty directory) = %v, want %v", err, matchtest.ErrNoArchive)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	w := tar.NewWriter(z)
	for _, name := range []string{"rules/b.yml", "rules/README.md", "rules/a.yml"} {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: 1}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close(), os.WriteFile(filepath.Join(dir, "x.tar.gz"), packed.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	files, err := matchtest.ReadArchive(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 2 || files[0].Path != "rules/a.yml" || files[1].Path != "rules/b.yml" {
		t.Errorf("readArchive = %v, want a.yml and b.yml", files)
	}
}

const rule = `
detection:
  selection_image:
    Image|endswith: ['\whoami.exe', '\net?.exe']
  selection_text:
    CommandLine|contains|all: [' /all', ' -priv']
  filter:
    User|re|i: ^system$
  keyed:
    source.ip|cidr: 10.0.0.0/8
    EventID: 4688
  words: [sekurlsa, '*dump*']
  condition: 1 of selection_* and not filter or keyed or words
`

// Events made from the clues of a rule must match it, or heavy events would be light.
func TestCluesMeetTheirRule(t *testing.T) {
	s := theRule(t)
	detections, bad := compileAll([]source{s})
	if bad != 0 {
		t.Fatal("the rule was not loaded")
	}
	e := &plainScan{detections: detections}
	g := matchtest.NewGenerator(1, vocabulary([]source{s}, 1))
	const n = 500
	hits := 0
	for range n {
		hits += len(e.Match(g.Heavy()))
	}
	if hits < n*9/10 {
		t.Errorf("%d of %d heavy events match the only rule, want nearly all", hits, n)
	}
}

func TestVocabulary(t *testing.T) {
	v := vocabulary([]source{theRule(t)}, 1)
	slices.Sort(v.Fields)
	if want := []string{"CommandLine", "EventID", "Image", "User", "source.ip"}; !slices.Equal(v.Fields, want) {
		t.Errorf("fields = %q, want %q", v.Fields, want)
	}
	for _, want := range []string{`\whoami.exe`, `\netx.exe`, " /all", "4688", "dump"} {
		if !slices.Contains(v.Literals, want) {
			t.Errorf("literals = %q, want %q among them", v.Literals, want)
		}
	}
}

func TestGrowGivesTheSameOtherRules(t *testing.T) {
	sources := []source{theRule(t)}
	a, b := grow(sources, 3, 1), grow(sources, 3, 1)
	values := func(s source) string { return strings.Join(vocabulary([]source{s}, 1).Literals, "\n") }
	for i := range a {
		if values(a[i]) != values(b[i]) {
			t.Errorf("rule %d differs between two runs with one seed", i)
		}
	}
	if values(a[0]) == values(a[1]) || values(a[1]) == values(a[2]) {
		t.Error("variations look for what the rule does")
	}
	if _, bad := compileAll(a); bad != 0 {
		t.Errorf("%d variations were not loaded", bad)
	}
}

// What an engine does not load is no mistake of its matching.
func TestCompareTellsMissedFromNotLoaded(t *testing.T) {
	want := fixed{1, 3, 5, 7}
	c := newContender("engine", fixed{1, 4, 5})
	c.unloaded = []int32{2, 3}
	got := compare(want, []*contender{c}, [][]byte{nil}, 0)
	if want := (mistakes{events: 1, hits: 4, unloaded: 1, missed: 1, wrong: 1}); got[0] != want {
		t.Errorf("compare = %+v, want %+v", got[0], want)
	}
}

// fixed is an engine that always says the same.
type fixed []int32

func (f fixed) Match([]byte) []int32 { return f }

func TestDifference(t *testing.T) {
	for _, tt := range []struct {
		want, got     []int32
		missed, wrong int
	}{
		{},
		{want: []int32{1, 3}, got: []int32{1, 3}},
		{want: []int32{1, 3}, got: []int32{2, 3, 4}, missed: 1, wrong: 2},
		{want: []int32{1, 3}, missed: 2},
		{got: []int32{5}, wrong: 1},
	} {
		if missed, wrong := difference(tt.want, tt.got); missed != tt.missed || wrong != tt.wrong {
			t.Errorf("difference(%v, %v) = %d, %d, want %d, %d", tt.want, tt.got, missed, wrong, tt.missed, tt.wrong)
		}
	}
}

func TestQuantile(t *testing.T) {
	values := []float64{5, 1, 4, 2, 3}
	for _, tt := range []struct{ q, want float64 }{{0, 1}, {0.5, 3}, {0.99, 5}, {1, 5}} {
		if got := quantile(values, tt.q); got != tt.want {
			t.Errorf("quantile(%g) = %g, want %g", tt.q, got, tt.want)
		}
	}
	if got := median[float64](nil); got != 0 {
		t.Errorf("median of nothing = %g, want 0", got)
	}
}
