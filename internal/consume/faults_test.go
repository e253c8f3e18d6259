package consume_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
)

// Only the embedded broker can be told to have faults: tests that inject some start it.

// Errors on the way of a transaction, each met once in the middle of a stream: whatever the session makes of it
// (retry, abort, rebuild), the output is exact.
func TestFaultsOfATransactionLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		key kmsg.Key
		err *kerr.Error
	}{
		{kmsg.Produce, kerr.NotLeaderForPartition},
		{kmsg.Produce, kerr.UnknownServerError},
		{kmsg.Produce, kerr.RequestTimedOut},
		{kmsg.AddPartitionsToTxn, kerr.ConcurrentTransactions},
		{kmsg.AddOffsetsToTxn, kerr.CoordinatorLoadInProgress},
		{kmsg.TxnOffsetCommit, kerr.UnknownMemberID},
		{kmsg.TxnOffsetCommit, kerr.IllegalGeneration},
		{kmsg.TxnOffsetCommit, kerr.CoordinatorNotAvailable},
		{kmsg.EndTxn, kerr.NotCoordinator},
		{kmsg.EndTxn, kerr.UnknownServerError},
		{kmsg.EndTxn, kerr.TransactionAbortable},
		{kmsg.EndTxn, kerr.InvalidTxnState},
		{kmsg.EndTxn, kerr.InvalidProducerIDMapping},
		{kmsg.Heartbeat, kerr.UnknownMemberID},
		{kmsg.OffsetFetch, kerr.CoordinatorLoadInProgress},
	} {
		t.Run(tt.key.Name()+" "+tt.err.Message, func(t *testing.T) {
			t.Parallel()
			c := startEmbedded(t)
			join(t, c, c.config("0"), &copier{}, nil)
			write(t, c, 0, 90)
			waitFor(t, c, 90)
			f := kfake.Fault{Keys: []kmsg.Key{tt.key}, Err: tt.err}
			if tt.key == kmsg.Produce {
				f.Topic = c.out // not the test's own writing
			}
			fault := c.Broker.Fault(f)
			defer fault.Remove()
			for i := range 5 {
				write(t, c, 90+i*90, 90)
			}
			waitFor(t, c, 540)
			check(t, c, 540)
		})
	}
}

// A broker that has given up a transaction for its age answers as if another worker had taken the id over. A replica
// without a name has an id of its own, so it can only be that, and must go on.
func TestATransactionThatTheBrokerGaveUpComesAgain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		key kmsg.Key
		err *kerr.Error
	}{
		{kmsg.EndTxn, kerr.ProducerFenced},
		{kmsg.EndTxn, kerr.InvalidProducerEpoch},
		{kmsg.Produce, kerr.InvalidProducerEpoch},
	} {
		t.Run(tt.key.Name()+" "+tt.err.Message, func(t *testing.T) {
			t.Parallel()
			c := startEmbedded(t)
			join(t, c, c.config(""), &copier{}, nil)
			write(t, c, 0, 90)
			waitFor(t, c, 90)
			f := kfake.Fault{Keys: []kmsg.Key{tt.key}, Err: tt.err}
			if tt.key == kmsg.Produce {
				f.Topic = c.out // not the test's own writing
			}
			fault := c.Broker.Fault(f)
			defer fault.Remove()
			write(t, c, 90, 90)
			write(t, c, 180, 90)
			waitFor(t, c, 270)
			check(t, c, 270)
		})
	}
}

// A named replica cannot tell the two apart by the answer, only by the time that went by: a transaction that is younger
// than the broker's patience has not been given up.
func TestANamedReplicaOutlivesATransactionThatTheBrokerGaveUp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		timeout time.Duration
		fatal   bool
	}{
		{name: "older than the timeout", timeout: 200 * time.Millisecond},
		{name: "younger", timeout: 10 * time.Second, fatal: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := startEmbedded(t)
			cfg := c.config("0")
			m := join(t, c, cfg, &copier{}, nil)
			write(t, c, 0, 90)
			waitFor(t, c, 90)
			if err := m.stop(); err != nil {
				t.Fatal(err)
			}
			cfg.TransactionTimeout = tt.timeout
			fault := c.Broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: c.out, Err: kerr.InvalidProducerEpoch, When: func(kmsg.Request) bool {
				time.Sleep(300 * time.Millisecond)
				return true
			}})
			defer fault.Remove()
			m = join(t, c, cfg, &copier{}, nil)
			write(t, c, 90, 90)
			if tt.fatal {
				err := <-m.done
				m.done <- err
				if err == nil || !strings.Contains(err.Error(), "another worker runs under the same kafka.replica") {
					t.Errorf("Run = %v, want that another worker has the name", err)
				}
				return
			}
			waitFor(t, c, 180)
			check(t, c, 180)
		})
	}
}

func TestAStopDoesNotWaitForABrokerThatIsGone(t *testing.T) {
	t.Parallel()
	c := startEmbedded(t)
	cfg := c.config("0")
	cfg.CommitInterval = time.Second
	cfg.EndTimeout = time.Minute
	m := join(t, c, cfg, &copier{}, nil)
	write(t, c, 0, 3)
	waitFor(t, c, 3) // the first batch ends at once
	write(t, c, 3, 3)
	time.Sleep(300 * time.Millisecond) // the batch is open
	c.Broker.Close()
	time.Sleep(1500 * time.Millisecond) // its end has begun, and has a minute
	began := time.Now()
	err := m.stop()
	if took := time.Since(began); took > consume.StopTimeout+4*time.Second || err == nil {
		t.Errorf("Run = %v after %s, want an error after %s at the most", err, took, consume.StopTimeout)
	}
}

// Any broker shows it quietly.
func TestABatchThatUnpacksToTooMuchIsPassedOver(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		key  kmsg.Key
		err  *kerr.Error // nil = no fault
	}{
		{name: "quietly"},
		{"while the offsets are refused", kmsg.TxnOffsetCommit, kerr.IllegalGeneration},
		{"while the commit is refused", kmsg.EndTxn, kerr.TransactionAbortable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := start(t)
			if tt.err != nil {
				c = startEmbedded(t)
			}
			cfg := c.config("0")
			cfg.CommitInterval = time.Second // so that a transaction is open when the bomb is met
			join(t, c, cfg, &copier{}, nil)
			write(t, c, 0, 3)
			waitFor(t, c, 3)
			if tt.err != nil {
				fault := c.Broker.Fault(kfake.Fault{Keys: []kmsg.Key{tt.key}, Err: tt.err})
				defer fault.Remove()
			}
			write(t, c, 3, 30)
			cl := c.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.ZstdCompression()),
				kgo.ProducerBatchMaxBytes(90<<20))
			bomb := &kgo.Record{Topic: c.in, Partition: 0, Value: make([]byte, 80<<20)}
			if err := cl.ProduceSync(t.Context(), bomb).FirstErr(); err != nil {
				t.Fatal(err)
			}
			write(t, c, 33, 30)
			kafkatest.Eventually(t, "all records and one about the bomb", func() bool { return len(c.ReadAll(t, c.out)) >= 64 })
			waitFor(t, c, 64) // the bomb's offset is committed with the first record behind it
			told, values := 0, map[string]bool{}
			for _, r := range c.ReadAll(t, c.out) {
				switch {
				case string(r.Key) == "unreadable": // again, if the session is lost before that record
					told++
				case values[string(r.Value)]:
					t.Errorf("record %s came out twice", r.Value)
				}
				values[string(r.Value)] = true
			}
			if told == 0 || len(values) != 63+1 {
				t.Errorf("the bomb was told of %d times and %d records came out, want it told and 63", told, len(values)-1)
			}
			if tt.err == nil && told != 1 {
				t.Errorf("the bomb was told of %d times without any fault, want once", told)
			}
		})
	}
}

// What the handler refuses is not written, its offsets neither: whoever mends the cause reads the same records again.
func TestABatchThatIsRefusedIsAbortedAndStopsTheWorker(t *testing.T) {
	t.Parallel()
	for _, delivery := range []kafka.Delivery{kafka.ExactlyOnce, kafka.AtLeastOnce} {
		t.Run(string(delivery), func(t *testing.T) {
			t.Parallel()
			c := start(t)
			cfg := c.config("0")
			cfg.Delivery = delivery
			refuse := errors.New("too much of that")
			var bad atomic.Bool
			h := &copier{check: func() error {
				if bad.Load() {
					return refuse
				}
				return nil
			}}
			m := join(t, c, cfg, h, nil)
			write(t, c, 0, 90)
			waitFor(t, c, 90)
			bad.Store(true)
			write(t, c, 90, 90)
			select {
			case err := <-m.done:
				m.stop = func() error { return nil }
				if !errors.Is(err, refuse) {
					t.Errorf("Run = %v, want %v", err, refuse)
				}
			case <-time.After(kafkatest.Patience):
				t.Fatal("the worker still runs")
			}
			if got := committedOffsets(t, c); got != 90 {
				t.Errorf("committed offsets = %d, want 90", got)
			}
			c.Settle(t, c.out)
			if got := len(c.ReadAll(t, c.out)); got != 90 {
				t.Errorf("%d records came out, want 90", got)
			}
			bad.Store(false)
			join(t, c, cfg, h, nil)
			waitFor(t, c, 180)
			check(t, c, 180)
		})
	}
}

// A stop ends the open transaction, and that may be one too much.
func TestAStopDoesNotCommitWhatIsRefused(t *testing.T) {
	t.Parallel()
	c := start(t)
	cfg := c.config("0")
	cfg.CommitInterval = 5 * time.Second
	refuse := errors.New("too much of that")
	began := make(chan struct{}, 100)
	h := &copier{check: func() error { return refuse }, output: func(r *kafka.Record) kafka.Record {
		began <- struct{}{}
		return kafka.Record{Topic: copyOf(r.Topic), Partition: r.Partition}
	}}
	m := join(t, c, cfg, h, nil)
	write(t, c, 0, 3)
	<-began
	if err := m.stop(); !errors.Is(err, refuse) {
		t.Errorf("Run = %v, want %v", err, refuse)
	}
	if got := committedOffsets(t, c); got != 0 {
		t.Errorf("committed offsets = %d, want none", got)
	}
}
