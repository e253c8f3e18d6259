package kafka

import (
	"context"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// An Appender writes to the control topics: idempotent, outside any transaction, so that a record is there for
// all readers once Append returns. It is safe for concurrent use.
type Appender struct {
	client  *kgo.Client
	explain func(error) error
}

// NewAppender opens an appender. Close it when done.
func (c *Cluster) NewAppender(clientID string) (*Appender, error) {
	cl, err := c.Client(clientID, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return nil, err
	}
	return &Appender{client: cl, explain: c.Explain}, nil
}

// Append writes r to its partition and returns when all in-sync replicas have it. When ctx ends first, whether
// it was written is not known.
func (a *Appender) Append(ctx context.Context, r Record) error {
	if err := a.client.ProduceSync(ctx, r.ToClient()).FirstErr(); err != nil {
		return fmt.Errorf("writing %q to topic %s: %w", r.Key, r.Topic, a.explain(err))
	}
	return nil
}

// AppendAll is Append for many records, which go out together. The errors are those of each, in order; nil = written.
func (a *Appender) AppendAll(ctx context.Context, recs []Record) []error {
	errs := make([]error, len(recs))
	var left sync.WaitGroup
	left.Add(len(recs))
	for i := range recs {
		r := &recs[i]
		a.client.Produce(ctx, r.ToClient(), func(_ *kgo.Record, err error) {
			defer left.Done()
			if err != nil {
				errs[i] = fmt.Errorf("writing %q to topic %s: %w", r.Key, r.Topic, a.explain(err))
			}
		})
	}
	left.Wait()
	return errs
}

// Close gives up what was not yet written and closes the connections.
func (a *Appender) Close() { Close(a.client.Close) }
