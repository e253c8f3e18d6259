package kafka_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
)

// onTopic gives the test a cluster with a topic of its own.
func onTopic(t *testing.T, partitions int32) (c *kafkatest.Cluster, topic string) {
	t.Helper()
	c = kafkatest.Start(t)
	topic = c.Name("scanned")
	c.CreateTopic(t, topic, partitions)
	return c, topic
}

// scan reads spans of topic and says of each record "partition/offset value".
func scan(t *testing.T, c *kafkatest.Cluster, topic string, spans map[int32]kafka.Span) map[int32][]string {
	t.Helper()
	got := map[int32][]string{}
	err := c.Scan(t.Context(), topic, spans, func(r *kafka.Record) error {
		got[r.Partition] = append(got[r.Partition], fmt.Sprintf("%d %s", r.Offset, r.Value))
		return nil
	})
	if err != nil {
		t.Fatalf("Scan = %v", err)
	}
	return got
}

func spansSince(t *testing.T, c *kafkatest.Cluster, topic string, since time.Time) map[int32]kafka.Span {
	t.Helper()
	spans, err := c.Spans(t.Context(), topic, since)
	if err != nil {
		t.Fatalf("Spans = %v", err)
	}
	return spans
}

func TestScanReadsWhatWasCommittedOfEveryPartitionInOrder(t *testing.T) {
	t.Parallel()
	c, topic := onTopic(t, 4)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i := range 6 {
		c.Write(t, &kgo.Record{Topic: topic, Partition: int32(i % 2), Value: fmt.Append(nil, i), Timestamp: at.Add(time.Duration(i) * time.Minute)})
	}
	w, err := c.NewTransactor(t.Context(), c.Name("w"), map[string]int{topic: 1000})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Write(t.Context(), []kafka.Record{{Topic: topic, Partition: 2, Value: []byte("whole")}}); err != nil {
		t.Fatalf("Write = %v", err)
	}
	// The end of partition 3 is an aborted record and its marker.
	refused := []kafka.Record{{Topic: topic, Partition: 3, Value: []byte("small")}, {Topic: topic, Partition: 2, Value: make([]byte, 2000)}}
	if err := w.Write(t.Context(), refused); !errors.Is(err, kafka.ErrRefused) || !strings.Contains(err.Error(), "writing 2000 bytes to "+topic+"/2") {
		t.Fatalf("Write of a record over the topic's limit = %v, want ErrRefused and which", err)
	}
	spans := spansSince(t, c, topic, time.Time{})
	c.Write(t, &kgo.Record{Topic: topic, Value: []byte("too late")})
	want := map[int32][]string{0: {"0 0", "1 2", "2 4"}, 1: {"0 1", "1 3", "2 5"}, 2: {"0 whole"}}
	if diff := cmp.Diff(want, scan(t, c, topic, spans)); diff != "" {
		t.Errorf("all records (-want +got):\n%s", diff)
	}

	want = map[int32][]string{0: {"2 4", "3 too late"}, 1: {"1 3", "2 5"}, 2: {"0 whole"}}
	if diff := cmp.Diff(want, scan(t, c, topic, spansSince(t, c, topic, at.Add(3*time.Minute)))); diff != "" {
		t.Errorf("records from the fourth minute on (-want +got):\n%s", diff)
	}
	if spans := spansSince(t, c, topic, time.Now().Add(time.Hour)); len(spans) > 0 {
		t.Errorf("spans from the next hour on = %v, want none", spans)
	}
	if err := w.Write(t.Context(), []kafka.Record{{Topic: topic, Partition: 3, Value: []byte("again")}}); err != nil {
		t.Errorf("Write after one that was refused = %v, want nil", err)
	}

	stop := errors.New("enough")
	if err := c.Scan(t.Context(), topic, spans, func(*kafka.Record) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("Scan = %v, want apply's error", err)
	}
	if _, err := c.Spans(t.Context(), c.Name("nowhere"), time.Time{}); err == nil || !strings.Contains(err.Error(), c.Name("nowhere")) {
		t.Errorf("Spans of a topic that is not there = %v, want an error that names it", err)
	}
}

// What an open transaction hides may be behind records that are committed already: a scan that ended before it would
// not see them.
func TestScanWaitsForTransactionsThatAreOpen(t *testing.T) {
	t.Parallel()
	c, topic := onTopic(t, 1)
	open := c.Client(t, kgo.TransactionalID(c.Name("open")))
	if err := open.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := open.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte("open")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	c.Write(t, &kgo.Record{Topic: topic, Value: []byte("behind")})
	spans := spansSince(t, c, topic, time.Time{})
	time.AfterFunc(200*time.Millisecond, func() { _ = open.EndTransaction(t.Context(), kgo.TryAbort) })
	if diff := cmp.Diff(map[int32][]string{0: {"1 behind"}}, scan(t, c, topic, spans)); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

// Retention may take away what is still to be read; a scan must not wait for it.
func TestScanEndsWhenRecordsAreDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	c, topic := onTopic(t, 1)
	for range 3 {
		c.Write(t, &kgo.Record{Topic: topic, Value: []byte("v")})
	}
	spans := spansSince(t, c, topic, time.Time{})
	upTo := kadm.Offsets{}
	upTo.AddOffset(topic, 0, 3, -1)
	deleted, err := kadm.NewClient(c.Client(t)).DeleteRecords(t.Context(), upTo)
	if err = errors.Join(err, deleted.Error()); err != nil {
		t.Fatal(err)
	}
	if got := scan(t, c, topic, spans); len(got) > 0 {
		t.Errorf("Scan read %v, want nothing", got)
	}
}

// Somebody's open transaction keeps readers from what is behind it, for as long as 15 minutes: that is said.
func TestAScanSaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	c, topic := onTopic(t, 1)
	open := c.Client(t, kgo.TransactionalID(c.Name("open")), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err := open.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := open.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte("0")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	var said said
	cluster, err := kafka.NewCluster(kafka.Config{Brokers: c.Brokers()}, slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- cluster.Scan(t.Context(), topic, map[int32]kafka.Span{0: {To: 1}}, func(*kafka.Record) error { return nil })
	}()
	kafkatest.Eventually(t, "the scan to say what it waits for", func() bool {
		return strings.Contains(said.text(), "an open transaction keeps records from being read, waiting for its end") && strings.Contains(said.text(), "offset=0")
	})
	if err := open.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("Scan = %v", err)
	}
}

// said is what was logged.
type said struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *said) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(line)
}

func (s *said) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// A scan over events passes over what unpacks to more than a worker unpacks, at the end of a span, too, and says where that was
// in the order of the records.
func TestScanEventsPassesOverABatchThatUnpacksToTooMuch(t *testing.T) {
	t.Parallel()
	c, topic := onTopic(t, 2)
	cl := c.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.ZstdCompression()), kgo.ProducerBatchMaxBytes(90<<20),
		kgo.ManualFlushing())
	bomb := func(partition int32) { // a batch of three records
		for range 3 {
			cl.Produce(t.Context(), &kgo.Record{Topic: topic, Partition: partition, Value: make([]byte, 25<<20)}, func(_ *kgo.Record, err error) {
				if err != nil {
					t.Errorf("writing: %v", err)
				}
			})
		}
		if err := cl.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	one := func(partition int32) {
		c.Write(t, &kgo.Record{Topic: topic, Partition: partition, Value: []byte("x")})
	}
	one(0)  // at 0
	bomb(0) // 1 to 3
	one(0)  // 4
	bomb(0) // 5 to 7
	bomb(1) // 0 to 2
	for _, tt := range []struct {
		partition int32
		span      kafka.Span
		want      []string
	}{
		{0, kafka.Span{To: 8}, []string{"0 x", "[1,4)", "4 x", "[5,8)"}},
		{0, kafka.Span{From: 2, To: 7}, []string{"[2,4)", "4 x", "[5,7)"}},
		{0, kafka.Span{From: 4, To: 5}, []string{"4 x"}},
		{0, kafka.Span{From: 1, To: 2}, []string{"[1,2)"}},
		{0, kafka.Span{From: 3, To: 3}, nil},
		{1, kafka.Span{To: 3}, []string{"[0,3)"}},
	} {
		var got []string
		err := c.ScanEvents(t.Context(), kafka.Partition{Topic: topic, Number: tt.partition}, tt.span, func(r *kafka.Record) error {
			got = append(got, fmt.Sprintf("%d %s", r.Offset, r.Value))
			return nil
		}, func(part kafka.Span) error {
			got = append(got, fmt.Sprintf("[%d,%d)", part.From, part.To))
			return nil
		})
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("ScanEvents(%d, %v) = %v (-want +got):\n%s", tt.partition, tt.span, err, diff)
		}
	}
	at, stop := kafka.Partition{Topic: topic}, errors.New("stop")
	nothing := func(*kafka.Record) error { return nil }
	if err := c.ScanEvents(t.Context(), at, kafka.Span{To: 8}, nothing, func(kafka.Span) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("ScanEvents = %v, want what passed returned", err)
	}
	if err := c.ScanEvents(t.Context(), at, kafka.Span{To: 8}, nothing, nil); err != nil {
		t.Errorf("ScanEvents = %v, want nil where nobody wants to know", err)
	}
	if rec, err := c.ReadAt(t.Context(), at, 2); rec != nil || err == nil || !strings.Contains(err.Error(), "it is in a batch, up to offset 3, that unpacks to more than") {
		t.Errorf("ReadAt(2) = %v, %v, want that it is in such a batch", rec, err)
	}
	if rec, err := c.ReadAt(t.Context(), at, 4); rec == nil || err != nil {
		t.Errorf("ReadAt(4) = %v, %v, want the record", rec, err)
	}
}
