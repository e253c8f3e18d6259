package consume

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// offsets are positions by topic and partition, as kgo has them.
type offsets = map[string]map[int32]kgo.EpochOffset

// A statement is what a commit says beside the positions of what was read.
type statement struct {
	metadata string
	position func(topic string, partition int32, next int64) (int64, string) // see Positioner; nil = next and metadata

	// Positions of partitions without new records that are committed once more. The member may have lost one of them since
	// it was this member of this generation, and whoever got it may be further: then they are left out.
	again      offsets
	member     string
	generation int32
}

// of is what is committed of a partition that was read up to next.
func (s *statement) of(topic string, partition int32, next int64) (offset int64, metadata *string) {
	if s.position == nil {
		return next, &s.metadata
	}
	offset, text := s.position(topic, partition, next)
	return offset, &text
}

// applies reports whether positions may be committed again by this member of this generation.
func (s *statement) applies(member string, generation int32) bool {
	return s.member == member && s.generation == generation
}

// said is what the group's commits say of the partitions of one session, as far as it has seen: those it did itself and
// those it began at. It is safe for concurrent use: the client tells of the latter in a goroutine of its own.
type said struct {
	mu sync.Mutex
	of map[partition]string
}

func (s *said) set(p partition, metadata string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = map[partition]string{}
	}
	s.of[p] = metadata
}

// forget has a partition committed again.
func (s *said) forget(p partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.of, p)
}

// other returns those of positions whose commits do not say metadata, as far as is known.
func (s *said) other(positions offsets, metadata string) offsets {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := offsets{}
	for topic, parts := range positions {
		for number, at := range parts {
			if says, known := s.of[partition{topic, number}]; known && says == metadata {
				continue
			}
			if out[topic] == nil {
				out[topic] = map[int32]kgo.EpochOffset{}
			}
			out[topic][number] = at
		}
	}
	return out
}

// restate commits the positions of partitions once more, in a transaction of its own, if what their commits say is not
// what a batch that begins now would say: the plan has changed since, or the partition comes from a member that had
// another one, or nobody has committed it yet. So the group's offsets tell for each partition under what its next record
// is tagged at the least, whether records come or not. An open transaction is not touched: its end comes first.
//
// Of the partitions of an Accountant these are only those where a batch was passed over since: nothing may come behind it.
//
// A transaction that is aborted, as the group moves partitions, is tried again with the next turn.
func (t *transactions) restate(ctx context.Context) error {
	m := t.member
	_, own := m.handler.(Accountant)
	if t.open != nil || !m.mayBegin() || own && len(t.passed) == 0 {
		return nil
	}
	client := t.session.Client()
	member, generation := client.GroupMetadata() // before the positions: those of a later generation are left out, those of an earlier one refused
	again := m.said.other(client.CommittedOffsets(), m.handler.Metadata())
	if own {
		again = only(again, t.passed)
	}
	if len(again) == 0 {
		return nil
	}
	if err := t.session.Begin(); err != nil {
		return fatalf("beginning a transaction: %w", err)
	}
	t.open = t.newTransaction()
	t.open.again, t.open.member, t.open.generation = again, member, generation
	before := m.committed.Load()
	err := t.end(ctx, kgo.TryCommit)
	if m.committed.Load() > before {
		clear(t.passed)
	}
	return err
}

// only keeps the positions of these partitions.
func only(positions offsets, of map[partition]struct{}) offsets {
	out := offsets{}
	for topic, parts := range positions {
		for number, at := range parts {
			if _, is := of[partition{topic, number}]; is {
				if out[topic] == nil {
					out[topic] = map[int32]kgo.EpochOffset{}
				}
				out[topic][number] = at
			}
		}
	}
	return out
}

// remember notes what the commit of a transaction says.
func (m *member) remember(o *transaction) {
	metadata := o.says
	for topic, parts := range o.next {
		for number := range parts {
			m.said.set(partition{topic, number}, metadata)
		}
	}
	for topic, parts := range o.again {
		for number := range parts {
			m.said.set(partition{topic, number}, metadata)
			m.metrics.restated.Inc()
		}
	}
}

// startsPatience bounds the question where partitions begin.
const startsPatience = 5 * time.Second

// beginnings are options by which a session hears what the group's commits say of partitions that it is given, and begins
// those without a commit at a position that it knows, so that it can commit that.
func (m *member) beginnings() []kgo.Opt {
	var client *kgo.Client // the first of the two is called with it, before the second, in one goroutine
	return []kgo.Opt{
		kgo.OnOffsetsFetched(func(_ context.Context, cl *kgo.Client, resp *kmsg.OffsetFetchResponse) error {
			client = cl
			for _, g := range resp.Groups {
				for _, t := range g.Topics {
					for _, p := range t.Partitions {
						m.said.forget(partition{t.Topic, p.Partition})
						if p.Offset >= 0 && p.Metadata != nil {
							m.said.set(partition{t.Topic, p.Partition}, *p.Metadata)
						}
					}
				}
			}
			return nil
		}),
		kgo.AdjustFetchOffsetsFn(func(ctx context.Context, found map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
			m.begin(ctx, client, found)
			return found, nil
		}),
	}
}

// begin puts the first offset of a partition where found has none. Where that is not known the client finds it, and its
// position is committed with its first records.
func (m *member) begin(ctx context.Context, client *kgo.Client, found map[string]map[int32]kgo.Offset) {
	var topics []string
	for topic, parts := range found {
		for _, at := range parts {
			if at.EpochOffset().Offset < 0 {
				topics = append(topics, topic)
				break
			}
		}
	}
	if len(topics) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, startsPatience)
	defer cancel()
	starts, err := kadm.NewClient(client).ListStartOffsets(ctx, topics...)
	if err != nil {
		m.log.Warn("where partitions begin is not known yet", "topics", topics, "err", m.cluster.Explain(err))
		return
	}
	for _, topic := range topics {
		for number, at := range found[topic] {
			if start, ok := starts.Lookup(topic, number); ok && start.Err == nil && at.EpochOffset().Offset < 0 {
				found[topic][number] = kgo.NewOffset().At(start.Offset)
			}
		}
	}
}
