package consume

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ttpworker/internal/kafka"
)

// What a session holds at the most, in bytes: as it comes, compressed, from one broker and of one partition at a
// time, and of what is on its way out.
const (
	maxFetch          = 8 << 20
	maxPartitionFetch = 1 << 20
	maxBuffered       = 64 << 20
)

// fetchWait is how long a broker may keep a request that finds nothing: a partition that goes on after a wait is not asked
// for before the request without it is answered. kgo's default of 5 s is what that would cost.
const fetchWait = 500 * time.Millisecond

// defaultMaxMessage is max.message.bytes of a topic that does not say, in bytes: kgo's own bound.
const defaultMaxMessage = 1_000_012

// A session is one client's time in the group. It reads, and what is written between Begin and End is committed with
// the offsets of what was read and with what a statement says, or not at all. Not for concurrent use.
type session interface {
	PollRecords(ctx context.Context, n int) kgo.Fetches
	Begin() error
	Produce(ctx context.Context, r *kgo.Record, promise func(*kgo.Record, error))
	End(ctx context.Context, try kgo.TransactionEndTry, say *statement) (committed bool, err error)
	Client() *kgo.Client
}

// transactional is the session that kgo has, with statements.
type transactional struct{ *kgo.GroupTransactSession }

// End implements session.
func (t transactional) End(ctx context.Context, try kgo.TransactionEndTry, say *statement) (bool, error) {
	complete := true
	ctx = kgo.PreTxnCommitFnContext(ctx, func(req *kmsg.TxnOffsetCommitRequest) error {
		if len(say.again) > 0 {
			if complete = say.applies(req.MemberID, req.Generation); complete {
				req.Topics = append(req.Topics, again(say.again)...)
			}
		}
		for i := range req.Topics {
			for k := range req.Topics[i].Partitions {
				p := &req.Topics[i].Partitions[k]
				p.Offset, p.Metadata = say.of(req.Topics[i].Topic, p.Partition, p.Offset)
			}
		}
		return nil
	})
	committed, err := t.GroupTransactSession.End(ctx, try)
	return committed && complete, err
}

// again has positions as a request has them.
func again(positions offsets) []kmsg.TxnOffsetCommitRequestTopic {
	var topics []kmsg.TxnOffsetCommitRequestTopic
	for topic, parts := range positions {
		t := kmsg.NewTxnOffsetCommitRequestTopic()
		t.Topic = topic
		for number, at := range parts {
			p := kmsg.NewTxnOffsetCommitRequestTopicPartition()
			p.Partition, p.Offset, p.LeaderEpoch = number, at.Offset, at.Epoch
			t.Partitions = append(t.Partitions, p)
		}
		topics = append(topics, t)
	}
	return topics
}

// open builds a session of the delivery that is asked for.
func (m *member) open() (session, error) {
	if m.cfg.Delivery == kafka.AtLeastOnce {
		return openAcknowledged(m.options()...)
	}
	transactionalID := m.name
	if transactionalID == "" {
		transactionalID = m.anonymous
	}
	s, err := kgo.NewGroupTransactSession(append(m.options(), kgo.TransactionalID(transactionalID), kgo.TransactionTimeout(m.cfg.TransactionTimeout))...)
	if err != nil {
		return nil, err
	}
	return transactional{s}, nil
}

// options are those of one session. A replica with a name is a static member with a transactional id of its own:
// its restart takes over its partitions and fences what was there before. Without a name it is a new member with a
// transactional id of this process: a dead predecessor holds its partitions for session_timeout.
func (m *member) options() []kgo.Opt {
	opts := append(m.cluster.Options(m.cfg.Group), m.beginnings()...)
	if m.name != "" {
		opts = append(opts, kgo.InstanceID(m.name))
	}
	if m.cfg.GroupProtocol == kafka.ConsumerProtocol {
		opts = append(opts, kgo.ServerSideBalancer(), kgo.Balancers(kgo.CooperativeStickyBalancer())) // kgo wants its own balancer there; the broker decides
	} else {
		opts = append(opts, kgo.Balancers(observer{kgo.CooperativeStickyBalancer(), m.assigned}),
			kgo.SessionTimeout(m.cfg.SessionTimeout), kgo.HeartbeatInterval(m.cfg.SessionTimeout/5))
	}
	return append(opts,
		kgo.ConsumerGroup(m.cfg.Group),
		kgo.ConsumeTopics(m.topics...),
		kgo.RebalanceTimeout(m.cfg.RebalanceTimeout),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxWait(fetchWait),
		kgo.FetchMaxBytes(maxFetch),
		kgo.FetchMaxPartitionBytes(maxPartitionFetch),
		kgo.MaxBufferedBytes(maxBuffered),
		kgo.MaxDecompressBatchBytes(m.cfg.MaxUnpacked),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), // retention overtook the group: go on with what is left
		kgo.RecordPartitioner(kgo.BasicConsistentPartitioner(m.samePartition)),
		kgo.ProducerBatchMaxBytesFn(m.maxMessage),
		kgo.ProducerBatchCompression(m.cfg.Compression.Codec()),
		kgo.WithHooks(m.client, m.untold),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
			m.joined.Store(true)
			m.lost.Store(false)
			m.metrics.rebalances.Inc()
			m.log.Info("partitions assigned", "partitions", parts)
		}),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
			m.log.Info("partitions revoked", "partitions", parts)
			m.released(parts)
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
			m.lost.Store(true)
			m.owner.lost()
			m.log.Warn("partitions lost", "partitions", parts)
			m.released(parts)
		}),
	)
}

func (m *member) released(parts map[string][]int32) {
	if r, is := m.handler.(Accountant); is {
		r.Released(parts)
	}
}

// samePartition has an output go to the partition that it names, that of its event, and notes if there is none.
func (m *member) samePartition(topic string) func(*kgo.Record, int) int {
	return func(r *kgo.Record, partitions int) int {
		if int(r.Partition) >= partitions {
			err := fmt.Errorf("a record is for partition %d of topic %s, which has %d (the input has been given more partitions than the outputs: see docs/topics.md)",
				r.Partition, topic, partitions)
			m.narrow.CompareAndSwap(nil, &err)
		}
		return int(r.Partition)
	}
}

func (c *Consumer) maxMessage(topic string) int32 {
	if limit := c.limits[topic]; limit > 0 {
		return int32(min(limit, 1<<30))
	}
	return defaultMaxMessage
}
