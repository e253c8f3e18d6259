package kafka_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
)

func TestPositionsAreWhatWasSet(t *testing.T) {
	t.Parallel()
	c, topic := onTopic(t, 3)
	group := c.Name("positions")
	want := map[kafka.Partition]kafka.Position{
		{Topic: topic, Number: 0}: {Offset: 7, Metadata: `{"plan":"x"}`},
		{Topic: topic, Number: 2}: {Offset: 0},
	}
	if got, err := c.Positions(t.Context(), group); err != nil || len(got) != 0 {
		t.Errorf("Positions of a group that never was = %v, %v, want none", got, err)
	}
	if err := c.SetPositions(t.Context(), group, want); err != nil {
		t.Fatalf("SetPositions = %v", err)
	}
	got, err := c.Positions(t.Context(), group)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("Positions = %v (-want +got):\n%s", err, diff)
	}
}

// Seen: every question opened a connection of its own, with its handshakes, twice a second as long as a retag ran.
func TestQuestionsAboutOffsetsShareConnections(t *testing.T) {
	t.Parallel()
	c := kafkatest.Embedded(t)
	topic := c.Name("asked")
	c.CreateTopic(t, topic, 1)
	var opened atomic.Int64
	c.Broker.ControlKey(int16(kmsg.ApiVersions), func(kmsg.Request) (kmsg.Response, error, bool) { // what a connection begins with
		c.Broker.KeepControl()
		opened.Add(1)
		return nil, nil, false
	})
	ask := func() {
		t.Helper()
		_, posErr := c.Positions(t.Context(), "nobody")
		_, startsErr := c.Starts(t.Context(), topic)
		_, endsErr := c.Ends(t.Context(), topic)
		_, spansErr := c.Spans(t.Context(), topic, time.Time{})
		if err := errors.Join(posErr, startsErr, endsErr, spansErr); err != nil {
			t.Fatal(err)
		}
	}
	ask()
	first := opened.Load()
	for range 10 {
		ask()
	}
	if more := opened.Load() - first; first == 0 || more > 0 {
		t.Errorf("%d connections were opened for the first questions and %d for those after, want some and none", first, more)
	}
}

// Brokers that hang are told as such, not as a deadline of nobody knows what.
func TestBrokersThatDoNotAnswerAreSaidTo(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	mute, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mute.Close() })
	c, err := kafka.NewCluster(kafka.Config{Brokers: []string{mute.Addr().String()}, StartTimeout: 300 * time.Millisecond}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	_, err = c.Positions(t.Context(), "g")
	const want = "reading the offsets of group g: no broker has answered for 300ms (kafka.start_timeout): "
	if !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("Positions = %v, want %s...", err, want)
	}
}

func TestReadAtGivesTheRecordOfAnOffsetAndNoOther(t *testing.T) {
	t.Parallel()
	c, topic := onTopic(t, 2)
	at := kafka.Partition{Topic: topic, Number: 1}
	when := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c.Write(t, &kgo.Record{Topic: topic, Partition: 1, Key: []byte("k"), Value: []byte("0"), Timestamp: when})
	w, err := c.NewTransactor(t.Context(), c.Name("w"), map[string]int{topic: 1000})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Write(t.Context(), []kafka.Record{{Topic: topic, Partition: 1, Value: []byte("1")}}); err != nil {
		t.Fatal(err)
	}
	c.Write(t, &kgo.Record{Topic: topic, Partition: 1, Value: []byte("3"), Timestamp: when.Add(time.Hour)})
	for offset, want := range map[int64]string{0: "0", 1: "1", 2: "none", 3: "3", 4: "none", 99: "none"} {
		rec, err := c.ReadAt(t.Context(), at, offset)
		if err != nil {
			t.Fatalf("ReadAt(%d) = %v", offset, err)
		}
		got := "none" // offset 2 is the marker of the transaction
		if rec != nil {
			got = string(rec.Value)
		}
		if got != want {
			t.Errorf("ReadAt(%d) = %s, want %s", offset, got, want)
		}
	}
	after, err := c.OffsetsAfter(t.Context(), topic, when.Add(time.Minute))
	if err != nil || after[1] == 0 {
		t.Errorf("OffsetsAfter = %v, %v, want one behind the first record", after, err)
	}
}
