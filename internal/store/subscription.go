package store

import (
	"container/list"
	"context"
	"sync"
)

// A Broadcaster hands every change to every subscription. It never blocks and never drops the last word on
// anything, however slow a reader is: each subscription has a queue of its own, in which a change replaces an
// earlier one about the same thing, so the queue is never longer than the number of rules and refused files.
// All methods are safe for concurrent use.
type Broadcaster struct {
	metrics *Metrics

	mu     sync.Mutex
	subs   map[*Subscription]struct{}
	closed bool
}

// NewBroadcaster makes a broadcaster that counts what it publishes in metrics.
func NewBroadcaster(metrics *Metrics) *Broadcaster {
	return &Broadcaster{metrics: metrics, subs: map[*Subscription]struct{}{}}
}

// Subscribe starts a subscription to what is published from now on. After Close its Next returns ErrClosed.
func (b *Broadcaster) Subscribe() *Subscription {
	s := &Subscription{
		from: b, queue: list.New(), place: map[topic]*list.Element{},
		wake: make(chan struct{}, 1), over: make(chan struct{}),
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		s.end()
		return s
	}
	b.subs[s] = struct{}{}
	return s
}

// Publish hands changes, in order, to every subscription. Subscribers see the changes of concurrent calls in one
// and the same order, and those of one call become waiting together. After Close it does nothing.
func (b *Broadcaster) Publish(changes ...Change) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	for _, c := range changes {
		b.metrics.changed(c.Kind)
	}
	for s := range b.subs {
		s.add(changes)
	}
}

// Close ends all subscriptions: each still hands out what it holds, then ErrClosed.
func (b *Broadcaster) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for s := range b.subs {
		s.end()
	}
	clear(b.subs)
}

// A topic is what a change is about. Of two waiting changes of one topic only the later one counts.
type topic struct {
	about string // "rule": loaded and removed; "state"; "refused"
	name  string // rule id; path for refused
}

func topicOf(c Change) topic {
	switch c.Kind {
	case Refused:
		return topic{about: "refused", name: c.Path}
	case StateChanged:
		return topic{about: "state", name: c.RuleID}
	default:
		return topic{about: "rule", name: c.RuleID}
	}
}

// A Subscription is a stream of changes. What it hands out is a subsequence of what was published, with the last
// change of every topic in it: a change that replaces a waiting one takes its place at the end, so that "refused,
// then loaded" is never read the other way round. A Removed may therefore be about a rule that the reader never
// saw loaded.
type Subscription struct {
	from *Broadcaster
	wake chan struct{} // size 1: something was added
	over chan struct{} // closed when nothing more will be added

	mu     sync.Mutex
	queue  *list.List // of Change
	place  map[topic]*list.Element
	closed bool // by the reader: what waits is not wanted
	ended  bool
}

// Next waits for the next change. It returns ErrClosed after Close, and once a closed store's last change was
// handed out; ctx's error when ctx ends first. Concurrent calls each get different changes.
func (s *Subscription) Next(ctx context.Context) (Change, error) {
	for {
		c, ok, err := s.take()
		if ok || err != nil {
			return c, err
		}
		select {
		case <-s.wake:
		case <-s.over:
		case <-ctx.Done():
			return Change{}, ctx.Err()
		}
	}
}

// Poll returns the next change if one is waiting.
func (s *Subscription) Poll() (Change, bool) {
	c, ok, _ := s.take() // Next tells of the end
	return c, ok
}

// Close ends the subscription and drops what it holds. A second call does nothing.
func (s *Subscription) Close() {
	s.from.mu.Lock()
	delete(s.from.subs, s)
	s.from.mu.Unlock()
	s.end()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.queue.Init()
	clear(s.place)
}

// take returns the oldest waiting change, if there is one.
func (s *Subscription) take() (c Change, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	front := s.queue.Front()
	switch {
	case s.closed:
		return Change{}, false, ErrClosed
	case front != nil:
		c, _ = s.queue.Remove(front).(Change)
		delete(s.place, topicOf(c))
		if s.queue.Len() > 0 {
			signal(s.wake) // for another reader
		}
		return c, true, nil
	case s.ended:
		return Change{}, false, ErrClosed
	}
	return Change{}, false, nil
}

func (s *Subscription) add(changes []Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(changes) == 0 {
		return
	}
	for _, c := range changes {
		t := topicOf(c)
		if e, waiting := s.place[t]; waiting {
			s.queue.Remove(e)
		}
		s.place[t] = s.queue.PushBack(c)
	}
	signal(s.wake)
}

func (s *Subscription) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.ended = true
		close(s.over)
	}
}

// signal wakes whoever reads c, a channel of size 1.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
