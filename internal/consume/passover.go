package consume

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/kafka"
)

// passOver goes on behind batches that unpack to more than kafka.Config.MaxUnpacked, in a transaction that says so: left alone,
// their partitions would stand still for ever. It ends the open transaction first, as positions may not change within one;
// those behind the batches are committed by restate.
// If either is aborted the session is given up: the client never again reads a partition that it stopped at a bomb,
// and jumping over records that an abort has rewound would lose them. The next session meets the bombs anew.
func (t *transactions) passOver(ctx context.Context, bombs []*kgo.ErrDecompressTooLarge) error {
	if t.open != nil {
		if err := t.commit(ctx); err != nil {
			return err
		}
	}
	if err := t.session.Begin(); err != nil {
		return fatalf("beginning a transaction: %w", err)
	}
	t.open = t.newTransaction()
	behind, passed := offsets{}, map[partition]struct{}{}
	for _, b := range bombs {
		if err := t.unreadable(ctx, b); err != nil {
			return t.giveUp(ctx, err)
		}
		if behind[b.Topic] == nil {
			behind[b.Topic] = map[int32]kgo.EpochOffset{}
		}
		behind[b.Topic][b.Partition] = kgo.EpochOffset{Epoch: b.Epoch, Offset: b.NextOffset}
		if t.open.keeps(b) {
			passed[partition{b.Topic, b.Partition}] = struct{}{}
		}
	}
	if err := t.commit(ctx); err != nil {
		return err
	}
	t.session.Client().SetOffsets(behind)
	for p := range passed {
		t.member.said.forget(p) // what is there is the position before: see restate
	}
	maps.Copy(t.passed, passed)
	return nil
}

// unreadable hands a batch that was not unpacked on to the open transaction.
func (t *transactions) unreadable(ctx context.Context, b *kgo.ErrDecompressTooLarge) (err error) {
	at := &kafka.Record{Topic: b.Topic, Partition: b.Partition, Offset: b.Offset}
	cause := fmt.Errorf("the batch up to offset %d unpacks to more than %d bytes and was passed over", b.NextOffset-1, t.member.cfg.MaxUnpacked)
	t.member.log.Error("batch passed over", "topic", b.Topic, "partition", b.Partition, "offset", b.Offset, "err", cause)
	t.open.outputs, err = t.open.batch.Unreadable(ctx, t.open.outputs, at, b.NextOffset, cause)
	return err
}

// keeps reports whether the position behind a batch that is passed over is to be committed.
func (o *transaction) keeps(b *kgo.ErrDecompressTooLarge) bool {
	p, own := o.batch.(Positioner)
	if !own {
		return true
	}
	at, _ := p.Position(b.Topic, b.Partition, b.NextOffset)
	return at >= 0
}

// giveUp ends a transaction in which a batch could not be passed over, and with it the session.
func (t *transactions) giveUp(ctx context.Context, cause error) error {
	if err := t.end(ctx, kgo.TryAbort); err != nil {
		return err
	}
	_, held := errors.AsType[*HoldError](cause)
	switch {
	case ctx.Err() != nil:
		return nil //nolint:nilerr // asked to stop
	case held:
		return fmt.Errorf("a batch could not be passed over: %w", cause)
	}
	return fatalf("passing over a batch: %w", cause)
}

// meetAgain forgets the bombs of partitions that were rewound by an abort: the client comes to them once more, behind the
// records that lie before them and would be jumped over now.
func (t *transactions) meetAgain(rewound map[string]map[int32]int64) {
	t.member.bombs = slices.DeleteFunc(t.member.bombs, func(b *kgo.ErrDecompressTooLarge) bool {
		_, again := rewound[b.Topic][b.Partition]
		return again
	})
}

// commit ends the open transaction and takes an abort for an error.
func (t *transactions) commit(ctx context.Context) error {
	before := t.member.committed.Load()
	if err := t.end(ctx, kgo.TryCommit); err != nil {
		return err
	}
	if t.member.committed.Load() == before {
		return errors.New("a batch could not be passed over, as a transaction was aborted")
	}
	return nil
}
