package consume

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/kafka"
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

// lookInterval is how often a member under the consumer protocol asks what it owns.
const lookInterval = time.Second

// watchOwnership asks the group what the session's member owns until ctx ends, under the protocol where the broker
// assigns and there is no assignment to look on at. The channel is closed when it has ended.
func (m *member) watchOwnership(ctx context.Context, cl *kgo.Client) <-chan struct{} {
	done := make(chan struct{})
	if m.cfg.GroupProtocol != kafka.ConsumerProtocol {
		close(done)
		return done
	}
	go func() {
		defer close(done)
		tick := time.NewTicker(lookInterval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				m.look(ctx, cl)
			case <-ctx.Done():
				return
			}
		}
	}()
	return done
}

// look asks once. Without an answer the owner stays who it was: the group cannot have moved the partition to a member
// that could not ask either, and a keeper too many does no harm, see package produce.
func (m *member) look(ctx context.Context, cl *kgo.Client) {
	id, _ := cl.GroupMetadata()
	groups, err := kadm.NewClient(cl).DescribeConsumerGroups(ctx, m.cfg.Group)
	if err != nil || id == "" {
		return
	}
	group := groups[m.cfg.Group]
	for _, member := range group.Members {
		if member.MemberID == id {
			parts := map[string][]int32{}
			for topic, set := range member.Assignment {
				for p := range set {
					parts[topic] = append(parts[topic], p)
				}
			}
			m.assigned(parts)
		}
	}
}
