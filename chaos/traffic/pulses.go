package traffic

import (
	"sync"
	"time"
)

// A pause is a time without a beat, longer than an ordinary one.
type pause struct{ from, to time.Time }

// ordinary pauses are not kept.
const ordinary = 150 * time.Millisecond

// Pulses follow several partitions through time: when something happened in each, and how old it was. They are safe for
// concurrent use.
type Pulses struct {
	mu     sync.Mutex
	last   []time.Time // beat by partition
	newest []time.Time // when what last came had been made, by partition
	pauses [][]pause   // by partition; the last list is of all together
	beat   time.Time   // of any partition
}

// NewPulses are those of so many partitions.
func NewPulses(partitions int) *Pulses {
	return &Pulses{last: make([]time.Time, partitions), newest: make([]time.Time, partitions), pauses: make([][]pause, partitions+1)}
}

// Beat notes that something which was made at made came in a partition.
func (p *Pulses) Beat(partition int, now, made time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	keep := func(i int, since time.Time) {
		if !since.IsZero() && now.Sub(since) > ordinary {
			p.pauses[i] = append(p.pauses[i], pause{since, now})
		}
	}
	keep(partition, p.last[partition])
	keep(len(p.last), p.beat)
	p.last[partition], p.beat = now, now
	if made.After(p.newest[partition]) {
		p.newest[partition] = made
	}
}

// Longest returns the longest pause of any partition, and of all together, that has a part between two times. A pause
// that has not ended at to counts as it is.
func (p *Pulses) Longest(from, to time.Time) (one, all time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	longest := func(pauses []pause, last time.Time) (d time.Duration) {
		for _, x := range pauses {
			if x.to.After(from) && x.from.Before(to) {
				d = max(d, x.to.Sub(x.from))
			}
		}
		if !last.IsZero() && last.Before(to) {
			d = max(d, to.Sub(last))
		}
		return d
	}
	for i, last := range p.last {
		one = max(one, longest(p.pauses[i], last))
	}
	return one, longest(p.pauses[len(p.last)], p.beat)
}

// Oldest is the time at which the newest thing was made in the partition that is furthest behind; the zero time if one
// has had nothing.
func (p *Pulses) Oldest() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	oldest := p.newest[0]
	for _, t := range p.newest {
		if t.Before(oldest) {
			oldest = t
		}
	}
	return oldest
}
