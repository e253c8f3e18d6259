package consume

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
)

// What a session holds at the most, in bytes: as it comes, compressed, from one broker and of one partition at a
// time, and of what is on its way out.
const (
	maxFetch          = 8 << 20
	maxPartitionFetch = 1 << 20
	maxBuffered       = 64 << 20
	maxUnpacked       = 64 << 20 // of one batch: more is passed over, see transactions.skip
)

// defaultMaxMessage is max.message.bytes of a topic that does not say, in bytes: kgo's own bound.
const defaultMaxMessage = 1_000_012

// options are those of one session. A replica with a name is a static member with a transactional id of its own:
// its restart takes over its partitions and fences what was there before. Without a name it is a new member with a
// transactional id of this process: a dead predecessor holds its partitions for session_timeout.
func (c *Consumer) options() []kgo.Opt {
	opts := c.cluster.Options(c.cfg.Group)
	transactionalID := c.anonymous
	if c.cfg.Replica != "" {
		transactionalID = c.memberName()
		opts = append(opts, kgo.InstanceID(transactionalID))
	}
	return append(opts,
		kgo.ConsumerGroup(c.cfg.Group),
		kgo.ConsumeTopics(c.topics...),
		kgo.TransactionalID(transactionalID),
		kgo.TransactionTimeout(c.cfg.TransactionTimeout),
		kgo.SessionTimeout(c.cfg.SessionTimeout),
		kgo.HeartbeatInterval(c.cfg.SessionTimeout/5),
		kgo.RebalanceTimeout(c.cfg.RebalanceTimeout),
		kgo.Balancers(observer{kgo.CooperativeStickyBalancer(), c.owner.assigned}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxBytes(maxFetch),
		kgo.FetchMaxPartitionBytes(maxPartitionFetch),
		kgo.MaxBufferedBytes(maxBuffered),
		kgo.MaxDecompressBatchBytes(maxUnpacked),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), // retention overtook the group: go on with what is left
		kgo.RecordPartitioner(kgo.ManualPartitioner()),    // a tag goes to the partition of its event
		kgo.ProducerBatchMaxBytesFn(c.maxMessage),
		kgo.WithHooks(c.client),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
			c.joined.Store(true)
			c.log.Info("partitions assigned", "partitions", parts)
		}),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
			c.log.Info("partitions revoked", "partitions", parts)
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
			c.owner.lost()
			c.log.Warn("partitions lost", "partitions", parts)
		}),
	)
}

func (c *Consumer) maxMessage(topic string) int32 {
	if limit := c.limits[topic]; limit > 0 {
		return int32(min(limit, 1<<30))
	}
	return defaultMaxMessage
}

// memberName is the instance id and transactional id of a replica with a name.
func (c *Consumer) memberName() string { return c.cfg.Group + "-" + c.cfg.Replica }
