package kafka

import (
	"bytes"
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
)

// PartitionOf is the partition of n that Kafka's own producer gives a key, by murmur2.
func PartitionOf(key []byte, n int32) int32 {
	p := kgo.StickyKeyPartitioner(nil).ForTopic("").Partition(&kgo.Record{Key: key}, int(n))
	return int32(p) //nolint:gosec // less than n
}

// Latest returns the last committed record of a key in the spans, nil if there is none; of those in several partitions
// the one with the latest time. It reads all of the spans, and calls read, unless nil, with how many offsets it has come on.
func (c *Cluster) Latest(ctx context.Context, topic string, key []byte, spans map[int32]Span, read func(offsets int64)) (*Record, error) {
	latest := map[int32]*Record{}
	at := map[int32]int64{}
	for p, s := range spans {
		at[p] = s.From
	}
	err := c.Scan(ctx, topic, spans, func(r *Record) error {
		if read != nil {
			read(r.Offset + 1 - at[r.Partition])
		}
		at[r.Partition] = r.Offset + 1
		if bytes.Equal(r.Key, key) {
			latest[r.Partition] = r
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var last *Record
	for _, r := range latest {
		if last == nil || r.Time.After(last.Time) {
			last = r
		}
	}
	return last, nil
}
