package deadletter

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"ttpworker/internal/kafka"
	"ttpworker/internal/wire"
)

// A Box is the dead letter topic of a cluster.
type Box struct {
	Cluster *kafka.Cluster
	Topic   string
}

// open finds what is in the box from the beginning of what f wants, and which of that was replayed: marks are behind
// their letters.
func (b *Box) open(ctx context.Context, f *Filter) (map[int32]kafka.Span, marks, error) {
	spans, err := b.Cluster.Spans(ctx, b.Topic, f.From)
	if err != nil {
		return nil, nil, err
	}
	replayed := marks{}
	err = b.Cluster.Scan(ctx, b.Topic, spans, func(rec *kafka.Record) error {
		text := rec.Header(HeaderReplayed)
		if text == "" {
			return nil
		}
		if _, letter := parse(rec); letter { // the header is the record's own
			return nil
		}
		if err := replayed.of(rec.Partition).parse(text); err != nil {
			return fmt.Errorf("%s/%d/%d: header %s: %w", rec.Topic, rec.Partition, rec.Offset, HeaderReplayed, err)
		}
		return nil
	})
	for _, o := range replayed {
		o.sort()
	}
	return spans, replayed, err
}

// each calls apply for every letter in spans that f wants, those of a partition in order.
func (b *Box) each(ctx context.Context, spans map[int32]kafka.Span, replayed marks, f *Filter, apply func(*Letter) error) error {
	return b.Cluster.Scan(ctx, b.Topic, spans, func(rec *kafka.Record) error {
		l, ok := parse(rec)
		if !ok || !f.matches(&l) {
			return nil
		}
		l.Replayed = replayed.has(l.At)
		return apply(&l)
	})
}

// A Listing is what List has found.
type Listing struct {
	Letters  int // that were wanted
	Replayed int // of them
	Classes  map[wire.Class]int
}

// List calls show for the letters that f wants: the latest limit of them, the oldest of these first; with limit 0 all
// of them, partition by partition or mixed, each partition in order.
func (b *Box) List(ctx context.Context, f Filter, limit int, show func(*Letter) error) (Listing, error) {
	sum := Listing{Classes: map[wire.Class]int{}}
	spans, replayed, err := b.open(ctx, &f)
	if err != nil {
		return sum, err
	}
	var latest []Letter
	err = b.each(ctx, spans, replayed, &f, func(l *Letter) error {
		sum.Letters++
		sum.Classes[l.Class]++
		if l.Replayed {
			sum.Replayed++
		}
		if limit == 0 {
			return show(l)
		}
		if latest = append(latest, *l); len(latest) >= 2*limit {
			latest = newest(latest, limit)
		}
		return nil
	})
	if err != nil {
		return sum, err
	}
	for _, l := range newest(latest, limit) {
		if err := show(&l); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// newest are the latest n of letters, the oldest of these first. It reorders letters.
func newest(letters []Letter, n int) []Letter {
	slices.SortFunc(letters, func(a, b Letter) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.At.Partition, b.At.Partition), cmp.Compare(a.At.Offset, b.At.Offset))
	})
	kept := letters[max(len(letters)-n, 0):]
	copy(letters, kept)
	clear(letters[len(kept):])
	return letters[:len(kept)]
}
