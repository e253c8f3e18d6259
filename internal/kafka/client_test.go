package kafka_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
)

// closedAddr is an address where nobody listens.
func closedAddr(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func cluster(t *testing.T, cfg kafka.Config) *kafka.Cluster {
	t.Helper()
	c, err := kafka.NewCluster(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestPingOfAnUnreachableBrokerNamesItWithinItsDeadline(t *testing.T) {
	t.Parallel()
	addr := closedAddr(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	began := time.Now()
	err := cluster(t, kafka.Config{Brokers: []string{addr}}).Ping(ctx)
	if want := "no Kafka broker answers at " + addr + " (kafka.brokers): "; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("Ping = %v, want %s...", err, want)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("Ping took %s, want about its deadline of 1s at most", took)
	}
}

// A host that takes the connection and says nothing, as a firewall or a wrong port does.
func TestPingOfASilentHostEndsAtItsDeadline(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err = cluster(t, kafka.Config{Brokers: []string{l.Addr().String()}}).Ping(ctx)
	if err == nil || !strings.Contains(err.Error(), l.Addr().String()) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Ping = %v, want a passed deadline and the address", err)
	}
}

// Seen: a replica that was started a moment before its broker ended at once, and the document said after 20 s.
func TestAwaitOutlivesAStartBeforeTheBrokers(t *testing.T) {
	t.Parallel()
	addr := closedAddr(t)
	_, number, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), kafkatest.Patience)
	defer cancel()
	c := cluster(t, kafka.Config{Brokers: []string{addr}})
	ended := make(chan error, 1)
	go func() { ended <- c.Await(ctx) }()
	select {
	case err := <-ended:
		t.Fatalf("Await = %v before there is a broker", err)
	case <-time.After(500 * time.Millisecond):
	}
	broker, err := kafka.StartEmbedded(kafka.EmbeddedConfig{Port: port}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	if err := <-ended; err != nil {
		t.Errorf("Await = %v, want nil with the broker there", err)
	}
}

func TestAwaitOfNobodySaysWhatPingSays(t *testing.T) {
	t.Parallel()
	c := cluster(t, kafka.Config{Brokers: []string{closedAddr(t)}})
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	want := c.Ping(t.Context())
	if got := c.Await(ctx); got == nil || got.Error() != want.Error() || ctx.Err() == nil {
		t.Errorf("Await = %v, want at the deadline what Ping says: %v", got, want)
	}
}

func TestPingOfABrokerThatIsThere(t *testing.T) {
	t.Parallel()
	if err := kafkatest.Start(t).Ping(t.Context()); err != nil {
		t.Errorf("Ping = %v, want nil", err)
	}
}

func TestAppendIsThereForAllReadersWhenItReturns(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	topic := c.Name("control")
	c.CreateTopic(t, topic, 2)
	a, err := c.NewAppender("test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	for _, r := range []kafka.Record{
		{Topic: topic, Partition: 1, Key: []byte("a"), Value: []byte("1"), Headers: []kafka.Header{{Key: "h", Value: []byte("x")}}},
		{Topic: topic, Key: []byte("a")},
	} {
		if err := a.Append(t.Context(), r); err != nil {
			t.Fatalf("Append = %v", err)
		}
	}
	recs := c.ReadAll(t, topic)
	if len(recs) != 2 {
		t.Fatalf("%d records, want 2", len(recs))
	}
	if recs[0].Partition != 0 || recs[0].Value != nil {
		t.Errorf("the record of partition 0 = %+v, want a tombstone", recs[0])
	}
	if recs[1].Partition != 1 || string(recs[1].Value) != "1" || len(recs[1].Headers) != 1 {
		t.Errorf("the record of partition 1 = %+v, want the value 1 and its header", recs[1])
	}
}

func TestAppendNamesKeyAndTopicOfWhatItCannotWrite(t *testing.T) {
	t.Parallel()
	c := newControl(t, kafkatest.Embedded(t)) // it is told to refuse a record
	a, err := c.NewAppender("test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	c.Broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: c.topic, Err: kerr.TopicAuthorizationFailed})
	err = a.Append(t.Context(), kafka.Record{Topic: c.topic, Key: []byte("R1"), Value: []byte("x")})
	if want := `writing "R1" to topic ` + c.topic + ": "; !errors.Is(err, kerr.TopicAuthorizationFailed) || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("Append = %v, want %s...", err, want)
	}
	if err := a.Append(t.Context(), kafka.Record{Topic: c.topic, Key: []byte("R1"), Value: []byte("x")}); err != nil {
		t.Errorf("Append after a refusal = %v, want nil", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Append(ctx, kafka.Record{Topic: c.topic, Key: []byte("R1")}); !errors.Is(err, context.Canceled) {
		t.Errorf("Append with an ended context = %v, want Canceled", err)
	}
}
