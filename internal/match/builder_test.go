package match

import (
	"fmt"
	"strings"
	"testing"
)

// Every edit of a large rule left its texts behind, and the index grew by a quarter of a megabyte each time.
func TestAnIndexDoesNotGrowWithEdits(t *testing.T) {
	b := NewBuilder()
	for i := range 100 {
		b.Put(int32(i+1), compileJSON(t, fmt.Sprintf(`{"s":{"a|contains":"small%d"},"condition":"s"}`, i)))
	}
	large := func(version int) *Detection {
		values := make([]string, 400)
		for i := range values {
			values[i] = fmt.Sprintf(`"%064x"`, version*400+i)
		}
		return compileJSON(t, `{"s":{"hash":[`+strings.Join(values, ",")+`]},"condition":"s"}`)
	}
	b.Put(0, large(0))
	first := b.Index().Stats().Bytes
	for version := range 60 { // the last is 59
		b.Put(0, large(version))
		if got := b.Index().Stats().Bytes; got > 6*first {
			t.Fatalf("index of %d bytes after %d edits, %d at first", got, version, first)
		}
	}
	x, s := b.Index(), NewScratch()
	for payload, want := range map[string]int{fmt.Sprintf(`{"hash":"%064x"}`, 59*400+7): 1, fmt.Sprintf(`{"hash":"%064x"}`, 58*400+7): 0, `{"a":"a small7 one"}`: 1} {
		if ids, err := x.Match([]byte(payload), s); err != nil || len(ids) != want {
			t.Errorf("Match(%s) = %v, %v, want %d detections", payload, ids, err, want)
		}
	}
}

// A payload out of the ordinary must not keep its memory in a scratch for ever.
func TestAScratchShrinks(t *testing.T) {
	x, s := indexOf(compileJSON(t, `{"s":{"a":"x"},"condition":"s"}`)), NewScratch()
	if _, err := x.Match([]byte(`{"a":[`+strings.Repeat("0,", 200_000)+`0]}`), s); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := x.Match([]byte(`{"a":"x"}`), s); err != nil {
			t.Fatal(err)
		}
	}
	if got := cap(s.values); got > keptValues {
		t.Errorf("scratch keeps room for %d values, want at most %d", got, keptValues)
	}
}
