package store

import (
	"context"
	"sync"
)

var _ StateLog = (*MemoryLog)(nil)

// A MemoryLog is a StateLog in memory, for tests and for commands that work without Kafka. Any number of
// followers each see everything from the start. It is safe for concurrent use.
type MemoryLog struct {
	mu      sync.Mutex
	records []logRecord
	grown   chan struct{}     // closed when records grows, then replaced
	fault   func(State) error // see FailAppends
}

type logRecord struct {
	ruleID string
	state  *State // nil = tombstone; never written to
}

// NewMemoryLog makes a log that holds orders already.
func NewMemoryLog(orders ...State) *MemoryLog {
	l := &MemoryLog{grown: make(chan struct{})}
	for _, s := range orders {
		l.add(logRecord{ruleID: s.RuleID, state: &s})
	}
	return l
}

// FailAppends has Append ask fault before it adds a record: an error is returned and nothing is added. nil ends it.
func (l *MemoryLog) FailAppends(fault func(State) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault = fault
}

// Append implements StateLog. Unlike SetState it takes s as it is, also an invalid one.
func (l *MemoryLog) Append(ctx context.Context, s State) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	fault := l.fault
	l.mu.Unlock()
	if fault != nil {
		if err := fault(s); err != nil {
			return err
		}
	}
	l.add(logRecord{ruleID: s.RuleID, state: &s})
	return nil
}

// Remove adds a tombstone: the rule is gone and its order with it.
func (l *MemoryLog) Remove(ruleID string) { l.add(logRecord{ruleID: ruleID}) }

// States returns the records so far that are no tombstones, in order.
func (l *MemoryLog) States() []State {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []State
	for _, r := range l.records {
		if r.state != nil {
			out = append(out, *r.state)
		}
	}
	return out
}

// Follow implements StateLog. It returns nil, when ctx ends.
func (l *MemoryLog) Follow(ctx context.Context, apply func(ruleID string, s *State), caughtUp func()) error {
	_, end, _ := l.from(0)
	for next := 0; ; {
		if next >= end && caughtUp != nil {
			caughtUp()
			caughtUp = nil
		}
		records, _, grown := l.from(next)
		if caughtUp != nil {
			records = records[:end-next]
		}
		for _, r := range records {
			select {
			case <-ctx.Done():
				return nil
			default:
			}
			var s *State
			if r.state != nil {
				c := *r.state
				s = &c
			}
			apply(r.ruleID, s)
		}
		if next += len(records); len(records) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-grown:
		}
	}
}

// from returns the records from index i on, how many there are in all, and a channel that is closed when there
// are more.
func (l *MemoryLog) from(i int) (records []logRecord, end int, grown <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.records[i:len(l.records):len(l.records)], len(l.records), l.grown
}

func (l *MemoryLog) add(r logRecord) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, r)
	close(l.grown)
	l.grown = make(chan struct{})
}
