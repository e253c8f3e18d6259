package app_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ttpworker/internal/app"
	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
	"ttpworker/internal/yamlx"
)

// Seen: the only broker was killed for two minutes. The replica said that it was ready, no metric showed anything, and
// nobody was called.
func TestAWorkerIsAliveButNotReadyWhileKafkaDoesNotAnswer(t *testing.T) {
	t.Parallel()
	var connections kafkatest.Connections
	c := kafkatest.Embedded(t, kfake.ListenFn(connections.Listen))
	w := startWorker(t, quickConfig(t, c), slog.New(slog.DiscardHandler))
	w.ready(t)
	writeEvents(t, c, 6)
	waitForTags(t, c, 6)
	allow := connections.Refuse()
	kafkatest.Eventually(t, "/readyz to say who is missing", func() bool {
		status, body := w.get(t, "/readyz")
		return status == http.StatusServiceUnavailable && strings.HasPrefix(body, "kafka: no broker has answered since 20")
	})
	if status, body := w.get(t, "/livez"); status != http.StatusOK {
		t.Errorf("/livez = %d %s, want 200: a restart would not help", status, body)
	}
	allow()
	w.ready(t)
	writeEvents(t, c, 6)
	waitForTags(t, c, 12)
}

// Brokers that have lost sight of their users, as when they start, refuse passwords that are right.
func TestAWorkerOutlivesAnOutageOfAuthenticationAndAStartDoesNot(t *testing.T) {
	t.Parallel()
	var connections kafkatest.Connections
	c := kafkatest.Embedded(t, kfake.ListenFn(connections.Listen), kfake.EnableSASL(),
		kfake.Superuser("PLAIN", "worker", "right"), kfake.Superuser("PLAIN", "other", "right"))
	var out atomic.Bool
	refused := atomic.Int64{}
	c.Broker.ControlKey(int16(kmsg.SASLAuthenticate), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.Broker.KeepControl()
		auth := req.(*kmsg.SASLAuthenticateRequest)
		if !out.Load() || string(auth.SASLAuthBytes) != "\x00worker\x00right" {
			return nil, nil, false
		}
		refused.Add(1)
		resp := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		resp.ErrorCode = kerr.SaslAuthenticationFailed.Code
		resp.ErrorMessage = new("Authentication failed: invalid credentials")
		return resp, nil, true
	})
	cfg := quickConfig(t, c)
	cfg.Kafka.SASL = kafka.SASLConfig{Mechanism: "plain", Username: "worker", Password: yamlx.NewSecret("right")}
	w := startWorker(t, cfg, slog.New(slog.DiscardHandler))
	w.ready(t)
	other := cfg.Kafka
	other.SASL.Username = "other"
	cluster, err := kafka.NewCluster(other, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	cl, err := cluster.Client("test", kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	write := func(from, to int) {
		t.Helper()
		for i := from; i < to; i++ {
			rec := &kgo.Record{Topic: "ttp_events", Partition: int32(i % 6), Value: fmt.Appendf(nil,
				`{"source_kind":"command","source_id":"%d","payload":{"command_text":"curl"}}`, i)}
			if err := cl.ProduceSync(t.Context(), rec).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(0, 12)
	out.Store(true)
	connections.Cut()
	write(12, 24)
	kafkatest.Eventually(t, "refusals", func() bool { return refused.Load() >= 5 })
	err = app.Run(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if want := "(kafka.sasl.username worker or kafka.sasl.password)"; !containsText(err, want) {
		t.Errorf("Run while the password is refused = %v, want %s", err, want)
	}
	time.Sleep(2 * cfg.Kafka.SessionTimeout)
	select {
	case err := <-w.ended:
		t.Fatalf("the worker ended in the outage: %v", err)
	default:
	}
	out.Store(false)
	connections.Cut()
	write(24, 36)

	keys := map[string]int{}
	reader, err := cluster.Client("reader", kgo.ConsumeTopics("ttp_tags"), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reader.Close)
	for len(keys) < 36 {
		fetches := reader.PollFetches(t.Context())
		if t.Context().Err() != nil {
			t.Fatalf("%d tags, want 36", len(keys))
		}
		fetches.EachRecord(func(r *kgo.Record) { keys[string(r.Key)]++ })
	}
	for key, n := range keys {
		if n != 1 {
			t.Errorf("tag %s came %d times, want once", key, n)
		}
	}
	if err := w.stop(); err != nil {
		t.Errorf("Wait = %v, want nil", err)
	}
}
