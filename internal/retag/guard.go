package retag

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"ttpworker/internal/kafka"
	"ttpworker/internal/tagger"
)

// guardChunk is how many records are written in one transaction when tags are restored.
const guardChunk = 500

// guard has the last look at a partition whose range is done. While the job ran, a live worker may have tagged an event that
// was sent again, and the job may have put the tag of the first one over that. So the events behind the cut are read, as
// far as live workers are, and what they yield of the job's keys is written again. It goes on until there is nothing to
// write: what it writes may be over something newer in turn.
func (r *Run) guard(ctx context.Context, at kafka.Partition) error {
	part := r.job.Parts[at]
	ours, err := r.written(ctx, at, part)
	from := part.Cut
	for err == nil && len(ours) > 0 {
		var to int64
		if to, err = r.settled(ctx, at); err != nil {
			break
		}
		var restored []kafka.Record
		if restored, err = r.later(ctx, at, kafka.Span{From: from, To: to}, ours); err == nil && len(restored) > 0 {
			err = r.restore(ctx, restored)
		}
		clear(ours)
		for i := range restored {
			if id, err := uuid.ParseBytes(restored[i].Key); err == nil {
				ours[id] = struct{}{}
			}
		}
		from = to
	}
	if err != nil {
		return fmt.Errorf("looking at what was tagged in %s/%d meanwhile: %w", at.Topic, at.Number, err)
	}
	return nil
}

// written are the keys whose latest record since the job began is the job's.
func (r *Run) written(ctx context.Context, at kafka.Partition, part Part) (map[uuid.UUID]struct{}, error) {
	ours := map[uuid.UUID]struct{}{}
	for s := range sides {
		topic := r.topic(s)
		ends, err := r.cluster.Ends(ctx, topic)
		if err != nil {
			return nil, err
		}
		starts, err := r.cluster.Starts(ctx, topic)
		if err != nil {
			return nil, err
		}
		side := map[uuid.UUID]struct{}{}
		span := kafka.Span{From: max(part.Tags[s], starts[at.Number]), To: ends[at.Number]}
		err = r.read(ctx, topic, at.Number, span, func(rec *kafka.Record) error {
			if id, err := uuid.ParseBytes(rec.Key); err == nil {
				if rec.Header(HeaderJob) == r.job.ID {
					side[id] = struct{}{}
				} else {
					delete(side, id)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		for id := range side {
			ours[id] = struct{}{}
		}
	}
	return ours, nil
}

// settled is how far live workers are, once all that was on its way into the topics of tags has arrived: whatever they write
// of later events comes behind what the job has written.
func (r *Run) settled(ctx context.Context, at kafka.Partition) (int64, error) {
	for s := range sides {
		topic := r.topic(s)
		ends, err := r.cluster.Ends(ctx, topic)
		if err != nil {
			return 0, err
		}
		last := kafka.Span{From: max(ends[at.Number]-1, 0), To: ends[at.Number]}
		if err := r.read(ctx, topic, at.Number, last, func(*kafka.Record) error { return nil }); err != nil {
			return 0, err
		}
	}
	live, err := r.cluster.Positions(ctx, r.liveGroup)
	return live[at].Offset, err
}

// later are the records of what events yield of the keys, the last of each, and of what is on the other side then.
func (r *Run) later(ctx context.Context, at kafka.Partition, span kafka.Span, keys map[uuid.UUID]struct{}) ([]kafka.Record, error) {
	latest := map[uuid.UUID][]kafka.Record{}
	var order []uuid.UUID
	var tags []tagger.Tag
	err := r.read(ctx, at.Topic, at.Number, span, func(rec *kafka.Record) error {
		var err error
		if tags, _, err = r.tags(ctx, tags[:0], rec); err != nil {
			return err
		}
		for i := range tags {
			t := &tags[i]
			if _, is := keys[t.ID]; !is {
				continue
			}
			out, err := r.record(t, rec, "", time.Now())
			if err != nil {
				return nil //nolint:nilerr // too large: live workers have made a dead letter of the event
			}
			if latest[t.ID] == nil {
				order = append(order, t.ID)
			}
			other := r.tombstone(sideOf(t).other(), t.ID, at.Number, out.Header(sourceHeader), "")
			latest[t.ID] = []kafka.Record{other, out}
		}
		return nil
	})
	var out []kafka.Record
	for _, id := range order {
		out = append(out, latest[id]...)
	}
	return out, err
}

// restore writes records.
func (r *Run) restore(ctx context.Context, recs []kafka.Record) error {
	w, err := r.cluster.NewTransactor(ctx, r.job.Group()+"-"+uuid.NewString(), r.limits) // two that do the same do no harm
	if err != nil {
		return err
	}
	defer w.Close()
	for len(recs) > 0 {
		n := min(len(recs), guardChunk)
		if err := w.Write(ctx, recs[:n]); err != nil {
			return err
		}
		r.mu.Lock()
		r.report.Restored += n / 2 // a tag and the tombstone beside it
		r.report.Records += n
		r.mu.Unlock()
		recs = recs[n:]
	}
	return nil
}
