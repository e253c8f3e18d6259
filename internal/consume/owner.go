package consume

import (
	"slices"
	"sync"
)

// ownership follows whether this replica owns partition 0 of the first topic: the keeper of the control topics.
type ownership struct {
	topic  string
	notify func(owns bool)

	mu      sync.Mutex
	owns    bool
	flagged bool // a revocation came, see takeFlag
}

func newOwnership(topic string, notify func(bool)) *ownership {
	return &ownership{topic: topic, notify: notify}
}

func (o *ownership) assigned(parts map[string][]int32) {
	if slices.Contains(parts[o.topic], 0) {
		o.set(true)
	}
}

func (o *ownership) revoked(parts map[string][]int32) {
	o.mu.Lock()
	o.flagged = true
	o.mu.Unlock()
	if slices.Contains(parts[o.topic], 0) {
		o.set(false)
	}
}

func (o *ownership) lost() {
	o.mu.Lock()
	o.flagged = true
	o.mu.Unlock()
	o.set(false)
}

func (o *ownership) set(owns bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.owns != owns {
		o.owns = owns
		o.notify(owns)
	}
}

// takeFlag reports whether partitions went away since the last call. kgo's transact session tells of the first
// revocation only, until a transaction ends. An idle replica ends none and would take itself for the keeper long
// after partition 0 has gone, so the poll loop ends an empty one when this says so.
func (o *ownership) takeFlag() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	flagged := o.flagged
	o.flagged = false
	return flagged
}
