package consume

import (
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// ownership follows whether this replica owns partition 0 of the first topic: the keeper of the control topics.
//
// It reads the assignments that the group hands out and not the session's callbacks: a transact session tells of
// one revocation only until its next transaction ends, so a member that gives up its partitions in three steps
// hears of the first.
type ownership struct {
	topic  string
	notify func(owns bool)

	mu   sync.Mutex
	owns bool
}

func newOwnership(topic string, notify func(bool)) *ownership {
	return &ownership{topic: topic, notify: notify}
}

func (o *ownership) assigned(parts map[string][]int32) { o.set(slices.Contains(parts[o.topic], 0)) }

// lost is for a session that is over, or is no member any more.
func (o *ownership) lost() { o.set(false) }

func (o *ownership) set(owns bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.owns != owns {
		o.owns = owns
		o.notify(owns)
	}
}

// An observer is a balancer that tells of every assignment this member gets: all of it, not what is new.
type observer struct {
	kgo.GroupBalancer
	assigned func(map[string][]int32)
}

// ParseSyncAssignment implements kgo.GroupBalancer.
func (o observer) ParseSyncAssignment(assignment []byte) (map[string][]int32, error) {
	parts, err := o.GroupBalancer.ParseSyncAssignment(assignment)
	if err == nil {
		o.assigned(parts)
	}
	return parts, err
}
