package tracing

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// environment has of the OTEL_ variables only these, "NAME=value" each.
func environment(t *testing.T, variables ...string) {
	t.Helper()
	for _, name := range []string{
		"OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
		"OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_TRACES_SAMPLER", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_SERVICE_NAME",
	} {
		t.Setenv(name, "")
	}
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
}

func TestTracesAreOffUnlessThereIsSomewhereToSendThem(t *testing.T) {
	for _, tt := range []struct {
		variables []string
		on        bool
		fault     string
	}{
		{},
		{variables: []string{"OTEL_TRACES_SAMPLER=always_on", "OTEL_SERVICE_NAME=x"}},
		{variables: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1"}, on: true},
		{variables: []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:1/v1/traces"}, on: true},
		{variables: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, on: true},
		{variables: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_SDK_DISABLED=true"}},
		{variables: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_TRACES_EXPORTER=none"}},
		{variables: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_TRACES_EXPORTER=zipkin"}, fault: `unknown OTEL_TRACES_EXPORTER "zipkin"`},
		{
			variables: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/json"},
			fault:     `unknown OTEL_EXPORTER_OTLP_PROTOCOL "http/json"`,
		},
	} {
		t.Run(strings.Join(tt.variables, " "), func(t *testing.T) {
			environment(t, tt.variables...)
			tracer, err := New(t.Context(), "0", slog.New(slog.DiscardHandler), prometheus.NewRegistry())
			if err == nil {
				defer func() { _ = tracer.Close(t.Context()) }()
			}
			if (tracer != nil) != tt.on || (err != nil) != (tt.fault != "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("New = on %t, %v; want on %t, error %q", tracer != nil, err, tt.on, tt.fault)
			}
		})
	}
}

func TestSpansReachTheCollectorAtTheLatestWithClose(t *testing.T) {
	var body atomic.Pointer[string]
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		text := r.URL.Path + " " + string(data)
		body.Store(&text)
		w.WriteHeader(http.StatusOK)
	}))
	defer collector.Close()
	defer http.DefaultClient.CloseIdleConnections()
	environment(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+collector.URL, "OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=honeynet")
	reg := prometheus.NewRegistry()
	tracer, err := New(t.Context(), "replica-7", slog.New(slog.DiscardHandler), reg)
	if err != nil {
		t.Fatal(err)
	}
	tracer.Begin(record("traceparent: "+sampled), "p").End(true)
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatalf("Close = %v", err)
	}
	got := body.Load()
	if got == nil {
		t.Fatal("nothing has reached the collector")
	}
	for _, want := range []string{"/v1/traces ", "process ttp_events", "ttp-worker", "replica-7", "honeynet"} {
		if !strings.Contains(*got, want) {
			t.Errorf("the collector has got %q, want %q in it", *got, want)
		}
	}
	if got := testutil.ToFloat64(tracer.spans.WithLabelValues(exported)); got != 1 {
		t.Errorf("spans exported = %v, want 1", got)
	}
}

// A failing is an exporter that fails while it is told to.
type failing struct{ err error }

func (f *failing) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return f.err }
func (f *failing) Shutdown(context.Context) error                             { return nil }

func TestACollectorThatIsAwayCostsSpansAndOneLine(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	f := &failing{err: errors.New("connection refused")}
	reg := prometheus.NewRegistry()
	tracer := NewTo(f, slog.New(slog.NewTextHandler(&log, nil)), reg)
	one := func() { tracer.Begin(record("traceparent: "+sampled), "p").End(true) }
	one()
	one()
	f.err = nil
	one()
	f.err = errors.New("503")
	one()
	if got := strings.Count(log.String(), "\n"); got != 2 || !strings.Contains(log.String(), "connection refused") {
		t.Errorf("log:\n%swant a line for each time that trouble begins", log.String())
	}
	for stage, want := range map[string]float64{begun: 4, exported: 1, failed: 3} {
		if got := testutil.ToFloat64(tracer.spans.WithLabelValues(stage)); got != want {
			t.Errorf("spans %s = %v, want %v", stage, got, want)
		}
	}
	if err := tracer.Close(t.Context()); err != nil {
		t.Errorf("Close = %v", err)
	}
	if err := (*Tracer)(nil).Close(t.Context()); err != nil {
		t.Errorf("Close of none = %v", err)
	}
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
}
