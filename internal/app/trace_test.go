package app_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/kafkatest"
)

// From the header of an event to that of its tag, and to the collector before the worker has stopped.
func TestAWorkerContinuesTheTraceOfAnEvent(t *testing.T) {
	var mu sync.Mutex
	var received strings.Builder
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		received.Write(data)
		w.WriteHeader(http.StatusOK)
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)

	c := kafkatest.Start(t)
	w := startWorker(t, quickConfig(t, c), slog.New(slog.DiscardHandler))
	w.ready(t)
	const trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	write(t, c,
		&kgo.Record{
			Value:   []byte(`{"source_kind":"command","source_id":"traced","payload":{"command_text":"curl"}}`),
			Headers: []kgo.RecordHeader{{Key: "traceparent", Value: []byte("00-" + trace + "-" + parent + "-01")}},
		},
		&kgo.Record{Value: []byte(`{"source_kind":"command","source_id":"plain","payload":{"command_text":"curl"}}`)})
	waitForTags(t, c, 2)
	var got []string
	for _, tag := range c.ReadAll(t, c.Name("ttp_tags")) {
		for _, h := range tag.Headers {
			if h.Key == "traceparent" {
				got = append(got, string(h.Value))
			}
		}
	}
	if len(got) != 1 || !strings.HasPrefix(got[0], "00-"+trace+"-") || strings.Contains(got[0], parent) {
		t.Fatalf("traceparent of the tags = %q, want one, of the same trace and another span", got)
	}
	if err := w.stop(); err != nil {
		t.Fatalf("Wait = %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if n := strings.Count(received.String(), "process "+c.Name("ttp_events")); n != 1 {
		t.Errorf("the collector has %d spans, want one", n)
	}
}
