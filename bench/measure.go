package main

import (
	"runtime"
	"slices"
	"time"
)

// A lane is one thing that is measured: what is done with an event.
type lane struct {
	do     func(payload []byte)
	next   int // of the events
	ns     []float64
	allocs []float64
}

// A stream is the events of a measurement and how long it may take.
type stream struct {
	events [][]byte
	rounds int
	budget time.Duration // of one lane in one round
}

// run measures lanes in turn, round after round, so that what else the machine does falls on all of them alike.
func (s stream) run(lanes ...*lane) {
	counts := make([]int, len(lanes))
	for i, l := range lanes {
		counts[i] = s.fit(l)
	}
	for range s.rounds {
		for i, l := range lanes {
			s.round(l, counts[i])
		}
	}
}

// fit returns how many events a lane does within the budget, at least one. The first events warm it up.
func (s stream) fit(l *lane) int {
	n := 0
	for start := time.Now(); time.Since(start) < s.budget || n == 0; n++ {
		s.step(l)
	}
	return n
}

// step does one event. A lane goes on where it stopped, so that a slow one sees other events in each round.
func (s stream) step(l *lane) {
	l.do(s.events[l.next])
	if l.next++; l.next == len(s.events) {
		l.next = 0
	}
}

func (s stream) round(l *lane, n int) {
	var before, after runtime.MemStats
	runtime.GC() // or a lane would pay for the garbage of the one before it
	runtime.ReadMemStats(&before)
	start := time.Now()
	for range n {
		s.step(l)
	}
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	l.ns = append(l.ns, float64(took.Nanoseconds())/float64(n))
	l.allocs = append(l.allocs, float64(after.Mallocs-before.Mallocs)/float64(n))
}

// quantile returns the value below which a share q of the values lies; 0 of none. It sorts them.
func quantile[T float64 | time.Duration](values []T, q float64) T {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[int(q*float64(len(values)-1)+0.5)]
}

func median[T float64 | time.Duration](values []T) T { return quantile(values, 0.5) }

// mistakes counts what an engine says and what it should.
type mistakes struct {
	events, hits  int // looked at; of the reference
	unloaded      int // hits of rules that the engine did not load
	missed, wrong int // hits of the other rules; what is no hit
}

// compare counts the mistakes of contenders against the reference, over events in turn for as long as the budget lasts
// and at most once each.
func compare(reference engine, all []*contender, events [][]byte, budget time.Duration) []mistakes {
	out := make([]mistakes, len(all))
	for start, i := time.Now(), 0; i < len(events) && (i == 0 || time.Since(start) < budget); i++ {
		want := slices.Clone(reference.Match(events[i]))
		for n, c := range all {
			out[n].events++
			out[n].hits += len(want)
			missed, wrong := difference(want, c.Match(events[i]))
			loaded, _ := difference(want, c.unloaded)
			unloaded := len(want) - loaded
			out[n].unloaded += unloaded
			out[n].missed += missed - unloaded
			out[n].wrong += wrong
		}
	}
	return out
}

// difference counts what only one of two ascending lists has.
func difference(want, got []int32) (missed, wrong int) {
	for len(want) > 0 && len(got) > 0 {
		switch {
		case want[0] == got[0]:
			want, got = want[1:], got[1:]
		case want[0] < got[0]:
			missed++
			want = want[1:]
		default:
			wrong++
			got = got[1:]
		}
	}
	return missed + len(want), wrong + len(got)
}
