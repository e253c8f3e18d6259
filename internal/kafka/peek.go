package kafka

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A Partition is one of a topic.
type Partition struct {
	Topic  string
	Number int32
}

// What FirstTimes takes from a broker, in bytes: of a partition at once, of all, and of one batch unpacked.
const (
	peekPartition = 64 << 10
	peekFetch     = 4 << 20
	peekUnpacked  = 16 << 20
)

// peekPause is the pause after a poll that met trouble.
const peekPause = 100 * time.Millisecond

// FirstTimes returns the timestamp of the first committed record in each span, the zero time if there is none: markers
// of transactions and records of aborted ones take offsets, too. A partition that could not be read until ctx ended is
// missing in the result. It belongs to no group and changes nothing.
func (c *Cluster) FirstTimes(ctx context.Context, spans map[Partition]Span) (map[Partition]time.Time, error) {
	start := map[string]map[int32]kgo.Offset{}
	for p, s := range spans {
		if start[p.Topic] == nil {
			start[p.Topic] = map[int32]kgo.Offset{}
		}
		start[p.Topic][p.Number] = kgo.NewOffset().At(s.From)
	}
	// Control records are kept to see the position move over them.
	cl, err := c.Client("ttp-peek", kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(start), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxPartitionBytes(peekPartition), kgo.FetchMaxBytes(peekFetch), kgo.MaxDecompressBatchBytes(peekUnpacked))
	if err != nil {
		return nil, err
	}
	defer Close(cl.Close)
	found := make(map[Partition]time.Time, len(spans))
	for len(found) < len(spans) && ctx.Err() == nil {
		fetches := cl.PollFetches(ctx)
		if fetches.Err() != nil { // of one partition at least; kgo tries again
			select {
			case <-time.After(peekPause):
			case <-ctx.Done():
			}
		}
		fetches.EachPartition(func(f kgo.FetchTopicPartition) {
			p := Partition{f.Topic, f.Partition}
			for _, r := range f.Records {
				_, known := found[p]
				switch {
				case known:
				case r.Offset >= spans[p].To:
					found[p] = time.Time{}
				case !r.Attrs.IsControl():
					found[p] = r.Timestamp
				case r.Offset+1 >= spans[p].To:
					found[p] = time.Time{}
				}
			}
			if _, known := found[p]; known {
				cl.PauseFetchPartitions(map[string][]int32{p.Topic: {p.Number}})
			}
		})
	}
	return found, nil
}
