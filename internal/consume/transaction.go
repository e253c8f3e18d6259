package consume

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"ttpworker/internal/kafka"
)

// transactions take one session from poll to commit, over and over. Not for concurrent use.
type transactions struct {
	member  *member
	session session
	open    *transaction // nil between transactions
	begun   bool         // the first is over, and the first after a wait: it takes a single poll, as what comes behind a restart has waited long enough
	pace    pace
	held    map[partition]<-chan struct{} // partitions that wait, and until when: see HoldError
	passed  map[partition]struct{}        // where a batch was passed over, and the position behind it is not committed yet
}

// A transaction is one open batch. Its outputs are held until it ends: for the broker the transaction, and the time
// it may take, begins with the first of them, so that slow tagging does not use it up.
type transaction struct {
	batch   Batch
	began   time.Time
	records int

	// The session's member id and generation when it began, and what it commits of partitions without records: see restate.
	member     string
	generation int32
	again      offsets
	says       string // what its commit says, once it ends

	outputs []kafka.Record
	next    map[string]map[int32]int64 // where the next poll begins, by topic and partition
	failed  atomic.Pointer[error]      // first record that could not be written
}

// turn polls once and hands on what came, then ends the transaction if its time is over.
func (t *transactions) turn(ctx context.Context) error {
	t.release()
	fetches := t.poll(ctx)
	t.member.untold.told(fetches)
	if err := t.member.sortOut(ctx, fetches); err != nil {
		t.abandon()
		return err
	}
	if fetches.NumRecords() > 0 {
		if err := t.process(ctx, fetches); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // stop ends what is open; the next start meets the bombs
	}
	switch bombs := t.member.bombs; {
	case len(bombs) > 0:
		if err := t.passOver(ctx, bombs); err != nil || ctx.Err() != nil {
			return err
		}
	case t.open != nil && (!t.begun || time.Since(t.open.began) >= t.member.cfg.CommitInterval):
		t.begun = true
		if err := t.end(ctx, kgo.TryCommit); err != nil {
			return err
		}
	}
	if t.open == nil {
		t.readAgain()
	}
	return t.restate(ctx)
}

// poll waits for records until the open transaction is due.
func (t *transactions) poll(ctx context.Context) kgo.Fetches {
	wait := idlePoll
	if t.open != nil {
		wait = max(t.member.cfg.CommitInterval-time.Since(t.open.began), time.Millisecond)
	}
	if len(t.held) > 0 {
		wait = min(wait, holdPoll)
	}
	pollCtx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	return t.session.PollRecords(pollCtx, min(t.pace.records(), t.member.cfg.MaxPoll))
}

func (t *transactions) newTransaction() *transaction {
	id, generation := t.session.Client().GroupMetadata()
	return &transaction{batch: t.member.handler.Begin(), began: time.Now(), member: id, generation: generation}
}

// process computes what the records of one poll give, partitions side by side. When ctx ends meanwhile, or one
// of them must wait, the batch is given up and its records come again.
func (t *transactions) process(ctx context.Context, fetches kgo.Fetches) error {
	if t.open == nil {
		if err := t.session.Begin(); err != nil {
			return fatalf("beginning a transaction: %w", err) // the producer is fenced or broken for good
		}
		t.open = t.newTransaction()
	}
	var parts []kgo.FetchTopicPartition
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if len(p.Records) > 0 {
			parts = append(parts, p)
		}
	})
	start := time.Now()
	outputs, errs := make([][]kafka.Record, len(parts)), make([]error, len(parts))
	g, gctx := errgroup.WithContext(ctx)
	for i, p := range parts {
		g.Go(func() error {
			outputs[i], errs[i] = t.partition(gctx, p.Records)
			return errs[i]
		})
	}
	if err := g.Wait(); err != nil {
		held := t.hold(err, errs)
		t.open.reached(parts)
		rewound := t.open.next
		endErr := t.end(ctx, kgo.TryAbort)
		t.meetAgain(rewound)
		switch {
		case endErr != nil:
			return endErr
		case held, ctx.Err() != nil:
			return nil //nolint:nilerr // its records come again, or we are asked to stop
		}
		return fatalf("processing a batch: %w", err)
	}
	t.open.records += fetches.NumRecords()
	t.open.reached(parts)
	t.pace.took(fetches.NumRecords(), time.Since(start))
	for _, out := range outputs {
		t.open.outputs = append(t.open.outputs, out...)
	}
	return nil
}

// Between two signs of life a partition processes stepRecords records, or less if they are long.
const (
	stepRecords = 100
	stepBytes   = 256 << 10
)

// step is the number of records to process next: at least one.
func step(records []*kgo.Record) int {
	n, size := 0, 0
	for n < len(records) && n < stepRecords && size < stepBytes {
		size += len(records[n].Value)
		n++
	}
	return n
}

// partition computes what records of one partition give.
func (t *transactions) partition(ctx context.Context, records []*kgo.Record) (out []kafka.Record, err error) {
	recs := make([]kafka.Record, 0, min(len(records), stepRecords))
	for len(records) > 0 {
		n := step(records)
		recs = recs[:0]
		for _, r := range records[:n] {
			recs = append(recs, kafka.FromClient(r))
		}
		if out, err = t.open.batch.Outputs(ctx, out, recs); err != nil {
			return nil, err
		}
		t.member.turned()
		records = records[n:]
	}
	return out, nil
}

// reached notes how far the records of a poll went.
func (o *transaction) reached(parts []kgo.FetchTopicPartition) {
	if o.next == nil {
		o.next = map[string]map[int32]int64{}
	}
	for _, p := range parts {
		if o.next[p.Topic] == nil {
			o.next[p.Topic] = map[int32]int64{}
		}
		o.next[p.Topic][p.Partition] = p.Records[len(p.Records)-1].Offset + 1
	}
}

// covered reports whether the offsets that are about to be committed are those of the batch. A session that has
// lost the group has none any more: the outputs would be committed alone, and the records come, and go out, again.
func (o *transaction) covered(offsets map[string]map[int32]kgo.EpochOffset) bool {
	for topic, parts := range o.next {
		for p, next := range parts {
			if offsets[topic][p].Offset < next {
				return false
			}
		}
	}
	return true
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
	m, open := t.member, t.open
	t.open = nil
	endCtx, cancel := outlive(ctx, m.cfg.EndTimeout)
	defer cancel()
	start := time.Now()
	var refused error
	if try == kgo.TryCommit {
		if refused = open.batch.Check(); refused != nil {
			try = kgo.TryAbort
		}
	}
	committed, err := t.finish(endCtx, open, try)
	took := time.Since(start)
	open.batch.End(committed)
	m.metrics.ended(committed, err, open.records, took)
	if committed {
		m.committed.Add(1)
		m.remember(open)
	}
	if refused != nil {
		return fatalf("committing a batch of %d records: %w", open.records, refused)
	}
	if narrow := m.narrow.Load(); narrow != nil {
		return fatalf("ending a transaction of %d records: %w", open.records, *narrow)
	}
	if failed := open.failed.Load(); err == nil && failed != nil {
		err = *failed
	}
	if err != nil {
		id, _ := t.session.Client().GroupMetadata()
		return m.ending(fmt.Errorf("ending a transaction of %d records: %w", open.records, err), took, id != open.member)
	}
	if !committed {
		m.log.Info("transaction aborted, its records come again", "records", open.records)
	}
	return nil
}

// ending says whether an error of a transaction that took so long is fatal. A broker that has given up a transaction
// for its age answers as if another worker had taken the id over; it has not if the id is of this process alone. A
// member that was thrown out of the group has fenced itself if it rejoined under a new id while its offsets were on
// their way.
func (m *member) ending(err error, took time.Duration, rejoined bool) error {
	if rejoined && errors.Is(err, kerr.FencedInstanceID) {
		return fmt.Errorf("%w (the group has thrown this member out, and it has rejoined)", err)
	}
	fenced := errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch)
	if fenced && (m.name == "" || took >= m.cfg.TransactionTimeout) {
		return fmt.Errorf("%w (the broker gave the transaction up after kafka.transaction_timeout)", err)
	}
	return classify(err)
}

// outlive returns a context that ends after timeout and, once ctx has ended, at most stopTimeout later: whoever asks
// the worker to stop does not wait for ever.
func outlive(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	stop := context.AfterFunc(ctx, func() {
		t := time.NewTimer(StopTimeout)
		defer t.Stop()
		select {
		case <-t.C:
			cancel()
		case <-out.Done():
		}
	})
	return out, func() { stop(); cancel() }
}

// finish writes the outputs in the order of their partitions, flushes and ends. The offsets' metadata is that of the
// batch.
//
// It gives up a batch whose session has lost the group since: when that happens while the transaction before ends, kgo
// has forgotten it by the time this one does, hands out records of before, and would commit their outputs without
// their offsets. covered alone does not see it, as the client drops the offsets some time later.
func (t *transactions) finish(ctx context.Context, open *transaction, try kgo.TransactionEndTry) (bool, error) {
	if try == kgo.TryCommit {
		for i := range open.outputs {
			t.session.Produce(ctx, open.outputs[i].ToClient(), open.written)
		}
		if err := t.session.Client().Flush(ctx); err != nil {
			return false, err
		}
		if open.failed.Load() != nil || t.member.lost.Load() || !open.covered(t.session.Client().UncommittedOffsets()) {
			try = kgo.TryAbort
		}
	}
	open.says = open.batch.Metadata()
	say := &statement{metadata: open.says, again: open.again, member: open.member, generation: open.generation}
	if p, own := open.batch.(Positioner); own {
		say.position = p.Position
	}
	return t.session.End(ctx, try, say)
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
