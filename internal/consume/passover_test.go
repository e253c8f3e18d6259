package consume_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
)

// bomb writes a batch that unpacks to more than kafka.Config.MaxUnpacked.
func bomb(t *testing.T, c *cluster, partition int32) {
	t.Helper()
	cl := c.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.ZstdCompression()), kgo.ProducerBatchMaxBytes(90<<20))
	defer cl.Close()
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: c.in, Partition: partition, Value: make([]byte, 80<<20)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// An unready is a copier to which something happens at a batch that cannot be read.
type unready struct {
	copier

	meet func(ctx context.Context, at *kafka.Record) error
	met  atomic.Int64
}

func (u *unready) Begin() consume.Batch { return u }

func (u *unready) Unreadable(ctx context.Context, dst []kafka.Record, at *kafka.Record, next int64, cause error) ([]kafka.Record, error) {
	u.met.Add(1)
	if err := u.meet(ctx, at); err != nil {
		return dst, err
	}
	return u.copier.Unreadable(ctx, dst, at, next, cause)
}

// told counts the records about batches that were passed over, and the others.
func told(t *testing.T, c *cluster) (unreadable, records int) {
	t.Helper()
	c.Settle(t, c.out)
	for _, r := range c.ReadAll(t, c.out) {
		if string(r.Key) == "unreadable" {
			unreadable++
		} else {
			records++
		}
	}
	return unreadable, records
}

// A batch that cannot be passed over yet is met by the next session, and nothing is lost or doubled by that.
func TestABatchThatCannotBePassedOverYetIsMetAgain(t *testing.T) {
	t.Parallel()
	for _, delivery := range []kafka.Delivery{kafka.ExactlyOnce, kafka.AtLeastOnce} {
		t.Run(string(delivery), func(t *testing.T) {
			t.Parallel()
			c := start(t)
			h := &unready{}
			h.meet = func(_ context.Context, at *kafka.Record) error {
				if h.met.Load() < 3 {
					return &consume.HoldError{Topic: at.Topic, Partition: at.Partition, Until: always, Err: errors.New("not yet")}
				}
				return nil
			}
			cfg := c.config("0")
			cfg.Delivery = delivery
			m := join(t, c, cfg, h, nil)
			write(t, c, 0, 30)
			bomb(t, c, 0)
			write(t, c, 30, 30)
			waitFor(t, c, 61)
			if unreadable, records := told(t, c); unreadable != 1 || records != 60 || h.met.Load() != 3 {
				t.Errorf("told of %d batches after %d times, %d records came out; want 1, 3, 60", unreadable, h.met.Load(), records)
			}
			if err := m.stop(); err != nil {
				t.Errorf("Run = %v, want nil", err)
			}
		})
	}
}

// What the handler cannot do stops the member, and so does a stop while the handler takes its time.
func TestAMemberStopsAtABatchThatCannotBePassedOver(t *testing.T) {
	t.Parallel()
	c := start(t)
	h := &unready{meet: func(context.Context, *kafka.Record) error { return errors.New("no place for it") }}
	m := join(t, c, c.config("0"), h, nil)
	bomb(t, c, 0)
	select {
	case err := <-m.done:
		m.stop = func() error { return nil }
		if err == nil || !strings.Contains(err.Error(), "passing over a batch: no place for it") {
			t.Errorf("Run = %v, want what the handler said", err)
		}
	case <-time.After(kafkatest.Patience):
		t.Fatal("the member still runs")
	}
	slow := &unready{meet: func(ctx context.Context, _ *kafka.Record) error {
		<-ctx.Done()
		return ctx.Err()
	}}
	m = join(t, c, c.config("0"), slow, nil)
	kafkatest.Eventually(t, "the batch to be met", func() bool { return slow.met.Load() > 0 })
	if err := m.stop(); err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
	if unreadable, _ := told(t, c); unreadable != 0 {
		t.Errorf("told of %d batches, want none", unreadable)
	}
}

// An accountant is a copier that has the positions of partition 0 committed, and none of the others.
type accountant struct{ copier }

func (a *accountant) Begin() consume.Batch { return a }

func (a *accountant) Released(map[string][]int32) {}

func (a *accountant) Position(_ string, partition int32, next int64) (int64, string) {
	if partition > 0 {
		return -1, ""
	}
	return next, "account"
}

// Seen: where nothing came behind a batch that was passed over, the position behind it was not committed for a handler that
// keeps its own account, so that who waited for that waited for ever.
func TestThePositionBehindABatchThatWasPassedOverIsCommitted(t *testing.T) {
	t.Parallel()
	c := start(t)
	m := join(t, c, c.config("0"), &accountant{}, nil)
	bomb(t, c, 0)
	bomb(t, c, 1)
	positions := func() map[int32]kadm.Offset {
		t.Helper()
		offsets, err := kadm.NewClient(c.Client(t)).FetchOffsets(kadm.RequireStable(t.Context()), c.group)
		if err != nil {
			t.Fatal(err)
		}
		all := map[int32]kadm.Offset{}
		offsets.Each(func(o kadm.OffsetResponse) { all[o.Partition] = o.Offset })
		return all
	}
	kafkatest.Eventually(t, "the position behind the batch", func() bool { return positions()[0].At == 1 })
	kafkatest.Eventually(t, "both batches", func() bool { unreadable, _ := told(t, c); return unreadable == 2 })
	c.Write(t, &kgo.Record{Topic: c.in, Partition: 0, Value: []byte("behind")})
	kafkatest.Eventually(t, "the record behind it", func() bool { return positions()[0].At == 2 })
	if err := m.stop(); err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
	if all := positions(); len(all) != 1 || all[0].Metadata != "account" {
		t.Errorf("positions %+v, want one, of partition 0, with the account's metadata", all)
	}
}

// A client that goes on behind a batch in one partition drops what it has read of others, and what is such a batch there it never
// tells of. Seen: the other partition stood still until the worker was started anew.
func TestBatchesInSeveralPartitionsArePassedOver(t *testing.T) {
	t.Parallel()
	for _, delivery := range []kafka.Delivery{kafka.ExactlyOnce, kafka.AtLeastOnce} {
		t.Run(string(delivery), func(t *testing.T) {
			t.Parallel()
			c := start(t)
			for p := range int32(partitions) {
				for range 3 {
					bomb(t, c, p)
				}
			}
			write(t, c, 0, 30)
			cfg := c.config("0")
			cfg.Delivery = delivery
			m := join(t, c, cfg, &copier{}, nil)
			waitFor(t, c, 3*partitions+30)
			if unreadable, records := told(t, c); unreadable != 3*partitions || records != 30 {
				t.Errorf("told of %d batches, %d records came out; want %d, 30", unreadable, records, 3*partitions)
			}
			if err := m.stop(); err != nil {
				t.Errorf("Run = %v, want nil", err)
			}
		})
	}
}
