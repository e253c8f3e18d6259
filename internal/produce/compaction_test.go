package produce_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
	"ttpworker/internal/produce"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

// Tags are written, overwritten and taken back in transactions, a third of which are aborted, while the broker
// compacts: at any moment a reader finds under every key what was committed last, whatever of it is left in the log.
// One transaction stays open meanwhile; the cleaner must stop in front of it. The embedded broker compacts in another
// way.
func TestCompactionNeitherLosesNorResurrectsATag(t *testing.T) {
	kafkatest.NeedsApache(t)
	t.Parallel()
	l := newLedger(t)
	regular, slow := l.newWriter("regular"), l.newWriter("slow")
	for range 40 {
		l.write(regular, 10)
	}
	before := l.bytes()
	l.settle("the history", l.cleaned)

	l.open(slow, 20)
	for range 10 {
		l.write(regular, 10)
	}
	l.settle("what is before the open transaction", l.cleaned)
	slow.end(kgo.TryAbort)

	l.open(slow, 20)
	for range 10 {
		l.write(regular, 10)
	}
	l.settle("what is before the second open transaction", l.cleaned)
	slow.end(kgo.TryCommit)

	l.settle("everything, tombstones too", func(seen []*kgo.Record) bool {
		return l.cleaned(seen) && !slices.ContainsFunc(seen, func(r *kgo.Record) bool { return r.Value == nil })
	})
	t.Logf("%d records of %d keys written, %d keys hold; %d bytes before, %d after",
		len(l.committed), keys, len(l.holds(nil)), before, l.bytes())
}

const (
	keys       = 60
	partitions = 2
	segment    = 300 * time.Millisecond // the life of one
)

// A ledger is a tag topic and all that was committed to it.
type ledger struct {
	*kafkatest.Cluster
	t         *testing.T
	outputs   produce.Outputs
	rand      *rand.Rand
	written   int
	committed []*kgo.Record
}

// newLedger creates the tag topic as the worker does, but with segments and a cleaner that take no hours.
func newLedger(t *testing.T) *ledger {
	t.Helper()
	c := kafkatest.Start(t)
	cfg := named(c)
	cfg.Tags.Partitions = partitions
	specs := slices.DeleteFunc(cfg.Specs(nil, nil), func(s kafka.TopicSpec) bool { return s.Name != cfg.Tags.Name })
	maps.Copy(specs[0].Settings, map[string]string{
		"segment.ms": strconv.FormatInt(segment.Milliseconds(), 10), "min.cleanable.dirty.ratio": "0.001", "delete.retention.ms": "300", "file.delete.delay.ms": "100",
	})
	if _, err := c.EnsureTopics(t.Context(), specs); err != nil {
		t.Fatal(err)
	}
	return &ledger{
		Cluster: c, t: t, outputs: produce.Outputs{Encoder: encoder(t, wire.SingleObject), Tags: cfg.Tags.Name},
		rand: rand.New(rand.NewPCG(1, 2)), //nolint:gosec // the same tags at every run
	}
}

// random makes n tags anew, or takes them back, each on the partition of its event.
func (l *ledger) random(n int) []*kgo.Record {
	recs := make([]*kgo.Record, n)
	for i := range recs {
		k := l.rand.IntN(keys)
		l.written++
		tag := sampleTag()
		tag.SourceID = strconv.Itoa(k)
		tag.ID = tagger.TagID(&tagger.TaggerEvent{SourceKind: "command", SourceID: tag.SourceID}, tag.RuleID, &tagger.Emit{Tactic: tag.Tactic})
		tag.Evidence = fmt.Appendf(nil, `{"n":%d}`, l.written)
		rec, err := l.outputs.TagRecord(&tag, produce.Source{Partition: int32(k % partitions), Position: "e/0/0"}, at)
		if err != nil {
			l.t.Fatal(err)
		}
		recs[i] = rec.ToClient()
		if l.rand.IntN(4) == 0 {
			recs[i].Value = nil
		}
	}
	return recs
}

// write writes n tags in a transaction, every third of which is aborted.
func (l *ledger) write(w *writer, n int) {
	w.begin()
	w.put(l.random(n)...)
	w.end(kgo.TransactionEndTry(l.rand.IntN(3) > 0))
}

// open begins a transaction of n tags. They begin a segment: of one that holds open transactions the cleaner counts nothing
// as dirty, and would leave what is in front of them.
func (l *ledger) open(w *writer, n int) {
	time.Sleep(2 * segment)
	w.begin()
	w.put(l.random(n)...)
}

// settle writes what makes the broker close segments until the reader sees so, and at every look holds what the reader
// sees against the ledger.
func (l *ledger) settle(what string, so func(seen []*kgo.Record) bool) {
	l.t.Helper()
	kafkatest.Eventually(l.t, "the broker to compact "+what, func() bool {
		time.Sleep(segment)
		for p := range int32(partitions) {
			l.Write(l.t, &kgo.Record{Topic: l.outputs.Tags, Partition: p, Key: []byte("filler"), Value: []byte("x")})
		}
		seen, ends := l.read()
		if diff := cmp.Diff(l.holds(ends), fold(seen)); diff != "" {
			l.t.Fatalf("tags that hold (-want +got):\n%s", diff)
		}
		return so(seen)
	})
}

// read returns the committed tags in the log, and to which offsets it read.
func (l *ledger) read() ([]*kgo.Record, kadm.ListedOffsets) {
	l.t.Helper()
	ends, err := kadm.NewClient(l.Client(l.t)).ListCommittedOffsets(l.t.Context(), l.outputs.Tags)
	if err != nil {
		l.t.Fatal(err)
	}
	return slices.DeleteFunc(l.ReadAll(l.t, l.outputs.Tags), func(r *kgo.Record) bool {
		end, _ := ends.Lookup(r.Topic, r.Partition)
		return string(r.Key) == "filler" || r.Offset >= end.Offset
	}), ends
}

// holds is what the ledger says of the log up to ends: values by key. Without ends it is of all of it.
func (l *ledger) holds(ends kadm.ListedOffsets) map[string]string {
	return fold(slices.DeleteFunc(slices.Clone(l.committed), func(r *kgo.Record) bool {
		end, known := ends.Lookup(r.Topic, r.Partition)
		return known && r.Offset >= end.Offset
	}))
}

// fold keeps the last value of every key.
func fold(recs []*kgo.Record) map[string]string {
	last := map[string]*kgo.Record{}
	for _, r := range recs {
		if before := last[string(r.Key)]; before == nil || before.Offset < r.Offset {
			last[string(r.Key)] = r
		}
	}
	values := map[string]string{}
	for key, r := range last {
		if r.Value != nil {
			values[key] = string(r.Value)
		}
	}
	return values
}

// cleaned reports whether nothing is left that was overwritten.
func (l *ledger) cleaned(seen []*kgo.Record) bool {
	distinct := map[string]bool{}
	for _, r := range seen {
		distinct[string(r.Key)] = true
	}
	return len(distinct) == len(seen)
}

// bytes is the size of the topic on disk.
func (l *ledger) bytes() int64 {
	l.t.Helper()
	dirs, err := kadm.NewClient(l.Client(l.t)).DescribeAllLogDirs(l.t.Context(), kadm.TopicsSet{l.outputs.Tags: {0: {}, 1: {}}})
	if err != nil {
		l.t.Fatal(err)
	}
	var sum int64
	dirs.Each(func(d kadm.DescribedLogDir) { sum += d.Size() })
	return sum
}

// A writer is a transactional producer of a ledger.
type writer struct {
	ledger *ledger
	client *kgo.Client
	open   []*kgo.Record
}

func (l *ledger) newWriter(name string) *writer {
	l.t.Helper()
	return &writer{ledger: l, client: l.Client(l.t, kgo.TransactionalID(l.Name(name)), kgo.RecordPartitioner(kgo.ManualPartitioner()))}
}

func (w *writer) begin() {
	if err := w.client.BeginTransaction(); err != nil {
		w.ledger.t.Fatal(err)
	}
	w.open = nil
}

func (w *writer) put(recs ...*kgo.Record) {
	if err := w.client.ProduceSync(w.ledger.t.Context(), recs...).FirstErr(); err != nil {
		w.ledger.t.Fatal(err)
	}
	w.open = append(w.open, recs...)
}

func (w *writer) end(try kgo.TransactionEndTry) {
	if err := w.client.EndTransaction(w.ledger.t.Context(), try); err != nil {
		w.ledger.t.Fatal(err)
	}
	if try == kgo.TryCommit {
		w.ledger.committed = append(w.ledger.committed, w.open...)
	}
}
