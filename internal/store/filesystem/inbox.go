package filesystem

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// An inbox collects what may have changed until it has settled: quiet for Config.Quiet, or Config.MaxWait over.
// Quiet is asked of the whole directory, so that the two halves of a rename and the many files of a checkout come
// out together; a writer that never rests delays the others by MaxWait at most. It is safe for concurrent use.
type inbox struct {
	quiet, maxWait time.Duration
	changed        chan struct{} // size 1: next may have changed

	mu     sync.Mutex
	live   *layout              // what is watched now
	fresh  map[string]span      // shown paths by events
	maybe  map[string]span      // real paths that may be new directories
	called span                 // a rescan that events called for; zero = none
	later  map[string]time.Time // shown paths to look at again, at these times
	timed  time.Time            // next rescan by the clock; zero = none
	last   time.Time            // the last event of any of them
	former map[string]string    // directories of the layout before: a late event may still name them
	moved  bool                 // the root itself was removed, renamed or made since takeMoved
}

// A span is the time of the first and the last event about one thing.
type span struct{ first, last time.Time }

func (s span) touch(now time.Time) span {
	if s.first.IsZero() {
		s.first = now
	}
	s.last = now
	return s
}

// A batch is what has settled.
type batch struct {
	paths  []string // shown, by events, sorted
	again  []string // shown, by retry, sorted
	maybe  []string // real paths that may be new directories, sorted
	rescan bool
}

func newInbox(cfg Config) *inbox {
	return &inbox{
		quiet: cfg.Quiet, maxWait: cfg.MaxWait, changed: make(chan struct{}, 1), live: newLayout(),
		fresh: map[string]span{}, maybe: map[string]span{}, later: map[string]time.Time{},
	}
}

// event takes an event of the watcher. What no rule depends on is dropped without a trace.
func (b *inbox) event(ev fsnotify.Event, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	what, paths := b.live.classify(ev)
	gone := ev.Has(fsnotify.Remove) || ev.Has(fsnotify.Rename)
	if _, was := b.former[ev.Name]; what == nothing && was && gone {
		what = rescan
	}
	if gone || ev.Has(fsnotify.Write) { // nobody writes to a directory: it was a temporary file
		delete(b.maybe, ev.Name)
	}
	switch what {
	case nothing:
		return
	case candidate:
		for _, p := range paths {
			b.fresh[p] = b.fresh[p].touch(now)
			delete(b.later, p)
		}
	case rescan:
		b.called = b.called.touch(now)
		if ev.Name == b.live.root && (gone || ev.Has(fsnotify.Create)) {
			b.moved = true
		}
	case maybeDir:
		b.maybe[ev.Name] = b.maybe[ev.Name].touch(now)
	}
	b.last = now
	b.notify()
}

// overflow takes the news that events were lost.
func (b *inbox) overflow(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.called = b.called.touch(now)
	b.last = now
	b.notify()
}

// rescanAt asks for a rescan at a time; an earlier one that was asked for stays.
func (b *inbox) rescanAt(at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.timed.IsZero() || at.Before(b.timed) {
		b.timed = at
	}
	b.notify()
}

// retry asks for a look at a path at a time. A new event about the path takes its place.
func (b *inbox) retry(path string, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, has := b.fresh[path]; !has {
		b.later[path] = at
	}
	b.notify()
}

// adopt makes the layout of a finished walk the live one and returns the directories it has watched.
func (b *inbox) adopt(l *layout) map[string]struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.former = b.live.dirs
	b.live = l
	return l.watched()
}

// takeMoved reports whether the root itself was touched since the last call.
func (b *inbox) takeMoved() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	moved := b.moved
	b.moved = false
	return moved
}

// next is when take has something to give, if no more events come; zero if nothing waits.
func (b *inbox) next() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	var next time.Time
	sooner := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	if first := b.first(); !first.IsZero() {
		sooner(b.last.Add(b.quiet))
		sooner(first.Add(b.maxWait))
	} else {
		sooner(b.timed)
	}
	for _, at := range b.later {
		sooner(at)
	}
	return next
}

// take removes and returns what has settled by now.
func (b *inbox) take(now time.Time) batch {
	b.mu.Lock()
	defer b.mu.Unlock()
	calm := !now.Before(b.last.Add(b.quiet))
	settled := func(s span) bool {
		return calm || !now.Before(s.last.Add(b.quiet)) || !now.Before(s.first.Add(b.maxWait))
	}
	var out batch
	first := b.first()
	if calm || !first.IsZero() && !now.Before(first.Add(b.maxWait)) {
		out.paths = takeSettled(b.fresh, settled)
		out.maybe = takeSettled(b.maybe, settled)
		if !b.called.first.IsZero() && settled(b.called) {
			out.rescan, b.called = true, span{}
		}
	}
	if !b.timed.IsZero() && !now.Before(b.timed) && b.first().IsZero() {
		out.rescan = true
	}
	if out.rescan && !b.timed.After(now) {
		b.timed = time.Time{}
	}
	for p, at := range b.later {
		if !now.Before(at) {
			out.again = append(out.again, p)
			delete(b.later, p)
		}
	}
	slices.Sort(out.again)
	return out
}

// takeSettled removes and returns the settled keys of m, sorted.
func takeSettled(m map[string]span, settled func(span) bool) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if settled(m[k]) {
			out = append(out, k)
			delete(m, k)
		}
	}
	return out
}

// first is the oldest event that has not settled; zero if all have. The lock is held.
func (b *inbox) first() time.Time {
	first := b.called.first
	for _, m := range [...]map[string]span{b.fresh, b.maybe} {
		for _, s := range m {
			if first.IsZero() || s.first.Before(first) {
				first = s.first
			}
		}
	}
	return first
}

func (b *inbox) notify() {
	select {
	case b.changed <- struct{}{}:
	default:
	}
}
