package consume

import (
	"context"

	"ttpworker/internal/kafka"
)

// A Handler turns records into outputs.
type Handler interface {
	// Ready is closed while batches may begin; while they may not, it is another channel. A batch that begins all the same
	// must have its partitions wait. A member leaves the group when that takes longer than a session lasts.
	Ready() <-chan struct{}
	// Begin starts a batch: one transaction, possibly several polls. Every session has one open at a time.
	Begin() Batch
	// Metadata is that of a batch that would begin now. It is asked for over and over, while Ready is closed: when it is
	// another than before, a batch without records commits the positions of partitions where nothing comes.
	Metadata() string
}

// An Accountant is a Handler that keeps the account of its partitions itself: its batches are Positioners, nothing else is
// committed of a partition, and it hears of those that this process has no more, which may come back later.
type Accountant interface {
	Released(partitions map[string][]int32)
}

// A Positioner is a Batch that says of each partition whose records before next were handed out what is committed: next or an
// earlier offset, from which records shall come again after a restart, and metadata. An offset below 0 stands for a partition
// of which nothing is to be committed where a batch is passed over.
type Positioner interface {
	Position(topic string, partition int32, next int64) (offset int64, metadata string)
}

// A Batch is what one transaction does.
type Batch interface {
	// Outputs appends to dst what recs give, records of one partition in order (I3). It is called for several
	// partitions at once. It does not keep recs, though outputs may share their bytes. An error aborts the transaction;
	// a *HoldError has its partition wait, any other is fatal and the worker stops.
	Outputs(ctx context.Context, dst, recs []kafka.Record) ([]kafka.Record, error)
	// Unreadable appends what becomes of records that cannot be read: at is where they begin, without key and value, next is
	// one behind the last of them. It may take its time: nothing else is in the transaction. An error is as one of Outputs,
	// but where the partition must wait the session is given up, and the next one comes to the same records.
	Unreadable(ctx context.Context, dst []kafka.Record, at *kafka.Record, next int64, cause error) ([]kafka.Record, error)
	// Check is called before a commit, when all outputs are there. An error is fatal: the transaction is aborted and
	// the worker stops.
	Check() error
	// Metadata goes into the committed offsets beside every position.
	Metadata() string
	// End is called once, when the transaction is over. After committed = false the same records come again.
	End(committed bool)
}
