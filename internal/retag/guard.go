package retag

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"ttpworker/internal/kafka"
	"ttpworker/internal/produce"
	"ttpworker/internal/tagger"
)

// guardChunk is how many records are written in one transaction when tags are restored.
const guardChunk = 500

// guard has the last look at a partition whose range is done. While the job ran, a live worker may have tagged an event that
// was sent again, and the job may have put the tag of the first one over that. So the events behind the cut are read, as
// far as live workers are, and what they yield of the job's keys is written again. It goes on until there is nothing to
// write: what it writes may be over something newer in turn. It can be killed and done again: what it writes is the job's.
func (r *Run) guard(ctx context.Context, at kafka.Partition) error {
	part := r.job.Parts[at]
	w := &written{next: part.Tags}
	for from := part.Cut; ; {
		restored, to, err := r.restorable(ctx, at, from, w)
		if err == nil {
			err = r.restore(ctx, restored)
		}
		if err != nil {
			return fmt.Errorf("looking at what was tagged in %s/%d meanwhile: %w", at.Topic, at.Number, err)
		}
		if len(restored) == 0 {
			break
		}
		from = to
	}
	if w.other != "" {
		r.log.Warn("another job wrote tags of the same events meanwhile: which of the two has written last is chance, so retag again when both are done",
			"topic", at.Topic, "partition", at.Number, "job", r.job.ID, "other", w.other)
	}
	return nil
}

// restorable are the records of what events from an offset on, up to another one, yield of the keys that the job has written.
func (r *Run) restorable(ctx context.Context, at kafka.Partition, from int64, w *written) (recs []kafka.Record, to int64, err error) {
	var ours [sides]index // keys whose latest record is the job's
	defer func() {
		for _, x := range ours {
			err = errors.Join(err, x.close())
		}
	}()
	for s := range ours {
		ours[s] = newIndex(r.memory, r.dir, func(tags int) {
			r.log.Warn("index of written tags goes to disk", "topic", at.Topic, "partition", at.Number, "tags", tags)
		})
	}
	w.any = false
	for s := range sides {
		if err := r.written(ctx, at, s, w, ours[s]); err != nil {
			return nil, 0, err
		}
	}
	if !w.any {
		return nil, from, nil
	}
	if to, err = r.reached(ctx, at, w); err != nil || to <= from {
		return nil, from, err
	}
	recs, err = r.later(ctx, at, kafka.Span{From: from, To: to}, ours)
	return recs, to, err
}

// written is what was written into the topics of tags of a partition since the job began.
type written struct {
	next  [sides]int64 // where to read on
	any   bool         // the job has, since the last time
	live  int64        // one behind the last event that others have tagged
	other string       // a job that has written tags of the range
}

// written reads on in a topic of tags, waits for what is on its way there, and puts the keys whose latest record is the job's into
// an index.
func (r *Run) written(ctx context.Context, at kafka.Partition, s side, w *written, ours index) error {
	topic := r.topic(s)
	span, err := r.whole(ctx, topic, at.Number)
	if err != nil {
		return err
	}
	part := r.job.Parts[at]
	span.From = max(span.From, w.next[s])
	err = r.read(ctx, topic, at.Number, span, func(rec *kafka.Record) error {
		id, is := produce.TagKey(rec.Key)
		if !is {
			return nil
		}
		job := rec.Header(HeaderJob)
		if job == r.job.ID {
			w.any = true
			return ours.put(id, found{})
		}
		if err := ours.remove(id); err != nil {
			return err
		}
		switch source, in := offsetIn(at, rec.Header(sourceHeader)); {
		case !in:
		case job != "" && source >= part.Span.From && source < part.Span.To:
			w.other = job
		default:
			w.live = max(w.live, source+1)
		}
		return nil
	})
	w.next[s] = span.To
	return err
}

// reached is how far live workers are, once all that was on its way into the topics of tags has been read: whatever they write
// of later events comes behind what the job has written. A worker without transactions tags an event before it commits it.
func (r *Run) reached(ctx context.Context, at kafka.Partition, w *written) (int64, error) {
	live, err := r.cluster.Positions(ctx, r.liveGroup)
	if err != nil {
		return 0, err
	}
	ends, err := r.cluster.Ends(ctx, at.Topic)
	return min(max(live[at].Offset, w.live), ends[at.Number]), err // somebody may have written a source that never was
}

// later are the records of what events yield of the keys of indexes, the last of each, and of what is on the other side then.
func (r *Run) later(ctx context.Context, at kafka.Partition, span kafka.Span, of [sides]index) ([]kafka.Record, error) {
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
			if is, err := holds(of, t.ID); err != nil {
				return err
			} else if !is {
				continue
			}
			out, err := r.record(t, rec, r.job.ID, time.Now())
			if err != nil {
				return err
			}
			if latest[t.ID] == nil {
				order = append(order, t.ID)
			}
			other := r.tombstone(sideOf(t).other(), t.ID, at.Number, out.Header(sourceHeader), r.job.ID)
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

// holds reports whether a key is in one of the indexes, which need not be sealed.
func holds(of [sides]index, id uuid.UUID) (bool, error) {
	for _, x := range of {
		if t, is, err := x.get(id); err != nil || is && t.source != gone {
			return err == nil, err
		}
	}
	return false, nil
}

// restore writes records.
func (r *Run) restore(ctx context.Context, recs []kafka.Record) error {
	if len(recs) == 0 {
		return nil
	}
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
