package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// A Position is what a group has committed for a partition: where it goes on, and what it says about that.
type Position struct {
	Offset   int64
	Metadata string
}

// Positions are what a group has committed, by partition; one without a commit is missing. An offset that is on its way in
// an open transaction is waited for.
func (c *Cluster) Positions(ctx context.Context, group string) (map[Partition]Position, error) {
	adm, err := c.admin()
	if err != nil {
		return nil, err
	}
	var committed kadm.OffsetResponses
	for {
		err = c.insist(ctx, func(ctx context.Context) (err error) {
			if committed, err = adm.FetchOffsets(kadm.RequireStable(ctx), group); err == nil {
				err = committed.Error()
			}
			return err
		})
		if !errors.Is(err, kerr.UnstableOffsetCommit) || ctx.Err() != nil {
			break // else patience is over before a dead producer's transaction times out
		}
		c.log.Warn("an open transaction holds offsets of a group back, waiting for its end", "group", group)
	}
	if errors.Is(err, kerr.GroupIDNotFound) {
		return map[Partition]Position{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the offsets of group %s: %w", group, c.Explain(err))
	}
	out := map[Partition]Position{}
	committed.Each(func(o kadm.OffsetResponse) {
		if o.At >= 0 {
			out[Partition{o.Topic, o.Partition}] = Position{o.At, o.Metadata}
		}
	})
	return out, nil
}

// SetPositions commits positions for a group that has no members.
func (c *Cluster) SetPositions(ctx context.Context, group string, positions map[Partition]Position) error {
	adm, err := c.admin()
	if err != nil {
		return err
	}
	var offsets kadm.Offsets
	for p, at := range positions {
		offsets.Add(kadm.Offset{Topic: p.Topic, Partition: p.Number, At: at.Offset, LeaderEpoch: -1, Metadata: at.Metadata})
	}
	err = c.insist(ctx, func(ctx context.Context) error {
		answers, err := adm.CommitOffsets(ctx, group, offsets)
		if err == nil {
			err = answers.Error()
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("committing offsets of group %s: %w", group, c.Explain(err))
	}
	return nil
}

// DeleteGroup deletes a group that has no members.
func (c *Cluster) DeleteGroup(ctx context.Context, group string) error {
	adm, err := c.admin()
	if err != nil {
		return err
	}
	answer, err := adm.DeleteGroup(ctx, group)
	if err == nil {
		err = answer.Err
	}
	if err != nil {
		return fmt.Errorf("deleting group %s: %w", group, c.Explain(err))
	}
	return nil
}

// Ends are the ends of all partitions of a topic as they are now, what is in open transactions included.
func (c *Cluster) Ends(ctx context.Context, topic string) (map[int32]int64, error) {
	return c.offsets(ctx, topic, func(ctx context.Context, adm *kadm.Client) (kadm.ListedOffsets, error) {
		return adm.ListEndOffsets(ctx, topic)
	})
}

// Starts are the first offsets that are still there, by partition.
func (c *Cluster) Starts(ctx context.Context, topic string) (map[int32]int64, error) {
	return c.offsets(ctx, topic, func(ctx context.Context, adm *kadm.Client) (kadm.ListedOffsets, error) {
		return adm.ListStartOffsets(ctx, topic)
	})
}

// OffsetsAfter are the offsets of the first records of at or later, by partition; the end where there is none.
func (c *Cluster) OffsetsAfter(ctx context.Context, topic string, at time.Time) (map[int32]int64, error) {
	return c.offsets(ctx, topic, func(ctx context.Context, adm *kadm.Client) (kadm.ListedOffsets, error) {
		return adm.ListOffsetsAfterMilli(ctx, at.UnixMilli(), topic)
	})
}

func (c *Cluster) offsets(
	ctx context.Context, topic string, list func(context.Context, *kadm.Client) (kadm.ListedOffsets, error),
) (map[int32]int64, error) {
	adm, err := c.admin()
	if err != nil {
		return nil, err
	}
	var found kadm.ListedOffsets
	err = c.insist(ctx, func(ctx context.Context) (err error) {
		found, err = listed(list(ctx, adm))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("finding offsets of topic %s: %w", topic, c.Explain(err))
	}
	out := map[int32]int64{}
	found.Each(func(o kadm.ListedOffset) { out[o.Partition] = o.Offset })
	return out, nil
}

// errEnough ends a scan early.
var errEnough = errors.New("enough was read")

// ReadAt returns the committed record at an offset of a topic of events, nil if none is there (any more): retention or
// compaction has taken it, it was aborted, or it is no record but a marker. One in a batch that is passed over is an error.
func (c *Cluster) ReadAt(ctx context.Context, at Partition, offset int64) (*Record, error) {
	var found *Record
	starts, err := c.Starts(ctx, at.Topic)
	if err != nil {
		return nil, err
	}
	ends, err := c.Ends(ctx, at.Topic)
	if err != nil {
		return nil, err
	}
	start, known := starts[at.Number]
	if !known || offset < start || offset >= ends[at.Number] {
		return nil, nil //nolint:nilnil // there is none
	}
	// Up to the end, as compaction may have taken this one: the first that comes tells.
	err = c.ScanEvents(ctx, at, Span{From: offset, To: ends[at.Number]}, func(r *Record) error {
		if r.Offset == offset {
			found = r
		}
		return errEnough
	}, func(part Span) error {
		if part.From > offset {
			return errEnough
		}
		return fmt.Errorf("it is in a batch, up to offset %d, that unpacks to more than %d bytes: such are passed over", part.To-1, c.maxUnpacked)
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	return found, nil
}
