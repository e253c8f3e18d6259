package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// ErrRefused is the fault of a record that its topic does not take, whoever writes it.
var ErrRefused = errors.New("the topic refuses the record")

// ErrTakenOver is the fault of a transactional id that somebody else has taken over.
var ErrTakenOver = errors.New("another process has taken over")

const (
	// transactTimeout bounds a transaction: the broker aborts an older one.
	transactTimeout = 30 * time.Second
	// endTimeout bounds the end of one, when whoever waits for it has given up.
	endTimeout = 10 * time.Second
	// defaultMaxMessage is max.message.bytes of a topic that does not say, in bytes: kgo's own bound.
	defaultMaxMessage = 1_000_012
)

// A Transactor writes records a transaction at a time, all of them or none, outside any consumer group. Not for
// concurrent use.
type Transactor struct {
	client  *kgo.Client
	explain func(error) error
}

// NewTransactor opens one under a transactional id. It takes that over: whoever has it cannot commit any more, and
// what was left open is aborted. limits holds the max.message.bytes of topics. Close it when done.
func (c *Cluster) NewTransactor(ctx context.Context, id string, limits map[string]int) (*Transactor, error) {
	most := func(topic string) int32 {
		if limit := limits[topic]; limit > 0 {
			return int32(min(limit, 1<<30))
		}
		return defaultMaxMessage
	}
	cl, err := c.Client(id, kgo.TransactionalID(id), kgo.TransactionTimeout(transactTimeout),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytesFn(most))
	if err != nil {
		return nil, err
	}
	if _, _, err := cl.ProducerID(ctx); err != nil {
		Close(cl.Close)
		return nil, fmt.Errorf("taking over the transactional id %s: %w", id, c.Explain(err))
	}
	return &Transactor{client: cl, explain: c.Explain}, nil
}

// Write writes recs in one transaction. After an error nothing of them can be read, unless it is about the end of the
// transaction: then that is not known. ErrRefused means that the topic does not take one of them, and that the others
// can be tried again.
func (t *Transactor) Write(ctx context.Context, recs []Record) error {
	if err := t.client.BeginTransaction(); err != nil {
		return classifyTransact(fmt.Errorf("beginning a transaction: %w", err))
	}
	out := make([]*kgo.Record, len(recs))
	for i := range recs {
		out[i] = recs[i].ToClient()
	}
	failed := failure(t.client.ProduceSync(ctx, out...))
	try := kgo.TransactionEndTry(failed == nil)
	endCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	err := t.client.EndTransaction(endCtx, try)
	switch {
	case err == nil:
		return t.explain(failed)
	case failed != nil:
		return errors.Join(t.explain(failed), fmt.Errorf("aborting a transaction: %w", err))
	}
	_ = t.client.EndTransaction(endCtx, kgo.TryAbort) // what it did not commit must not keep readers waiting
	return classifyTransact(fmt.Errorf("committing a transaction of %d records: %w", len(recs), err))
}

// failure is why some of the records were not written, a refusal before anything else.
func failure(results kgo.ProduceResults) error {
	var first error
	for _, r := range results {
		if r.Err == nil {
			continue
		}
		err := fmt.Errorf("writing %d bytes to %s/%d: %w", len(r.Record.Key)+len(r.Record.Value), r.Record.Topic, r.Record.Partition, r.Err)
		for _, refusal := range []error{kerr.MessageTooLarge, kerr.RecordListTooLarge, kerr.InvalidTimestamp, kerr.InvalidRecord} {
			if errors.Is(err, refusal) {
				return fmt.Errorf("%w: %w", ErrRefused, err)
			}
		}
		if first == nil {
			first = classifyTransact(err)
		}
	}
	return first
}

func classifyTransact(err error) error {
	if errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch) {
		return fmt.Errorf("%w: %w", ErrTakenOver, err)
	}
	return err
}

// Close closes the connections.
func (t *Transactor) Close() { Close(t.client.Close) }
