package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Follow reads a topic of one partition from its start and for ever, committed records only, and calls apply for
// each in order, one call at a time. It calls caughtUp once, when apply has seen all that was committed when
// Follow began. It returns nil when ctx ends; an error means that the topic cannot be read, or that it is not there for
// kafka.start_timeout.
func (c *Cluster) Follow(ctx context.Context, topic string, apply func(*Record), caughtUp func()) error {
	return c.follow(ctx, topic, func(r *Record) { apply(r) }, func() bool { caughtUp(); return true })
}

// ReadAll reads what is committed in a topic of one partition and returns.
func (c *Cluster) ReadAll(ctx context.Context, topic string, apply func(*Record)) error {
	if err := c.follow(ctx, topic, apply, func() bool { return false }); err != nil {
		return err
	}
	return ctx.Err()
}

// follow goes on after the end it found at first if atEnd says so.
func (c *Cluster) follow(ctx context.Context, topic string, apply func(*Record), atEnd func() bool) error {
	// Control records are kept to see the position move over them; they are not applied.
	cl, err := c.Client("ttp-follow", kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MaxDecompressBatchBytes(followUnpacked))
	if err != nil {
		return err
	}
	defer Close(cl.Close)
	var end, position int64
	err = c.insist(ctx, func(ctx context.Context) (err error) {
		end, position, err = bounds(ctx, cl, topic)
		return err
	})
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return c.Explain(err)
	}
	reached := false
	for ctx.Err() == nil {
		if !reached && position >= end {
			reached = true
			if !atEnd() {
				return nil
			}
		}
		fetches := cl.PollFetches(ctx)
		if err := c.sortOut(ctx, fetches, topic); err != nil {
			return err
		}
		if bomb := bombIn(fetches); bomb != nil { // alone: what lies before it came earlier
			c.log.Error("a batch of a control topic unpacks to too much and is passed over", "topic", topic, "offset", bomb.Offset, "limit", followUnpacked)
			cl.SetOffsets(map[string]map[int32]kgo.EpochOffset{topic: {0: {Epoch: bomb.Epoch, Offset: bomb.NextOffset}}})
			position = bomb.NextOffset
			continue
		}
		fetches.EachRecord(func(r *kgo.Record) {
			position = r.Offset + 1
			if !r.Attrs.IsControl() {
				rec := FromClient(r)
				apply(&rec)
			}
		})
	}
	return nil
}

// bombIn is the batch that the client would not unpack, and stopped at, if there is one.
func bombIn(fetches kgo.Fetches) *kgo.ErrDecompressTooLarge {
	for _, e := range fetches.Errors() {
		if bomb, ok := errors.AsType[*kgo.ErrDecompressTooLarge](e.Err); ok {
			return bomb
		}
	}
	return nil
}

// bounds returns the committed end of partition 0 and where it starts.
func bounds(ctx context.Context, cl *kgo.Client, topic string) (end, start int64, err error) {
	adm := kadm.NewClient(cl)
	ends, err := adm.ListCommittedOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return 0, 0, fmt.Errorf("finding the end of topic %s: %w", topic, err)
	}
	starts, err := adm.ListStartOffsets(ctx, topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return 0, 0, fmt.Errorf("finding the start of topic %s: %w", topic, err)
	}
	e, _ := ends.Lookup(topic, 0)
	s, _ := starts.Lookup(topic, 0)
	return e.Offset, s.Offset, nil
}

// followUnpacked bounds a batch of a control topic, unpacked, in bytes: a rule file has 384 KiB at the most. kgo's bound is a
// gigabyte, which every replica would need at once.
const followUnpacked = 16 << 20

// followPause is the pause after a poll that met trouble.
const followPause = time.Second

// sortOut returns the error of a poll that only a person can mend. Anything else is logged and tried again after a
// pause. Lost data is none here: the state of a compacted topic is what can still be read.
func (c *Cluster) sortOut(ctx context.Context, fetches kgo.Fetches, topic string) error {
	for _, e := range fetches.Errors() {
		_, lost := errors.AsType[*kgo.ErrDataLoss](e.Err)
		_, bomb := errors.AsType[*kgo.ErrDecompressTooLarge](e.Err)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // asked to stop
		case lost, bomb:
			continue
		case errors.Is(e.Err, kerr.TopicAuthorizationFailed), errors.Is(e.Err, kerr.UnknownTopicID), errors.Is(e.Err, kgo.ErrClientClosed):
			return fmt.Errorf("reading topic %s: %w", topic, c.Explain(e.Err))
		}
		c.log.Warn("reading a control topic, trying again", "topic", topic, "err", c.Explain(e.Err))
		select {
		case <-time.After(followPause):
		case <-ctx.Done():
		}
	}
	return nil
}
