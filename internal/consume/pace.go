package consume

import "time"

// A pace is how many records a poll asks for, so that what one poll brings takes about a second: a batch is given
// up as a whole when the partitions move, and long texts take their time.
type pace struct{ limit int }

const (
	firstPace = 100
	maxPace   = 1 << 20 // no bound: kafka.max_poll is
	pollTime  = time.Second
)

func (p *pace) records() int {
	if p.limit == 0 {
		return firstPace
	}
	return p.limit
}

// took learns from a poll of n records: after a slow one it asks for fewer at once, else for more step by step.
func (p *pace) took(n int, d time.Duration) {
	switch {
	case d > pollTime:
		p.limit = max(int(int64(n)*int64(pollTime)/int64(d)), 1)
	case n >= p.records() && p.limit < maxPace:
		p.limit = 2 * p.records()
	}
}

// halve asks for half as many.
func (p *pace) halve() { p.limit = max(p.records()/2, 1) }
