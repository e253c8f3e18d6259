package retag

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"ttpworker/internal/kafka"
	"ttpworker/internal/produce"
	"ttpworker/internal/wire"
)

const sourceHeader = produce.HeaderSource

// offsetIn is the offset in a partition that a ttp-source names; false if it names another one, or nothing.
func offsetIn(at kafka.Partition, source string) (int64, bool) {
	rest, ok := strings.CutPrefix(source, at.Topic)
	if !ok {
		return 0, false
	}
	if rest, ok = strings.CutPrefix(rest, "/"+strconv.Itoa(int(at.Number))+"/"); !ok {
		return 0, false
	}
	offset, err := strconv.ParseInt(rest, 10, 64)
	return offset, err == nil && offset >= 0
}

// A reader reads what is committed in a partition, and in what is open once that has ended.
type reader func(ctx context.Context, topic string, partition int32, span kafka.Span, apply func(*kafka.Record) error) error

// fill reads the tags of a side into an index.
func (u *unit) fill(ctx context.Context, s side, x index, span kafka.Span, read reader) error {
	topic := u.topic(s)
	u.index[s] = x // to be closed, whatever comes
	err := read(ctx, topic, u.at.Number, span, func(r *kafka.Record) error { return u.enter(ctx, x, r) })
	if err != nil {
		return fmt.Errorf("reading the tags in %s/%d: %w", topic, u.at.Number, err)
	}
	return x.seal()
}

// enter enters a record of a topic of tags. One whose key is no tag's belongs to somebody else.
func (u *unit) enter(ctx context.Context, x index, r *kafka.Record) error {
	id, is := produce.TagKey(r.Key)
	if !is {
		return nil
	}
	source, in := offsetIn(u.at, r.Header(sourceHeader))
	switch {
	case r.Value == nil && in && r.Header(HeaderJob) == u.job:
		return x.put(id, found{source: source, label: ghost})
	case r.Value == nil:
		return x.remove(id)
	}
	t, err := u.Tag(ctx, r.Value)
	_, broken := errors.AsType[*wire.Error](err)
	switch {
	case err != nil && !broken:
		return err
	case !broken && !u.wants(t.RuleID):
		return x.remove(id)
	case !in || source >= u.span.To:
		return x.put(id, found{source: elsewhere})
	case broken && u.Rules != nil: // whose it is is not known: it gives way to a tag, and is not deleted
		return x.put(id, found{source: source, label: ghost})
	case broken:
		return x.put(id, found{source: source, label: u.labels.number(Label{})})
	}
	var digest uint64
	if u.buf, digest, err = u.digest(u.buf, &t); err != nil {
		return err
	}
	return x.put(id, found{source, digest, u.labels.number(labelOf(&t))})
}
