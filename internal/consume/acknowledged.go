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
	wrote  bool // something since Begin
}

// errMoved keeps positions from being committed again that may be somebody else's by now.
var errMoved = errors.New("the group has moved partitions")

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
	a.open, a.wrote = true, false
	return nil
}

func (a *acknowledged) Produce(ctx context.Context, r *kgo.Record, promise func(*kgo.Record, error)) {
	a.wrote = true
	a.client.Produce(ctx, r, promise)
}

// End waits for the outputs and commits the offsets. Before anything is written an abort goes back to the offsets that
// are committed. Without transactions it cannot take back what is written: it is an error then, and the next session
// begins at those offsets.
func (a *acknowledged) End(ctx context.Context, try kgo.TransactionEndTry, say *statement) (bool, error) {
	defer func() {
		a.open = false
		a.client.AllowRebalance()
	}()
	switch {
	case try == kgo.TryAbort && a.wrote:
		return false, errNotCommitted
	case try == kgo.TryAbort:
		a.client.SetOffsets(a.client.CommittedOffsets()) // no rebalance happens while a batch is open
		return false, nil
	}
	if err := a.client.Flush(ctx); err != nil {
		return false, err
	}
	err := a.commit(ctx, say)
	for _, gone := range []error{kerr.IllegalGeneration, kerr.UnknownMemberID, kerr.StaleMemberEpoch, kerr.FencedMemberEpoch, errMoved} {
		if errors.Is(err, gone) {
			return false, nil // the group has moved the partitions: it rejoins, and whoever has them reads the records again
		}
	}
	if len(say.again) > 0 && errors.Is(err, kerr.RebalanceInProgress) {
		return false, nil // nothing was read: there is nothing to be given up
	}
	return err == nil, err
}

// commit commits how far the session has read, or the positions that are to be committed again: there are no others then.
func (a *acknowledged) commit(ctx context.Context, say *statement) error {
	positions := a.client.UncommittedOffsets()
	if len(say.again) > 0 {
		positions = say.again
	}
	ctx = kgo.PreCommitFnContext(ctx, func(req *kmsg.OffsetCommitRequest) error {
		if len(say.again) > 0 && !say.applies(req.MemberID, req.Generation) {
			return errMoved
		}
		for i := range req.Topics {
			for k := range req.Topics[i].Partitions {
				p := &req.Topics[i].Partitions[k]
				p.Offset, p.Metadata = say.of(req.Topics[i].Topic, p.Partition, p.Offset)
			}
		}
		return nil
	})
	var errs []error
	a.client.CommitOffsetsSync(ctx, positions, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
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
