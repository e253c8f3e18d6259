package consume

import (
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// untold follows which batches the client of a session has read and not unpacked, and not told of with a poll yet. It drops what it
// has read when positions are set, as an abort and passOver do, and when partitions move. Of such a batch it never tells then,
// nor does it read on: the partition would stand still until the session is over. It is safe for concurrent use: the
// client calls it from goroutines of its own.
type untold struct {
	mu    sync.Mutex
	since map[partition]time.Time
}

var _ kgo.HookFetchBatchRead = (*untold)(nil)

// untoldPatience is how long a client may take from reading a batch to telling of it.
const untoldPatience = time.Second

// OnFetchBatchRead implements kgo.HookFetchBatchRead. A batch that was not unpacked has no records then, but what they were packed into;
// one that compaction has emptied has neither.
func (u *untold) OnFetchBatchRead(_ kgo.BrokerMetadata, topic string, number int32, m kgo.FetchBatchMetrics) {
	if m.NumRecords > 0 || m.CompressedBytes == 0 {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.since == nil {
		u.since = map[partition]time.Time{}
	}
	u.since[partition{topic, number}] = time.Now()
}

// told notes what a poll has brought: the client reads on behind it, or has told why not.
func (u *untold) told(fetches kgo.Fetches) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.since) == 0 {
		return
	}
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if len(p.Records) > 0 || p.Err != nil {
			delete(u.since, partition{p.Topic, p.Partition})
		}
	})
}

// take returns the positions of those partitions of which the client should have told by now, and forgets them; those that
// wait are left for later.
func (u *untold) take(positions offsets, waits map[partition]<-chan struct{}) offsets {
	u.mu.Lock()
	defer u.mu.Unlock()
	due := map[partition]struct{}{}
	for p, since := range u.since {
		if _, held := waits[p]; !held && time.Since(since) >= untoldPatience {
			due[p] = struct{}{}
			delete(u.since, p)
		}
	}
	return only(positions, due)
}

// readAgain has the client read batches again of which it has not told. It does so if a position is set that is not the one it
// has, so that is set first. No transaction is open, so the positions are those that are committed.
func (t *transactions) readAgain() {
	client := t.session.Client()
	back := t.member.untold.take(client.CommittedOffsets(), t.held)
	if len(back) == 0 {
		return
	}
	away := offsets{}
	for topic, parts := range back {
		away[topic] = map[int32]kgo.EpochOffset{}
		for number, at := range parts {
			t.member.log.Info("reading again what was read and dropped", "topic", topic, "partition", number, "offset", at.Offset)
			away[topic][number] = kgo.EpochOffset{Epoch: -1, Offset: at.Offset + 1}
		}
	}
	client.SetOffsets(away)
	client.SetOffsets(back)
}
