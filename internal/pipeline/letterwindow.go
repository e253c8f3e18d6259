package pipeline

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
	"ttpworker/internal/wire"
)

// A tally counts records and those of them that are dead letters of the classes that count. The zero value is empty.
type tally struct {
	records  int
	letters  map[wire.Class]int
	examples map[wire.Class]Example // by class the first in order of topic, partition and offset
}

// bad is how many dead letters there are.
func (t *tally) bad() int {
	n := 0
	for _, k := range t.letters {
		n += k
	}
	return n
}

// ratio is the share of dead letters; 0 without records.
func (t *tally) ratio() float64 { return float64(t.bad()) / float64(max(t.records, 1)) }

// classes are those with letters, the one with most of them first.
func (t *tally) classes() []wire.Class {
	return slices.SortedFunc(maps.Keys(t.letters), func(a, b wire.Class) int {
		return cmp.Or(cmp.Compare(t.letters[b], t.letters[a]), cmp.Compare(a, b))
	})
}

// letter counts a dead letter.
func (t *tally) letter(class wire.Class, ex Example) {
	if t.letters == nil {
		t.letters, t.examples = map[wire.Class]int{}, map[wire.Class]Example{}
	}
	t.letters[class]++
	if first, ok := t.examples[class]; !ok || ex.before(first) {
		t.examples[class] = ex
	}
}

// add counts what other counts, but takes no examples.
func (t *tally) add(other *tally) {
	t.records += other.records
	if t.letters == nil {
		t.letters = map[wire.Class]int{}
	}
	for class, n := range other.letters {
		t.letters[class] += n
	}
}

func example(rec *kafka.Record, fault *wire.Error) Example {
	return Example{Source: consume.Source(rec), Err: fault, topic: rec.Topic, partition: rec.Partition, offset: rec.Offset}
}

func (e Example) before(o Example) bool {
	return cmp.Or(cmp.Compare(e.topic, o.topic), cmp.Compare(e.partition, o.partition), cmp.Compare(e.offset, o.offset)) < 0
}

// A batchTally is the tally of an open batch, whose partitions are worked on side by side.
type batchTally struct {
	limit LetterLimit

	mu sync.Mutex
	tally
}

func (b *batchTally) read(records int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.records += records
}

func (b *batchTally) dead(rec *kafka.Record, fault *wire.Error) {
	if !b.limit.counts(fault.Class) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.letter(fault.Class, example(rec, fault))
}

// windowSlices is how many slices a window is kept in: what leaves it does so a slice at a time.
const windowSlices = 60

// A letterWindow is what was committed in the last span, and what is about to be. It is safe for concurrent use: several
// sessions commit side by side, and metrics look at it.
type letterWindow struct {
	limit LetterLimit

	mu       sync.Mutex
	slices   []slice             // the oldest first
	admitted map[*tally]struct{} // batches that may commit and have not ended: two that do so at once must not pass as one each
}

// A slice is what was committed within a sixtieth of a window.
type slice struct {
	began time.Time
	tally
}

// admit says whether a batch may be committed: a *FloodError if it is too much. One that may is ended later.
func (w *letterWindow) admit(at time.Time, batch *tally) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	total := w.committed(at)
	total.add(batch)
	for other := range w.admitted {
		total.add(other)
	}
	if err := w.limit.check(total, batch); err != nil {
		return err
	}
	if w.admitted == nil {
		w.admitted = map[*tally]struct{}{}
	}
	w.admitted[batch] = struct{}{}
	return nil
}

// end takes note of what became of a batch.
func (w *letterWindow) end(at time.Time, batch *tally, committed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.admitted, batch)
	if !committed {
		return
	}
	if n := len(w.slices); n == 0 || at.Sub(w.slices[n-1].began) >= w.limit.Window/windowSlices {
		w.slices = append(w.slices, slice{began: at})
	}
	w.slices[len(w.slices)-1].add(batch)
}

// ratio is the share of dead letters in what was committed.
func (w *letterWindow) ratio(at time.Time) float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.committed(at).ratio()
}

// committed is what the window holds; the caller has the lock.
func (w *letterWindow) committed(at time.Time) *tally {
	w.slices = slices.DeleteFunc(w.slices, func(s slice) bool { return at.Sub(s.began) >= w.limit.Window })
	var t tally
	for i := range w.slices {
		t.add(&w.slices[i].tally)
	}
	return &t
}
