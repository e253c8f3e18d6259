package retag

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
	"ttpworker/internal/tagger"
)

// Dry reports what a job would do and writes nothing.
func Dry(ctx context.Context, e *Evaluator, job *Job, cluster *kafka.Cluster, s Settings, log *slog.Logger) (Report, error) {
	r := NewRun(e, job, cluster, s, log)
	return r.each(ctx, func(ctx context.Context, at kafka.Partition, span kafka.Span, count *Report) (err error) {
		u := r.unit(at)
		defer func() { r.Released(map[string][]int32{at.Topic: {at.Number}}) }()
		select {
		case <-u.ready:
		case <-ctx.Done():
			return ctx.Err()
		}
		if u.err != nil {
			return u.err
		}
		var out []kafka.Record
		return r.events(ctx, at, span, func(rec *kafka.Record) error {
			out, err = u.take(ctx, out[:0], rec, count)
			u.passed(rec.Offset) // nothing is committed, so nothing comes again
			return err
		}, func(part kafka.Span) error {
			out, err = u.passOver(out[:0], part, count)
			u.passed(part.To - 1)
			return err
		})
	})
}

// Compare reports what a candidate plan yields for the events of a job against the plan of e, whatever is in the topics of
// tags. Events of which one of them does not know what they yield are unknown.
func Compare(ctx context.Context, e, candidate *Evaluator, job *Job, cluster *kafka.Cluster, s Settings, log *slog.Logger) (Report, error) {
	r := NewRun(e, job, cluster, s, log)
	return r.each(ctx, func(ctx context.Context, at kafka.Partition, span kafka.Span, count *Report) error {
		var c comparison
		return r.events(ctx, at, span, func(rec *kafka.Record) error {
			count.Events++
			return c.compare(ctx, e, candidate, rec, count)
		}, func(part kafka.Span) error {
			count.Events += int(part.To - part.From)
			count.Unknown += int(part.To - part.From)
			return nil
		})
	})
}

// each calls work for each partition of the job, as many at once as there are processors, and adds their reports.
func (r *Run) each(ctx context.Context, work func(context.Context, kafka.Partition, kafka.Span, *Report) error) (Report, error) {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	var mu sync.Mutex
	var sum Report
	for at, part := range r.job.Parts {
		g.Go(func() error {
			var count Report
			if err := work(ctx, at, part.Span, &count); err != nil {
				return fmt.Errorf("partition %s/%d: %w", at.Topic, at.Number, err)
			}
			mu.Lock()
			defer mu.Unlock()
			sum.add(&count)
			return nil
		})
	}
	err := g.Wait()
	r.report = sum
	return r.result(), err
}

// events calls take for each event of a span, and passOver for those that live workers have passed over.
func (r *Run) events(
	ctx context.Context, at kafka.Partition, span kafka.Span, take func(*kafka.Record) error, passOver func(kafka.Span) error,
) error {
	return r.cluster.ScanEvents(ctx, at, span, func(rec *kafka.Record) error {
		defer r.progressed(1)
		return take(rec)
	}, func(part kafka.Span) error {
		defer r.progressed(part.To - part.From)
		return passOver(part)
	})
}

// progressed tells of more events that a dry run has read.
func (r *Run) progressed(events int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen += events; r.progress != nil {
		r.progress(r.seen)
	}
}

// A comparison holds two evaluators against each other, event by event.
type comparison struct {
	before, after []tagger.Tag
	buf           []byte
}

// compare counts what one event yields.
func (c *comparison) compare(ctx context.Context, e, candidate *Evaluator, rec *kafka.Record, count *Report) error {
	var known, alsoKnown bool
	var err error
	if c.before, known, err = e.tags(ctx, c.before[:0], rec); err != nil {
		return err
	}
	if c.after, alsoKnown, err = candidate.tags(ctx, c.after[:0], rec); err != nil {
		return err
	}
	if !known || !alsoKnown {
		count.Unknown++
		return nil
	}
	source := func() string { return consume.Source(rec) }
	for i := range c.after {
		t := &c.after[i]
		change := Added
		if was := tagOf(c.before, t.ID); was != nil {
			same, err := c.same(e, was, t)
			if err != nil {
				return err
			}
			if change = Changed; same {
				change = Unchanged
			}
		}
		count.count(change, labelOf(t), t.ID.String, source)
	}
	for i := range c.before {
		if t := &c.before[i]; tagOf(c.after, t.ID) == nil {
			count.count(Removed, labelOf(t), t.ID.String, source)
		}
	}
	return nil
}

func (c *comparison) same(e *Evaluator, a, b *tagger.Tag) (same bool, err error) {
	var x, y uint64
	if c.buf, x, err = e.digest(c.buf, a); err != nil {
		return false, err
	}
	if c.buf, y, err = e.digest(c.buf, b); err != nil {
		return false, err
	}
	return x == y && sideOf(a) == sideOf(b), nil
}

func tagOf(tags []tagger.Tag, id uuid.UUID) *tagger.Tag {
	for i := range tags {
		if tags[i].ID == id {
			return &tags[i]
		}
	}
	return nil
}
