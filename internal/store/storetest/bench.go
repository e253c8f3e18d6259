package storetest

import (
	"strconv"
	"testing"
)

// Bench measures what the pipeline asks of a store, over the number of rules.
func Bench(b *testing.B, open func(testing.TB) Harness) {
	b.Helper()
	for _, rules := range []int{10, 1000} {
		h := open(b)
		for i := range rules {
			id := "R" + strconv.Itoa(i)
			h.Put(id+".yaml", Text(id, 1))
		}
		if _, err := h.Store.Load(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.Run("Load/rules="+strconv.Itoa(rules), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := h.Store.Load(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("State/rules="+strconv.Itoa(rules), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h.Store.State("R7")
			}
		})
	}
}
