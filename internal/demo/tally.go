package demo

import (
	"fmt"
	"sync"
	"time"

	"ttpworker/internal/tagger"
)

// A tally counts what has happened. What it keeps does not grow with time. It is safe for concurrent use.
type tally struct {
	began time.Time

	mu         sync.Mutex
	events     int
	tags       int
	techniques map[string]struct{}
	attackers  map[string]struct{}
	last       time.Time // when the summary was last asked for
	lastTags   int       // and tags then
}

func newTally(now time.Time) *tally {
	return &tally{began: now, last: now, techniques: map[string]struct{}{}, attackers: map[string]struct{}{}}
}

// event counts a record that a sensor has written.
func (t *tally) event() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events++
}

func (t *tally) tag(tag *tagger.Tag) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tags++
	t.techniques[tag.Technique()] = struct{}{}
	if tag.AttackerUUID != "" {
		t.attackers[tag.AttackerUUID] = struct{}{}
	}
}

// summary says what there was, and how many tags a second since the last summary.
func (t *tally) summary(now time.Time) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := t.text(now, t.tags-t.lastTags, now.Sub(t.last))
	t.last, t.lastTags = now, t.tags
	return text
}

// total is summary over the whole time.
func (t *tally) total(now time.Time) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text(now, t.tags, now.Sub(t.began))
}

func (t *tally) text(now time.Time, tags int, in time.Duration) string {
	rate := float64(tags) / max(in, time.Millisecond).Seconds()
	return fmt.Sprintf("-- %s: %d events, %d tags, %d techniques, %d attackers, %.1f tags/s",
		now.Sub(t.began).Round(time.Second), t.events, t.tags, len(t.techniques), len(t.attackers), rate)
}
