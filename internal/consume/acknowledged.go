package consume

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// acknowledged is a session without transactions: offsets are committed when all outputs are acknowledged (I1, at
// least once). The group may rebalance only between End and the next poll that brings records, so that what was read
// is committed by whoever read it.
type acknowledged struct {
	client *kgo.Client
	open   bool
}

var errNotCommitted = errors.New("a batch was given up, its records come again")

func openAcknowledged(opts ...kgo.Opt) (session, error) {
	cl, err := kgo.NewClient(append(opts, kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll())...)
	if err != nil {
		return nil, err
	}
	return &acknowledged{client: cl}, nil
}

func (a *acknowledged) Client() *kgo.Client { return a.client }

func (a *acknowledged) PollRecords(ctx context.Context, n int) kgo.Fetches {
	if !a.open {
		a.client.AllowRebalance()
	}
	return a.client.PollRecords(ctx, n)
}

func (a *acknowledged) Begin() error {
	a.open = true
	return nil
}

func (a *acknowledged) Produce(ctx context.Context, r *kgo.Record, promise func(*kgo.Record, error)) {
	a.client.Produce(ctx, r, promise)
}

// End waits for the outputs and commits the offsets. Without transactions an abort cannot take back what was read:
// it is an error, and the next session begins at the offsets that are committed.
func (a *acknowledged) End(ctx context.Context, try kgo.TransactionEndTry) (bool, error) {
	defer func() {
		a.open = false
		a.client.AllowRebalance()
	}()
	if try == kgo.TryAbort {
		return false, errNotCommitted
	}
	if err := a.client.Flush(ctx); err != nil {
		return false, err
	}
	err := a.commit(ctx)
	for _, gone := range []error{kerr.IllegalGeneration, kerr.UnknownMemberID, kerr.StaleMemberEpoch, kerr.FencedMemberEpoch} {
		if errors.Is(err, gone) {
			return false, nil // the group has moved the partitions: it rejoins, and whoever has them reads the records again
		}
	}
	return err == nil, err
}

// commit commits how far the session has read. The request may have been adjusted by kgo.PreTxnCommitFnContext's
// counterpart, see transactions.finish.
func (a *acknowledged) commit(ctx context.Context) error {
	var errs []error
	a.client.CommitOffsetsSync(ctx, a.client.UncommittedOffsets(), func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		errs = append(errs, err)
		if resp == nil {
			return
		}
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					errs = append(errs, fmt.Errorf("%s/%d: %w", t.Topic, p.Partition, err))
				}
			}
		}
	})
	return errors.Join(errs...)
}
