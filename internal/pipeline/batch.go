package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
	"ttpworker/internal/produce"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tracing"
	"ttpworker/internal/wire"
)

var _ consume.Handler = (*Pipeline)(nil)

// A Pipeline turns records into tags and dead letters. It is safe for concurrent use.
type Pipeline struct {
	decoder *wire.Decoder
	schemas Schemas
	outputs produce.Outputs
	dead    consume.DeadLetters
	plans   *Plans
	tracer  *tracing.Tracer
	log     *slog.Logger
	metrics *batchMetrics
	letters map[wire.Class]*atomic.Uint64 // dead letters by class; the map never changes
	window  letterWindow
}

// Ready implements consume.Handler: it is closed while there are rules.
func (p *Pipeline) Ready() <-chan struct{} { return p.plans.Ready() }

// Begin implements consume.Handler: the batch works under the plan now in force. There must be one: see
// Plans.Ready.
func (p *Pipeline) Begin() consume.Batch {
	return &batch{pipeline: p, plan: p.plans.begin(), began: time.Now(), count: batchTally{limit: p.window.limit}}
}

// Metadata implements consume.Handler: the digest of the plan in force.
func (p *Pipeline) Metadata() string {
	if plan := p.plans.Current(); plan != nil {
		return plan.Digest
	}
	return ""
}

// errNoRule is what partitions wait for when the last rule is gone.
var errNoRule = errors.New("there is no rule: no event is taken before there is one")

// A batch is one transaction's work. Its plan never changes.
type batch struct {
	pipeline *Pipeline
	plan     *Plan
	began    time.Time
	count    batchTally

	mu      sync.Mutex
	records int
	outputs int
	times   [][]moments     // of the records, by call of Outputs
	spans   []*tracing.Span // of the records that carry a trace
}

// Metadata implements consume.Batch: the offsets say under which plan they were reached.
func (b *batch) Metadata() string { return b.plan.Digest }

// Check implements consume.Batch: a *FloodError if too many records are dead letters.
func (b *batch) Check() error {
	return b.pipeline.window.admit(time.Now(), &b.count.tally)
}

// End implements consume.Batch.
func (b *batch) End(committed bool) {
	b.pipeline.plans.end(b.plan)
	b.pipeline.window.end(time.Now(), &b.count.tally, committed)
	for _, s := range b.spans {
		s.End(committed)
	}
	if !committed || b.records == 0 && b.outputs == 0 { // or it only said under which plan the partitions are
		return
	}
	now, m := time.Now(), b.pipeline.metrics
	m.duration.Observe(now.Sub(b.began).Seconds())
	m.records.Observe(float64(b.records))
	m.outputs.Observe(float64(b.outputs))
	m.committed(now, b.times)
}

// note adds to what is known of the batch when it ends.
func (b *batch) note(records, outputs int, times []moments) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.records += records
	b.outputs += outputs
	b.times = append(b.times, times)
}

// Unreadable implements consume.Batch: one dead letter that says where they are.
func (b *batch) Unreadable(_ context.Context, dst []kafka.Record, at *kafka.Record, _ int64, cause error) ([]kafka.Record, error) {
	b.count.read(1) // how many there are is not known
	b.note(0, 1, nil)
	return append(dst, b.malformed(at, &wire.Error{Class: wire.TooLarge, Err: cause})), nil
}

// Outputs implements consume.Batch: tags in the order of their events, or one dead letter for a record that is
// no event, unless its format says that such records are to be skipped. A record of a schema that may yet be found has
// the partition wait, and so does every record while there is no rule: see Reloader.Run.
func (b *batch) Outputs(ctx context.Context, dst, recs []kafka.Record) ([]kafka.Record, error) {
	if b.plan.Rules == 0 {
		return dst, &consume.HoldError{Topic: recs[0].Topic, Partition: recs[0].Partition, Until: b.pipeline.Ready(), Err: errNoRule}
	}
	var tags []tagger.Tag
	now, before := time.Now(), len(dst)
	var n outcomes
	defer func() { b.pipeline.metrics.add(&n) }()
	times := make([]moments, 0, len(recs))
	b.count.read(len(recs))
	for i := range recs {
		if err := ctx.Err(); err != nil {
			return dst, err
		}
		rec, at := &recs[i], moments{record: recs[i].Time.UnixMilli(), event: noTime}
		span := b.trace(rec)
		var err error
		tags, err = b.tag(tags[:0], rec, &at, &n)
		switch {
		case err == nil:
			dst, err = b.encode(dst, rec, tags, now, span, &n)
		case n.skip(err):
			err = nil
			span.Tagged(0)
		default:
			if err = b.seek(recs[i:], err); isHold(err) {
				return dst, err
			}
		}
		if dst, err = b.sortOut(dst, rec, err, span); err != nil {
			return dst, fmt.Errorf("record %s: %w", consume.Source(rec), err)
		}
		times = append(times, at)
	}
	b.note(len(recs), len(dst)-before, times)
	return dst, nil
}

// trace begins the span of a record that carries a trace; for any other it is nil.
func (b *batch) trace(rec *kafka.Record) *tracing.Span {
	span := b.pipeline.tracer.Begin(rec, b.plan.Digest)
	if span != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.spans = append(b.spans, span)
	}
	return span
}

// tag decodes one record, appends its tags and notes when the event happened.
func (b *batch) tag(tags []tagger.Tag, rec *kafka.Record, at *moments, n *outcomes) ([]tagger.Tag, error) {
	ev, repairs, err := b.pipeline.decoder.Event(rec.Value, rec.Time)
	if err != nil {
		return tags, err
	}
	at.event = ev.EventTime.UnixMilli()
	n.repairs += repairs
	return b.plan.AppendTags(tags, &ev)
}

// encode appends the records of the tags of one event. On error dst comes back as it was: an event has all its
// tags or none.
func (b *batch) encode(
	dst []kafka.Record, rec *kafka.Record, tags []tagger.Tag, now time.Time, span *tracing.Span, n *outcomes,
) ([]kafka.Record, error) {
	out := dst
	var from produce.Source
	if len(tags) > 0 { // most events have none
		from = produce.Source{Partition: rec.Partition, Position: consume.Source(rec), Plan: b.plan.Digest, Trace: span.Headers()}
	}
	for i := range tags {
		r, err := b.pipeline.outputs.TagRecord(&tags[i], from, now)
		if err != nil {
			return dst, err
		}
		out = append(out, r)
	}
	n.event(tags)
	span.Tagged(len(tags))
	return out, nil
}

// sortOut is the only place that decides what a fault means: malformed records become dead letters and the batch
// goes on, everything else stops the worker. Retryable faults never get here: kgo retries them.
func (b *batch) sortOut(dst []kafka.Record, rec *kafka.Record, err error, span *tracing.Span) ([]kafka.Record, error) {
	if err == nil {
		return dst, nil
	}
	malformed, ok := errors.AsType[*wire.Error](err)
	if !ok {
		b.pipeline.metrics.events.WithLabelValues("failed").Inc()
		span.Failed("failed")
		return dst, err
	}
	span.Failed(string(malformed.Class))
	return append(dst, b.malformed(rec, malformed)), nil
}

// malformed makes a dead letter.
func (b *batch) malformed(rec *kafka.Record, fault *wire.Error) kafka.Record {
	b.count.dead(rec, fault)
	b.pipeline.malformed(rec, fault)
	return b.pipeline.dead.Record(rec, string(fault.Class), fault)
}
