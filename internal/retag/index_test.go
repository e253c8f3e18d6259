package retag

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// indexes are the implementations, each made empty.
func indexes(t *testing.T) map[string]index {
	t.Helper()
	f, err := newFile(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return map[string]index{
		"memory":   newMemory(),
		"file":     f,
		"spilling": newIndex(&budget{}, t.TempDir(), func(int) {}), // it has no memory at all
		"roomy":    newIndex(&budget{most: 1 << 30}, t.TempDir(), func(int) { t.Error("spilled, with room for all") }),
	}
}

func TestIndexHoldsTheLatestOfEachKey(t *testing.T) {
	t.Parallel()
	for name, x := range indexes(t) {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
			want := map[uuid.UUID]found{}
			keys := make([]uuid.UUID, 20_000)
			for i := range keys {
				keys[i] = uuid.NewSHA1(uuid.Nil, []byte{byte(i), byte(i >> 8)})
			}
			for range 60_000 {
				key := keys[r.IntN(len(keys))]
				if r.IntN(5) == 0 {
					delete(want, key)
					must(t, x.remove(key))
					continue
				}
				tag := found{source: int64(r.IntN(9000)), digest: r.Uint64(), label: r.Uint32N(7)}
				if r.IntN(10) == 0 {
					tag.source = elsewhere
				}
				want[key] = tag
				must(t, x.put(key, tag))
			}
			must(t, x.seal())
			defer func() { must(t, x.close()) }()
			checkIndex(t, x, keys, want)
		})
	}
}

func TestAnIndexIsAskedWhileItIsFilled(t *testing.T) {
	t.Parallel()
	for name, x := range indexes(t) {
		t.Run(name, func(t *testing.T) {
			defer func() { must(t, x.close()) }()
			const n = 2*fileBatch + 1 // and twice what is in memory before it is written to a file
			for i := range n {
				key, want := uuid.NewSHA1(uuid.Nil, []byte{byte(i), byte(i >> 8)}), found{source: int64(i)}
				if got, is, err := x.get(key); is || err != nil {
					t.Fatalf("get(%d) before it is put = %v, %t, %v", i, got, is, err)
				}
				must(t, x.put(key, want))
				if got, is, err := x.get(key); !is || got != want || err != nil {
					t.Fatalf("get(%d) = %v, %t, %v, want %v", i, got, is, err, want)
				}
				if i%7 == 0 {
					must(t, x.remove(key))
					if got, is, err := x.get(key); is && got.source != gone || err != nil {
						t.Fatalf("get(%d) when it is removed = %v, %t, %v", i, got, is, err)
					}
				}
			}
		})
	}
}

func checkIndex(t *testing.T, x index, keys []uuid.UUID, want map[uuid.UUID]found) {
	t.Helper()
	if x.len() != len(want) {
		t.Errorf("len = %d, want %d", x.len(), len(want))
	}
	bySource := map[int64]map[uuid.UUID]found{}
	for _, key := range keys {
		got, is, err := x.get(key)
		must(t, err)
		if w, there := want[key]; is != there || got != w {
			t.Fatalf("get(%s) = %v, %t, want %v, %t", key, got, is, w, there)
		} else if there {
			if bySource[w.source] == nil {
				bySource[w.source] = map[uuid.UUID]found{}
			}
			bySource[w.source][key] = w
		}
	}
	older := 0
	for _, w := range want {
		if w.source < 4000 {
			older++
		}
	}
	if n, err := x.before(4000); n != older || err != nil {
		t.Errorf("before(4000) = %d, %v, want %d", n, err, older)
	}
	for _, source := range slices.Concat([]int64{8999, 17, 17, 18, 19, 20, 3, 9001, elsewhere}, slices.Sorted(maps.Keys(bySource))) {
		got, last := map[uuid.UUID]found{}, ""
		must(t, x.each(source, func(key uuid.UUID, tag found) error {
			if last >= string(key[:]) {
				t.Errorf("each(%d) is not in the order of keys", source)
			}
			last, got[key] = string(key[:]), tag
			return nil
		}))
		if diff := cmp.Diff(bySource[source], got, cmp.AllowUnexported(found{})); diff != "" && len(got)+len(bySource[source]) > 0 {
			t.Fatalf("each(%d) (-want +got):\n%s", source, diff)
		}
	}
}

// What a job needs for a tag that is there is what it needs memory for.
func TestIndexTakesAtMost64BytesPerTag(t *testing.T) {
	t.Parallel()
	m := newMemory()
	var key uuid.UUID
	for n := range 1_000_000 {
		key[0], key[1], key[2] = byte(n), byte(n>>8), byte(n>>16)
		must(t, m.put(key, found{source: int64(n)}))
		if n > 100*chunkEntries && n%1000 == 0 && m.bytes() > 64*n {
			t.Fatalf("%d tags take %d bytes, %d each", n, m.bytes(), m.bytes()/n)
		}
	}
	must(t, m.seal())
	t.Logf("%.1f bytes per tag", float64(m.bytes())/float64(m.len()))
	if m.bytes() > 64*m.len() {
		t.Errorf("%d tags take %d bytes", m.len(), m.bytes())
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
