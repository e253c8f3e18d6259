package deadletter

import (
	"testing"

	"pgregory.net/rapid"
)

func TestOffsetsWriteRangesAndReadThemBack(t *testing.T) {
	var o offsets
	for _, n := range []int64{57, 12, 13, 14, 9, 13} {
		o.add(n, n+1)
	}
	o.sort()
	if got, want := o.String(), "9,12-14,57"; got != want {
		t.Errorf("String = %q, want %q", got, want)
	}
	for _, bad := range []string{"", "x", "3-", "-3", "5-4", "1,,2"} {
		if err := new(offsets).parse(bad); err == nil {
			t.Errorf("parse(%q) = nil, want an error", bad)
		}
	}
}

func TestOffsetsHoldWhatWasAddedAndNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var o offsets
		want := map[int64]bool{}
		for _, n := range rapid.SliceOf(rapid.Int64Range(0, 60)).Draw(t, "offsets") {
			o.add(n, n+1)
			want[n] = true
		}
		o.sort()
		if len(o) > 0 { // through its text
			var again offsets
			if err := again.parse(o.String()); err != nil {
				t.Fatal(err)
			}
			again.sort()
			o = again
		}
		for n := range int64(62) {
			if got := o.has(n); got != want[n] {
				t.Fatalf("has(%d) = %t in %s, want %t", n, got, o, want[n])
			}
		}
	})
}
