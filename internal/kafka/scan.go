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

// A Span is the offsets of one partition from From up to, not including, To.
type Span struct{ From, To int64 }

// Spans are what is in a topic now, by partition, from the first record of since or later; from the start if since is
// the zero time. What is in an open transaction is part of it: a scan waits for the end of that. Partitions with
// nothing to read are left out.
func (c *Cluster) Spans(ctx context.Context, topic string, since time.Time) (map[int32]Span, error) {
	adm, err := c.admin()
	if err != nil {
		return nil, err
	}
	ends, err := listed(adm.ListEndOffsets(ctx, topic))
	if err != nil {
		return nil, fmt.Errorf("finding the end of topic %s: %w", topic, c.Explain(err))
	}
	starts, err := listed(adm.ListStartOffsets(ctx, topic))
	if err == nil && !since.IsZero() {
		starts, err = listed(adm.ListOffsetsAfterMilli(ctx, since.UnixMilli(), topic))
	}
	if err != nil {
		return nil, fmt.Errorf("finding where to begin in topic %s: %w", topic, c.Explain(err))
	}
	spans := map[int32]Span{}
	ends.Each(func(end kadm.ListedOffset) {
		if start, ok := starts.Lookup(topic, end.Partition); ok && start.Offset < end.Offset {
			spans[end.Partition] = Span{From: start.Offset, To: end.Offset}
		}
	})
	return spans, nil
}

func listed(offsets kadm.ListedOffsets, err error) (kadm.ListedOffsets, error) {
	if err == nil {
		err = offsets.Error()
	}
	return offsets, err
}

// Scan calls apply for every committed record in spans, those of a partition in order, one call at a time, and
// returns. An error of apply ends it.
func (c *Cluster) Scan(ctx context.Context, topic string, spans map[int32]Span, apply func(*Record) error) error {
	return c.scan(ctx, topic, spans, apply, nil)
}

// ScanEvents is Scan over the events of one partition as live workers read them: batches that unpack to more than Config.MaxUnpacked
// are passed over. passed is told of each the part that is in the span, between the records before and behind it; an error of
// it ends the scan, too. Nil = nobody wants to know.
//
// It is one partition, as a client that goes on behind such a batch drops what it has read of others, and never again tells of
// such a batch among that.
func (c *Cluster) ScanEvents(ctx context.Context, at Partition, span Span, apply func(*Record) error, passed func(Span) error) error {
	if span.From >= span.To {
		return nil
	}
	if passed == nil {
		passed = func(Span) error { return nil }
	}
	return c.scan(ctx, at.Topic, map[int32]Span{at.Number: span}, apply, passed, kgo.MaxDecompressBatchBytes(c.maxUnpacked))
}

// scan is Scan, or ScanEvents if passed is not nil.
func (c *Cluster) scan(
	ctx context.Context, topic string, spans map[int32]Span, apply func(*Record) error, passed func(Span) error, opts ...kgo.Opt,
) error {
	if len(spans) == 0 {
		return nil
	}
	from, missing := map[int32]kgo.Offset{}, map[int32]int64{}
	for p, s := range spans {
		from[p], missing[p] = kgo.NewOffset().At(s.From), s.To
	}
	// Control records are kept to see the position move over them.
	cl, err := c.Client("ttp-scan", append(opts, kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		return err
	}
	defer Close(cl.Close)
	idle := 0 // polls, since the last that brought records
	for len(missing) > 0 {
		fetches := poll(ctx, cl)
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("reading topic %s: %w", topic, err)
		}
		bombs, err := c.scanned(ctx, fetches, topic, passed != nil)
		if err != nil {
			return err
		}
		if fetches.NumRecords() > 0 {
			idle = 0
		} else {
			err := c.insist(ctx, func(ctx context.Context) error { return leaveOutDeleted(ctx, cl, topic, missing) })
			if err != nil {
				return c.Explain(err)
			}
			if idle++; idle%scanIdle == 0 {
				c.sayWhatIsOpen(ctx, cl, topic, missing)
			}
		}
		for records := fetches.RecordIter(); !records.Done(); {
			r := records.Next()
			to, ok := missing[r.Partition]
			if !ok {
				continue
			}
			if r.Offset+1 >= to {
				delete(missing, r.Partition)
			}
			if r.Offset >= to || r.Attrs.IsControl() {
				continue
			}
			rec := FromClient(r)
			if err := apply(&rec); err != nil {
				return err
			}
		}
		if err := passOver(cl, bombs, spans, missing, passed); err != nil { // what lies before them came with them, or earlier
			return err
		}
	}
	return nil
}

// passOver has a client go on behind batches that it would not unpack.
func passOver(cl *kgo.Client, bombs []*kgo.ErrDecompressTooLarge, spans map[int32]Span, missing map[int32]int64, passed func(Span) error) error {
	for _, b := range bombs {
		to, ok := missing[b.Partition]
		if !ok {
			continue
		}
		if b.NextOffset >= to {
			delete(missing, b.Partition)
		}
		if part := (Span{From: max(b.Offset, spans[b.Partition].From), To: min(b.NextOffset, to)}); part.From < part.To {
			if err := passed(part); err != nil {
				return err
			}
		}
		cl.SetOffsets(map[string]map[int32]kgo.EpochOffset{b.Topic: {b.Partition: {Epoch: b.Epoch, Offset: b.NextOffset}}})
	}
	return nil
}

// scanIdle is after how many polls without records a scan says what it waits for.
const scanIdle = 5

// sayWhatIsOpen logs which of the partitions are held back by open transactions. They end with their producers, or when
// those are dead with transaction.timeout.ms, which brokers let be 15 minutes.
func (c *Cluster) sayWhatIsOpen(ctx context.Context, cl *kgo.Client, topic string, missing map[int32]int64) {
	stable, err := listed(kadm.NewClient(cl).ListCommittedOffsets(ctx, topic))
	if err != nil {
		return // the scan itself meets what is wrong
	}
	stable.Each(func(o kadm.ListedOffset) {
		if to, ok := missing[o.Partition]; ok && o.Offset < to {
			c.log.Warn("an open transaction keeps records from being read, waiting for its end (kafka-transactions.sh find-hanging, abort)",
				"topic", topic, "partition", o.Partition, "offset", o.Offset)
		}
	})
}

// scanPatience is how long a scan waits for records before it looks whether they are still there.
const scanPatience = time.Second

func poll(ctx context.Context, cl *kgo.Client) kgo.Fetches {
	ctx, cancel := context.WithTimeout(ctx, scanPatience)
	defer cancel()
	return cl.PollFetches(ctx)
}

// scanned returns what keeps a scan from going on; batches that were not unpacked do not, if they are passed over.
func (c *Cluster) scanned(ctx context.Context, fetches kgo.Fetches, topic string, passOver bool) (bombs []*kgo.ErrDecompressTooLarge, err error) {
	for _, e := range fetches.Errors() {
		_, lost := errors.AsType[*kgo.ErrDataLoss](e.Err)
		bomb, tooLarge := errors.AsType[*kgo.ErrDecompressTooLarge](e.Err)
		switch {
		case lost, errors.Is(e.Err, context.DeadlineExceeded):
			continue
		case tooLarge && passOver:
			bombs = append(bombs, bomb)
			continue
		case !kerr.IsRetriable(e.Err):
			return nil, fmt.Errorf("reading %s/%d: %w", topic, e.Partition, c.Explain(e.Err))
		}
		c.log.Warn("reading a topic, trying again", "topic", topic, "partition", e.Partition, "err", c.Explain(e.Err))
		select {
		case <-time.After(followPause):
		case <-ctx.Done():
		}
	}
	return bombs, nil
}

// leaveOutDeleted takes the partitions out of missing whose records retention has taken away while the scan ran.
func leaveOutDeleted(ctx context.Context, cl *kgo.Client, topic string, missing map[int32]int64) error {
	starts, err := listed(kadm.NewClient(cl).ListStartOffsets(ctx, topic))
	if err != nil {
		return fmt.Errorf("finding the start of topic %s: %w", topic, err)
	}
	starts.Each(func(o kadm.ListedOffset) {
		if to, ok := missing[o.Partition]; ok && o.Offset >= to {
			delete(missing, o.Partition)
		}
	})
	return nil
}
