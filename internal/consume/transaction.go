package consume

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"

	"ttpworker/internal/kafka"
)

// transactions take one session from poll to commit, over and over. Not for concurrent use.
type transactions struct {
	consumer *Consumer
	session  *kgo.GroupTransactSession
	open     *transaction // nil between transactions
}

// A transaction is one open batch.
type transaction struct {
	batch   Batch
	began   time.Time
	records int
	failed  atomic.Pointer[error] // first record that could not be written
}

// turn polls once and hands on what came, then ends the transaction if its time is over.
func (t *transactions) turn(ctx context.Context) error {
	fetches := t.poll(ctx)
	if err := t.consumer.sortOut(ctx, fetches.Errors()); err != nil {
		t.abandon()
		return err
	}
	if fetches.NumRecords() > 0 {
		if err := t.process(ctx, fetches); err != nil {
			return err
		}
	}
	switch {
	case t.open != nil && time.Since(t.open.began) >= t.consumer.cfg.CommitInterval:
		return t.end(ctx, kgo.TryCommit)
	case t.open == nil && t.consumer.owner.takeFlag():
		return t.reset(ctx)
	}
	return nil
}

// poll waits for records until the open transaction is due.
func (t *transactions) poll(ctx context.Context) kgo.Fetches {
	wait := idlePoll
	if t.open != nil {
		wait = max(t.consumer.cfg.CommitInterval-time.Since(t.open.began), time.Millisecond)
	}
	pollCtx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	return t.session.PollRecords(pollCtx, t.consumer.cfg.MaxPoll)
}

// process computes what the records of one poll give, partitions side by side, and writes it in the order of
// each partition. It sees the poll through even if ctx ends meanwhile: what was begun is then committed by stop.
func (t *transactions) process(ctx context.Context, fetches kgo.Fetches) error {
	ctx = context.WithoutCancel(ctx)
	if t.open == nil {
		if err := t.session.Begin(); err != nil {
			return fatalf("beginning a transaction: %w", err) // the producer is fenced or broken for good
		}
		t.open = &transaction{batch: t.consumer.handler.Begin(), began: time.Now()}
	}
	var parts []kgo.FetchTopicPartition
	fetches.EachPartition(func(p kgo.FetchTopicPartition) { parts = append(parts, p) })
	outputs := make([][]kafka.Record, len(parts))
	g, gctx := errgroup.WithContext(ctx)
	for i, p := range parts {
		g.Go(func() (err error) {
			recs := make([]kafka.Record, len(p.Records))
			for k, r := range p.Records {
				recs[k] = kafka.FromClient(r)
			}
			outputs[i], err = t.open.batch.Outputs(gctx, nil, recs)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		if endErr := t.end(ctx, kgo.TryAbort); endErr != nil {
			return endErr
		}
		return fatalf("processing a batch: %w", err)
	}
	t.open.records += fetches.NumRecords()
	for _, out := range outputs {
		for i := range out {
			t.session.Produce(ctx, out[i].ToClient(), t.open.written)
		}
	}
	return nil
}

// written is called once per output, by kgo.
func (o *transaction) written(r *kgo.Record, err error) {
	if err != nil {
		err = fmt.Errorf("writing %d bytes to %s/%d: %w", len(r.Key)+len(r.Value), r.Topic, r.Partition, err)
		o.failed.CompareAndSwap(nil, &err)
	}
}

// end ends the open transaction. A commit that turns into an abort is no error: the session has rewound and the
// same records come again. An error means that the session cannot go on.
func (t *transactions) end(ctx context.Context, try kgo.TransactionEndTry) error {
	c, open := t.consumer, t.open
	t.open = nil
	timeout := c.cfg.EndTimeout
	if ctx.Err() != nil {
		timeout = min(timeout, stopTimeout)
	}
	endCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	start := time.Now()
	committed, err := t.finish(endCtx, open, try)
	open.batch.End(committed)
	c.metrics.ended(committed, err, open.records, time.Since(start))
	if err != nil {
		return classify(fmt.Errorf("ending a transaction of %d records: %w", open.records, err))
	}
	if failed := open.failed.Load(); failed != nil {
		return classify(*failed)
	}
	if !committed {
		c.log.Info("transaction aborted, its records come again", "records", open.records)
	}
	return nil
}

// finish flushes and ends. The plan's digest takes the place of the offsets' metadata.
func (t *transactions) finish(ctx context.Context, open *transaction, try kgo.TransactionEndTry) (bool, error) {
	if try == kgo.TryCommit {
		if err := t.session.Client().Flush(ctx); err != nil {
			return false, err
		}
		if open.failed.Load() != nil {
			try = kgo.TryAbort
		}
	}
	metadata := open.batch.Metadata()
	ctx = kgo.PreTxnCommitFnContext(ctx, func(req *kmsg.TxnOffsetCommitRequest) error {
		for i := range req.Topics {
			for k := range req.Topics[i].Partitions {
				req.Topics[i].Partitions[k].Metadata = &metadata
			}
		}
		return nil
	})
	return t.session.End(ctx, try)
}

// reset ends an empty transaction, which makes the session hear of revocations again.
func (t *transactions) reset(ctx context.Context) error {
	if err := t.session.Begin(); err != nil {
		return fatalf("beginning a transaction: %w", err)
	}
	endCtx, cancel := context.WithTimeout(ctx, t.consumer.cfg.EndTimeout)
	defer cancel()
	if _, err := t.session.End(endCtx, kgo.TryAbort); err != nil && ctx.Err() == nil {
		return classify(fmt.Errorf("ending an empty transaction: %w", err))
	}
	return nil
}

// stop commits the open transaction, if any, when the worker is asked to stop.
func (t *transactions) stop(ctx context.Context) error {
	if t.open == nil {
		return nil
	}
	return t.end(ctx, kgo.TryCommit)
}

// abandon tells the open batch that its session is given up.
func (t *transactions) abandon() {
	if t.open != nil {
		t.open.batch.End(false)
		t.open = nil
	}
}
