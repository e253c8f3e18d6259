package tagger

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

var _ Tagger = (*Composite)(nil)

// A Composite asks every tagger that claims an event's kind, in the order of registration, and puts their tags
// one behind the other. It wraps each of them as tolerant when it is made: there is no way to register one
// that is not. It never changes after NewComposite and is safe for concurrent use. One of no taggers is legal.
type Composite struct {
	byKind  map[string][]tolerant
	known   map[string]struct{}
	kinds   []string
	monitor *Monitor
}

// NewComposite makes a composite of taggers. known lists the source kinds beyond those the taggers claim that
// are no surprise (see Monitor); monitor is shared by all composites of a process.
func NewComposite(monitor *Monitor, known []string, taggers ...Tagger) *Composite {
	c := &Composite{byKind: map[string][]tolerant{}, known: map[string]struct{}{}, monitor: monitor}
	for _, kind := range known {
		c.known[kind] = struct{}{}
	}
	for _, t := range taggers {
		w := tolerant{name: t.Name(), inner: t, monitor: monitor}
		kinds := slices.Compact(slices.Sorted(slices.Values(t.Kinds())))
		monitor.registered(w.name, len(kinds) == 0)
		for _, kind := range kinds {
			c.byKind[kind] = append(c.byKind[kind], w)
		}
	}
	for kind := range c.byKind {
		c.kinds = append(c.kinds, kind)
	}
	slices.Sort(c.kinds)
	return c
}

// Name implements Tagger.
func (c *Composite) Name() string { return "composite" }

// Kinds implements Tagger: every kind that some tagger claims, sorted.
func (c *Composite) Kinds() []string { return slices.Clone(c.kinds) }

// AppendTags implements Tagger. A tagger's own failure costs its own tags only and is no error here; the only
// errors are context.Canceled and context.DeadlineExceeded, and then dst comes back as it was.
func (c *Composite) AppendTags(dst []Tag, ev *TaggerEvent) ([]Tag, error) {
	out, _, err := c.AppendWhole(dst, ev)
	return out, err
}

// AppendWhole is AppendTags that says whether the tags are all there are: whole is false if a tagger has failed.
func (c *Composite) AppendWhole(dst []Tag, ev *TaggerEvent) (out []Tag, whole bool, err error) {
	taggers := c.byKind[ev.SourceKind]
	if len(taggers) == 0 {
		_, known := c.known[ev.SourceKind]
		c.monitor.unclaimed(ev.SourceKind, known)
		return dst, true, nil
	}
	out, whole = dst, true
	for _, t := range taggers {
		var good bool
		if out, good, err = t.appendTags(out, ev); err != nil {
			return dst, false, err
		}
		whole = whole && good
	}
	return out, whole, nil
}

// tolerant keeps a tagger's failure from costing more than that tagger's own tags.
type tolerant struct {
	name    string
	inner   Tagger
	monitor *Monitor
}

// appendTags calls the tagger, and reports whether it has not failed. On its error or panic the result is cut back to dst, the monitor is told, and
// the error is swallowed, unless it says that the work was cancelled. The tagger sees what is free behind dst
// and not dst itself, so that it can lose or spoil no tags but its own.
func (t tolerant) appendTags(dst []Tag, ev *TaggerEvent) (out []Tag, good bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, good, err = dst, false, nil
			t.monitor.failed(t.name, fmt.Errorf("panic: %v", p))
		}
	}()
	own, err := t.inner.AppendTags(dst[len(dst):], ev)
	switch {
	case err == nil && cap(dst) == 0:
		return own, true, nil
	case err == nil:
		return append(dst, own...), true, nil // own mostly is where it has to be already
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return dst, false, err
	}
	t.monitor.failed(t.name, err)
	return dst, false, nil
}
