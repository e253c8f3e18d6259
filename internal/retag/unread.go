package retag

import (
	"context"

	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
)

// Unreadable implements consume.Batch: what the tags of events are that cannot be read is not known, so they stay. It waits
// until the tags of the partition are read, which no other event may have begun.
func (b *batch) Unreadable(ctx context.Context, dst []kafka.Record, from *kafka.Record, next int64, cause error) ([]kafka.Record, error) {
	at := kafka.Partition{Topic: from.Topic, Number: from.Partition}
	part, ours := b.run.job.Parts[at]
	if !ours || from.Offset >= part.Span.To {
		return dst, nil
	}
	b.run.log.Warn("events cannot be read, their tags stay", "source", consume.Source(from), "err", cause)
	u := b.run.unit(at)
	select {
	case <-u.ready:
	case <-ctx.Done():
		return dst, ctx.Err()
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := u.usable(); err != nil {
		return dst, err
	}
	d := b.part(at, u)
	d.next = next
	return u.passOver(dst, kafka.Span{From: from.Offset, To: next}, &d.report)
}

// passOver appends what events have the job write that cannot be read, and counts.
func (u *unit) passOver(dst []kafka.Record, events kafka.Span, count *Report) ([]kafka.Record, error) {
	for offset := max(events.From, u.span.From); offset < min(events.To, u.span.To); offset++ {
		before := len(dst)
		var err error
		count.Events++
		if dst, err = u.keep(dst, &kafka.Record{Topic: u.at.Topic, Partition: u.at.Number, Offset: offset}, count); err != nil {
			return dst, err
		}
		count.Records += len(dst) - before
	}
	return dst, nil
}
