package match

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// allCases are the detections of all tables and their payloads.
func allCases(t testing.TB) (ds []*Detection, payloads [][]byte) {
	t.Helper()
	for _, tt := range languageCases() {
		ds = append(ds, compileJSON(t, tt.detection))
		for _, payload := range slices.Concat(tt.yes, tt.no) {
			payloads = append(payloads, []byte(payload))
		}
	}
	for _, list := range [][]modifierCase{wildcardCases(), placeCases(), caseCases(), encodingCases(), expandCases(), regexpCases()} {
		for _, tt := range list {
			ds = append(ds, compileJSON(t, itemJSON(t, "f"+tt.key, tt.values)))
			for _, text := range slices.Concat(tt.yes, tt.no) {
				payloads = append(payloads, []byte(jsonOf(t, map[string]string{"f": text})))
			}
		}
	}
	return ds, payloads
}

// Every payload of the tables may hold something for every detection of them.
func TestAllTablesInOneIndex(t *testing.T) {
	ds, payloads := allCases(t)
	x, s := indexOf(ds...), NewScratch()
	for _, payload := range payloads {
		checkIndex(t, x, ds, payload, s)
	}
}

func TestGeneratedPayloads(t *testing.T) {
	ds, _ := allCases(t)
	checkIndexAgainstReference(t, ds, 1, *events)
}

// Counters that tell one payload from the next wrap after some billions: nothing of an earlier payload may show when its
// number comes again, be it for the same payload or another.
func TestCountersThatWrap(t *testing.T) {
	ds, payloads := allCases(t)
	x := indexOf(ds...)
	for i := range payloads {
		j := i * 7919 % len(payloads)
		payloads[i], payloads[j] = payloads[j], payloads[i]
	}
	const first, left = 300, 3 // payloads before the counters are put forward, and until they wrap
	for shift := range 2 * left {
		s := NewScratch()
		for _, payload := range payloads[:first] {
			checkIndex(t, x, ds, payload, s)
		}
		s.gen, s.scan.gen, s.object = 1<<31-1-left, math.MaxUint32-left, 1<<31-left
		for range shift {
			checkIndex(t, x, ds, payloads[0], s)
		}
		for _, payload := range payloads[:2*first] {
			checkIndex(t, x, ds, payload, s)
		}
		if s.gen > 1000 || s.scan.gen > 1000 || s.object > 1000 {
			t.Fatalf("the counters did not wrap: %d, %d, %d", s.gen, s.scan.gen, s.object)
		}
	}
}

// A scratch serves any index, larger or smaller than the last, and payloads that are refused on the way.
func TestOneScratchServesManyIndexes(t *testing.T) {
	ds, payloads := allCases(t)
	type part struct {
		x  *Index
		ds []*Detection
	}
	parts := []part{{indexOf(), nil}, {indexOf(ds...), ds}}
	for i := 0; i+40 < len(ds); i += 40 {
		parts = append(parts, part{indexOf(ds[i : i+40]...), ds[i : i+40]})
	}
	s := NewScratch()
	for i, payload := range payloads {
		p := parts[i*7%len(parts)]
		checkIndex(t, p.x, p.ds, payload, s)
		if i%3 == 0 {
			checkIndex(t, p.x, p.ds, payload[:len(payload)-1], s)
		}
	}
}

// Readers go on with the indexes they have while a builder changes. The race detector looks on.
func TestIndexesDoNotChangeWithTheirBuilder(t *testing.T) {
	ds, payloads := allCases(t)
	payloads = payloads[:200]
	b := NewBuilder()
	for id, d := range ds {
		b.Put(int32(id), d)
	}
	want := make([][]int32, len(payloads))
	for i, payload := range payloads {
		var err error
		if want[i], err = reference(ds, payload); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for round := range 4 {
		x := b.Index() // holds all of ds each time
		for range 4 {
			wg.Go(func() {
				s := NewScratch()
				for i, payload := range payloads {
					if got, err := x.Match(payload, s); err != nil || !slices.Equal(got, want[i]) {
						t.Errorf("round %d: Match(%s) = %v, %v, want %v", round, payload, got, err, want[i])
					}
				}
			})
		}
		for id := range ds { // while they read
			if id%3 == round%3 {
				b.Delete(int32(id))
			}
		}
		b.Index()
		for id, d := range ds {
			b.Put(int32(id), d)
		}
	}
	wg.Wait()
}

// What comes and goes leaves neither memory nor matches behind, whether an index is made on the way or not.
func TestWhatIsRemovedLeavesNothingBehind(t *testing.T) {
	for _, every := range []int{1, 7, 20_000} {
		b, s := NewBuilder(), NewScratch()
		largest := 0
		put := func(id, i int) *Detection {
			d := compileJSON(t, fmt.Sprintf(`{"s": {"f%d.a|contains": "lit%d-", "g|endswith": ["x%d", "y%d"], "h": "v%d"}, "k": ["key%d"], "condition": "s or k"}`, i%2000, i, i, i, i, i))
			b.Put(int32(id), d) //nolint:gosec // few
			return d
		}
		kept := put(0, 1_000_000)
		n := 10_000 / min(every, 5)
		for i := range n {
			put(1+i%3, i)
			if i%2 == 0 {
				b.Delete(int32(1 + i%5))
			}
			if i%every == 0 {
				largest = max(largest, b.Index().Stats().Bytes)
			}
		}
		for id := range 5 {
			b.Delete(int32(1 + id))
		}
		x := b.Index()
		largest = max(largest, x.Stats().Bytes)
		if st := x.Stats(); st.Detections != 1 || st.Atoms > 20 || st.Literals > 20 {
			t.Errorf("every %d: stats of one detection are %+v", every, st)
		}
		if largest > 4<<20 {
			t.Errorf("every %d: an index of at most 6 detections takes %d bytes", every, largest)
		}
		held := []*Detection{kept}
		for i := range 300 {
			i = n - 1 - i
			checkIndex(t, x, held, fmt.Appendf(nil, `{"f%d":{"a":"lit%d-"},"g":"x%d","h":"v%d","k":"key%d"}`, i%2000, i, i, i, i), s)
		}
		checkIndex(t, x, held, []byte(`{"k":"key1000000"}`), s)
		if len(s.matched) != 1 {
			t.Errorf("every %d: what was kept is not found", every)
		}
	}
}

// The number of an atom that is gone goes to the next one, which must be looked for anew.
func TestNumbersOfAtomsAreGivenAgain(t *testing.T) {
	items := []string{
		itemJSON(t, "f", "some text"), itemJSON(t, "f|contains", "so"), itemJSON(t, "f|startswith", "some"), itemJSON(t, "f|exists", true), itemJSON(t, "f", nil),
		itemJSON(t, "f|contains", "text"), itemJSON(t, "f|re", "so.e t"), itemJSON(t, "g|fieldref", "f"), itemJSON(t, "g|contains", "me"), itemJSON(t, "f|endswith", "t"),
	}
	payload, s := []byte(`{"f":"some text","g":["x","some text"]}`), NewScratch()
	for _, before := range items {
		for _, after := range items {
			b, d := NewBuilder(), compileJSON(t, after)
			b.Put(0, compileJSON(t, before))
			old := b.Index()
			b.Delete(0)
			b.Put(0, d)
			checkIndex(t, b.Index(), []*Detection{d}, payload, s)
			checkIndex(t, old, []*Detection{compileJSON(t, before)}, payload, s)
			if ids, err := b.Index().Match(payload, s); err != nil || len(ids) == 0 && d.atoms[0].op != opPresent && d.atoms[0].op != opNull {
				t.Errorf("%s after %s: %v, %v", after, before, ids, err)
			}
		}
	}
}

// Payloads of one kind of trouble only. The time they take is bounded by the limit of go test alone.
func TestLargePayloads(t *testing.T) {
	ds, _ := allCases(t)
	x, s := indexOf(ds...), NewScratch()
	literals := strings.Join(vocabularyOf(ds).Literals, " ")
	fields := func(value string) string { return fmt.Sprintf(`{"f":%s,"a":%s,"b":{"c":%s}}`, value, value, value) }
	const n = 3000
	for name, payload := range map[string]string{
		"literals":         fields(jsonOf(t, strings.Repeat(literals, 1+350_000/len(literals)))),
		"one letter":       fields(`"` + strings.Repeat("a", 10*n) + `"`),
		"escapes":          fields(`"` + strings.Repeat(`\u0061\n`, n) + `"`),
		"not ASCII":        fields(`"` + strings.Repeat("\u212a\U0001f600", n) + `"`),
		"no UTF-8":         fields(`"` + strings.Repeat("\xff", 10*n) + `"`),
		"half surrogates":  fields(`"` + strings.Repeat(`\ud800`, n) + `"`),
		"many values":      fields("[" + strings.Repeat(`"ab",`, n) + "1]"),
		"many numbers":     fields("[" + strings.Repeat(`1.50,`, n) + "1]"),
		"long number":      fields(strings.Repeat("1", 10*n)),
		"long fraction":    fields("1." + strings.Repeat("1", 10*n)),
		"equal names":      "{" + strings.Repeat(`"a":{"b":1},`, n) + `"a":1}`,
		"equal names deep": `{"a":[` + strings.Repeat(`{"b":1,"b":2},`, n) + `1]}`,
		"deep arrays":      strings.Repeat(`{"a":[`, 499) + strings.Repeat(`"a",`, n) + "1" + strings.Repeat("]}", 499),
	} {
		t.Run(name, func(t *testing.T) { checkIndex(t, x, ds, []byte(payload), s) })
	}
}

func TestMatchingAllocatesNothing(t *testing.T) {
	ds, _ := allCases(t)
	var quiet []*Detection // all with something to look for, that is no expression: those have pools of their own
	for _, d := range ds {
		if slices.ContainsFunc(d.atoms, func(a *atom) bool { return a.op == opRegexp }) {
			continue
		}
		if ids, err := indexOf(d).Match([]byte(`{}`), NewScratch()); err == nil && len(ids) == 0 {
			quiet = append(quiet, d)
		}
	}
	x, s := indexOf(quiet...), NewScratch()
	for _, payload := range []string{
		`{}`, `{"q":"nothing of interest","r":[1,2.50,{"x":null}]}`, `{"f":"zzzzzzzzz zzzzzz","q":1.50}`, `{"f":"z\n\u007az\u212az","q":"\ud83d\ude00"}`,
		"{\"f\":\"zz\u00fc\xffz\",\"q\":\"\xff\"}",
	} {
		ids, err := x.Match([]byte(payload), s)
		if err != nil {
			t.Fatal(err)
		}
		b := []byte(payload)
		if n := testing.AllocsPerRun(100, func() { _, _ = x.Match(b, s) }); n > 0 {
			t.Errorf("Match(%s), which finds %d, allocates %g times", payload, len(ids), n)
		}
	}
}

// A rule may hold an expression that another one's key could be taken for.
func TestPatternsAndExpressionsAreNotMistakenForEachOther(t *testing.T) {
	for _, expr := range []string{"1", "texts:1"} {
		pattern := Patterns([]string{"a"}, []Expression{mustParse(expr)})
		for _, other := range []string{`1`, `texts:1`, `texts:texts:1`} {
			ds := []*Detection{compileJSON(t, itemJSON(t, "a|re", other)), pattern, compileJSON(t, itemJSON(t, "a|re", expr))}
			for _, list := range [][]*Detection{ds, {ds[1], ds[0], ds[2]}, {And(ds[0], ds[1]), And(ds[1], ds[0]), ds[1]}} {
				x, s := indexOf(list...), NewScratch()
				for _, payload := range []string{`{"a":1}`, `{"a":"1"}`, `{"a":"texts:1"}`, `{"a":["texts:1",2]}`} {
					checkIndex(t, x, list, []byte(payload), s)
				}
				checkMatch(t, pattern, `{"a":1}`, false)
			}
		}
	}
}

// Snapshots of an index answer as they did after tables grew, were rebuilt and numbers were given again.
func TestOldIndexesAnswerAsTheyDid(t *testing.T) {
	ds, payloads := allCases(t)
	rapid.Check(t, func(t *rapid.T) {
		b := NewBuilder()
		first := rapid.SliceOfNDistinct(rapid.IntRange(0, len(ds)-1), 1, 30, rapid.ID[int]).Draw(t, "first")
		held := make([]*Detection, len(ds))
		for _, id := range first {
			b.Put(int32(id), ds[id]) //nolint:gosec // few
			held[id] = ds[id]
		}
		x, s := b.Index(), NewScratch()
		for _, id := range first {
			b.Delete(int32(id)) //nolint:gosec // few
		}
		for range rapid.IntRange(0, 100).Draw(t, "more") {
			id := rapid.IntRange(0, len(ds)-1).Draw(t, "id")
			b.Put(int32(id), ds[len(ds)-1-id]) //nolint:gosec // few
		}
		b.Index()
		for range 5 {
			payload := rapid.SampledFrom(payloads).Draw(t, "payload")
			checkIndex(t, x, held, bytes.Clone(payload), s)
		}
	})
}
