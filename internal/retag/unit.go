package retag

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
	"ttpworker/internal/tagger"
)

// A unit is the work on one partition: its tags, and what its events make of them. One goroutine at a time uses it.
//
// What an event decides hangs on the tags that were there when the unit was made and on the events of the range before it,
// never on what the job has written: so records that come again, because a transaction was aborted, give the same again.
type unit struct {
	*Evaluator

	at     kafka.Partition
	span   kafka.Span
	job    string
	labels *labels
	index  [sides]index
	added  index                                                          // tags that were counted as added, with the first event that gives each; never sealed
	reread func(ctx context.Context, offset int64) (*kafka.Record, error) // an event of the range; nil = it is gone

	// The last event so far that yields a tag which is there from a later event: if that one does not yield it, this one
	// decides.
	earlier map[uuid.UUID]earlier
	sweepAt int // how many of them there are when those that are over are forgotten

	yields []tagger.Tag // of the event at hand
	buf    []byte
}

// earlier is an event that yields a tag before the one that it is there from.
type earlier struct {
	event  int64
	source int64 // the latest that the tag is there from
	kept   bool  // what the event yields is not known, and the tag is there from it, too
}

func newUnit(e *Evaluator, at kafka.Partition, span kafka.Span, job string, names *labels) *unit {
	return &unit{Evaluator: e, at: at, span: span, job: job, labels: names, earlier: map[uuid.UUID]earlier{}, sweepAt: minSweep}
}

// take appends what an event has the job write, and counts.
func (u *unit) take(ctx context.Context, dst []kafka.Record, rec *kafka.Record, count *Report) ([]kafka.Record, error) {
	if rec.Offset < u.span.From || rec.Offset >= u.span.To {
		return dst, nil
	}
	count.Events++
	var known bool
	var err error
	if u.yields, known, err = u.tags(ctx, u.yields[:0], rec); err != nil {
		return dst, err
	}
	var fresh Report
	var out []kafka.Record
	if known {
		out, err = u.decide(ctx, dst, rec, &fresh)
	} else {
		out, err = u.keep(dst, rec, &fresh)
	}
	if err != nil {
		return dst, err
	}
	fresh.Records = len(out) - len(dst)
	count.add(&fresh)
	return out, nil
}

// keep leaves the tags of an event of which it is not known what it yields. What is on the other side from before is
// not theirs any more.
func (u *unit) keep(dst []kafka.Record, rec *kafka.Record, count *Report) ([]kafka.Record, error) {
	count.Unknown++
	for s := range sides {
		err := u.index[s].each(rec.Offset, func(id uuid.UUID, was found) error {
			if was.label == ghost {
				return nil
			}
			count.Kept++
			there, err := u.there(id)
			switch {
			case err != nil:
				return err
			case there.foreign: // it has moved since
				dst = append(dst, u.tombstone(s, id, rec.Partition, consume.Source(rec), u.job))
			case there.latest > rec.Offset:
				u.earlier[id] = earlier{event: rec.Offset, source: there.latest, kept: true}
			case there.older(s.other(), rec.Offset):
				dst = append(dst, u.tombstone(s.other(), id, rec.Partition, consume.Source(rec), u.job))
			}
			return nil
		})
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// standing is what is there of a key, in both topics.
type standing struct {
	is      [sides]bool
	found   [sides]found
	latest  int64 // of their sources; -1 = it is not there
	foreign bool  // that is outside the range: it is neither written nor deleted
}

func (u *unit) there(id uuid.UUID) (st standing, err error) {
	st.latest = -1
	for s := range sides {
		if st.found[s], st.is[s], err = u.index[s].get(id); err != nil {
			return st, err
		}
		if st.is[s] {
			st.latest = max(st.latest, st.found[s].source)
			st.is[s] = st.found[s].label != ghost
		}
	}
	st.foreign = st.latest >= u.span.To || st.latest >= 0 && st.latest < u.span.From
	return st, nil
}

// older reports whether the key is on a side from an event before this offset.
func (st *standing) older(s side, offset int64) bool { return st.is[s] && st.found[s].source < offset }

// decide appends what the yields of an event, and the tags that are there from it, make the job write.
func (u *unit) decide(ctx context.Context, dst []kafka.Record, rec *kafka.Record, count *Report) ([]kafka.Record, error) {
	now := time.Now()
	for i := range u.yields {
		t := &u.yields[i]
		there, err := u.there(t.ID)
		switch {
		case err != nil:
			return dst, err
		case there.foreign:
			count.Outside++
			continue
		case there.latest > rec.Offset:
			u.earlier[t.ID] = earlier{event: rec.Offset, source: there.latest}
			continue
		}
		if dst, err = u.write(dst, rec, t, &there, now, count); err != nil {
			return dst, err
		}
	}
	for s := range sides {
		err := u.index[s].each(rec.Offset, func(id uuid.UUID, there found) (err error) {
			if there.label != ghost {
				dst, err = u.stale(ctx, dst, rec, s, id, there, count)
			}
			return err
		})
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// write appends a tag of the event that decides about it, unless it is there as it has to be.
func (u *unit) write(dst []kafka.Record, rec *kafka.Record, t *tagger.Tag, there *standing, now time.Time, count *Report) ([]kafka.Record, error) {
	s := sideOf(t)
	change := Added
	if there.is[trusted] || there.is[shadow] {
		change = Changed
	}
	same := false // it is there as it has to be
	if there.is[s] && there.found[s].source == rec.Offset {
		var digest uint64
		var err error
		if u.buf, digest, err = u.digest(u.buf, t); err != nil {
			return dst, err
		}
		same = digest == there.found[s].digest
	}
	if same && !there.is[s.other()] {
		change = Unchanged
	}
	if !same {
		r, err := u.record(t, rec, u.job, now)
		if err != nil {
			return dst, err
		}
		dst = append(dst, r)
	}
	if there.older(s.other(), rec.Offset) { // its state was another one; an event that cannot be read has kept it
		dst = append(dst, u.tombstone(s.other(), t.ID, rec.Partition, consume.Source(rec), u.job))
	}
	if change == Added {
		if first, err := u.first(t.ID, rec.Offset); err != nil || !first {
			return dst, err
		}
	}
	count.count(change, labelOf(t), t.ID.String, func() string { return consume.Source(rec) })
	return dst, nil
}

// first reports whether no event before this one has been seen to add the tag. Asked again, as records come again when a transaction
// was aborted, it says the same.
func (u *unit) first(id uuid.UUID, offset int64) (bool, error) {
	was, is, err := u.added.get(id)
	if err != nil || is {
		return is && was.source == offset, err
	}
	return true, u.added.put(id, found{source: offset})
}

// yielded returns the side on which the event at hand yields a tag.
func (u *unit) yielded(id uuid.UUID) (s side, is bool) {
	for i := range u.yields {
		if u.yields[i].ID == id {
			return sideOf(&u.yields[i]), true
		}
	}
	return 0, false
}

// stale decides about a tag that is on a side from the event at hand. If the event does not yield it, the last one before that
// does so decides, else it does not hold any more.
func (u *unit) stale(
	ctx context.Context, dst []kafka.Record, rec *kafka.Record, s side, id uuid.UUID, was found, count *Report,
) ([]kafka.Record, error) {
	there, err := u.there(id)
	if err != nil {
		return dst, err
	}
	on, yielded := u.yielded(id)
	if yielded && on == s && !there.foreign {
		return dst, nil // decide has seen to it
	}
	second := s == shadow && there.is[trusted] && there.found[trusted].source == rec.Offset // it is in both topics: the other has counted
	before, is := u.earlier[id]
	if is = is && !yielded && there.latest == rec.Offset; is && !before.kept {
		r, t, err := u.again(ctx, id, before.event)
		if err != nil {
			return dst, err
		}
		if is = t != nil; is {
			if !second {
				count.count(Changed, labelOf(t), id.String, func() string { return r.Header(sourceHeader) })
				dst = append(dst, r)
			}
			if sideOf(t) == s {
				if there.older(s.other(), rec.Offset) {
					dst = append(dst, u.tombstone(s.other(), id, rec.Partition, consume.Source(rec), u.job))
				}
				return dst, nil
			}
		}
	}
	if !yielded && !is && !second && there.latest == rec.Offset { // else it is counted where it is decided
		count.count(Removed, u.labels.name(was.label), id.String, func() string { return consume.Source(rec) })
	}
	return append(dst, u.tombstone(s, id, rec.Partition, consume.Source(rec), u.job)), nil
}

// again is the record of a tag of an earlier event; t is nil if that event is gone since.
func (u *unit) again(ctx context.Context, id uuid.UUID, offset int64) (r kafka.Record, t *tagger.Tag, err error) {
	rec, err := u.reread(ctx, offset)
	if err != nil || rec == nil {
		return r, nil, err
	}
	tags, _, err := u.tags(ctx, nil, rec)
	if err != nil {
		return r, nil, err
	}
	for i := range tags {
		if tags[i].ID == id {
			r, err = u.record(&tags[i], rec, u.job, time.Now())
			return r, &tags[i], err
		}
	}
	return r, nil, fmt.Errorf("event %s yielded tag %s and does not any more", consume.Source(rec), id)
}

// low is where to go on after a restart when all before next is done: no further than the first event that may still decide
// about a tag which is there from one to come.
func (u *unit) low(next int64) int64 {
	low := next
	for _, e := range u.earlier {
		if e.source >= next {
			low = min(low, e.event)
		}
	}
	return low
}

// minSweep is how many earlier events are kept at least before any is forgotten.
const minSweep = 1000

// passed forgets what was decided when all before next is committed: once there are twice as many earlier events as were left the
// last time, so that an event costs the same however many there are.
func (u *unit) passed(next int64) {
	if len(u.earlier) < u.sweepAt {
		return
	}
	for id, e := range u.earlier {
		if e.source < next {
			delete(u.earlier, id)
		}
	}
	u.sweepAt = max(2*len(u.earlier), minSweep)
}

// close gives the indexes up.
func (u *unit) close() error {
	var errs []error
	for _, x := range append(u.index[:], u.added) {
		if x != nil {
			errs = append(errs, x.close())
		}
	}
	return errors.Join(errs...)
}
