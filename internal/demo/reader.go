package demo

import (
	"context"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/kafka"
)

// A reader reads topics as anybody outside would: committed records only, from where the topics ended when it was
// opened.
type reader struct {
	client *kgo.Client
	admin  *kadm.Client
	topics []string

	mu   sync.Mutex
	next map[string]map[int32]int64 // offset of the next record, per topic and partition
}

// openReader opens a reader. Close it when done.
func openReader(ctx context.Context, cluster *kafka.Cluster, topics ...string) (*reader, error) {
	ends, err := endOffsets(ctx, cluster, topics)
	if err != nil {
		return nil, err
	}
	client, err := cluster.Client("ttp-demo-reader",
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // to see the position move over them
		kgo.ConsumePartitions(ends.KOffsets()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return nil, err
	}
	r := &reader{client: client, admin: kadm.NewClient(client), topics: topics, next: map[string]map[int32]int64{}}
	ends.Each(func(o kadm.ListedOffset) { r.advance(o.Topic, o.Partition, o.Offset) })
	return r, nil
}

func endOffsets(ctx context.Context, cluster *kafka.Cluster, topics []string) (kadm.ListedOffsets, error) {
	client, err := cluster.Client("ttp-demo-reader")
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListCommittedOffsets(ctx, topics...)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("finding the ends of the output topics: %w", err)
	}
	return ends, nil
}

func (r *reader) close() { r.client.Close() }

func (r *reader) advance(topic string, partition int32, next int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next[topic] == nil {
		r.next[topic] = map[int32]int64{}
	}
	r.next[topic][partition] = next
}

// run calls handle for every record, one call at a time, until ctx ends, which is no error.
func (r *reader) run(ctx context.Context, handle func(*kafka.Record) error) error {
	for ctx.Err() == nil {
		fetches := r.client.PollFetches(ctx)
		for _, e := range fetches.Errors() {
			if ctx.Err() == nil {
				return fmt.Errorf("reading topic %s: %w", e.Topic, e.Err)
			}
		}
		for it := fetches.RecordIter(); !it.Done(); {
			rec := it.Next()
			if !rec.Attrs.IsControl() {
				out := kafka.FromClient(rec)
				if err := handle(&out); err != nil {
					return fmt.Errorf("record %s/%d/%d: %w", rec.Topic, rec.Partition, rec.Offset, err)
				}
			}
			r.advance(rec.Topic, rec.Partition, rec.Offset+1)
		}
	}
	return nil
}

// caughtUp reports whether group has committed all that is in the topic input, and this reader has handed over
// all that came of it.
func (r *reader) caughtUp(ctx context.Context, group, input string) (bool, error) {
	inputs, err := r.admin.ListEndOffsets(ctx, input)
	if err == nil {
		err = inputs.Error()
	}
	if err != nil {
		return false, fmt.Errorf("finding the end of topic %s: %w", input, err)
	}
	done, err := r.admin.FetchOffsets(ctx, group)
	if err == nil {
		err = done.Error()
	}
	if err != nil {
		return false, fmt.Errorf("reading the offsets of group %s: %w", group, err)
	}
	behind := false
	inputs.Each(func(end kadm.ListedOffset) {
		at, _ := done.Lookup(end.Topic, end.Partition)
		behind = behind || at.At < end.Offset
	})
	if behind {
		return false, nil
	}
	outputs, err := r.admin.ListCommittedOffsets(ctx, r.topics...) // after the group's: they are committed together
	if err == nil {
		err = outputs.Error()
	}
	if err != nil {
		return false, fmt.Errorf("finding the ends of the output topics: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	outputs.Each(func(end kadm.ListedOffset) { behind = behind || r.next[end.Topic][end.Partition] < end.Offset })
	return !behind, nil
}
