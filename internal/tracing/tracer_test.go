package tracing

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"ttpworker/internal/kafka"
)

const (
	traceID   = "4bf92f3577b34da6a3ce929d0e0e4736"
	parent    = "00f067aa0ba902b7"
	sampled   = "00-" + traceID + "-" + parent + "-01"
	unsampled = "00-" + traceID + "-" + parent + "-00"
)

func newTestTracer(t *testing.T) (*Tracer, *tracetest.InMemoryExporter) {
	t.Helper()
	exporter := tracetest.NewInMemoryExporter()
	tracer := NewTo(exporter, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	t.Cleanup(func() {
		if err := tracer.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("Close = %v", err)
		}
	})
	return tracer, exporter
}

// record carries headers, "key: value" each.
func record(headers ...string) *kafka.Record {
	rec := &kafka.Record{Topic: "ttp_events", Partition: 3, Offset: 7}
	for _, h := range headers {
		key, value, _ := strings.Cut(h, ": ")
		rec.Headers = append(rec.Headers, kafka.Header{Key: key, Value: []byte(value)})
	}
	return rec
}

func lines(headers []kafka.Header) []string {
	var all []string
	for _, h := range headers {
		all = append(all, h.Key+": "+string(h.Value))
	}
	return all
}

func TestARecordOfASampledTraceHasASpanThatItsOutputsName(t *testing.T) {
	t.Parallel()
	tracer, exporter := newTestTracer(t)
	s := tracer.Begin(record("sensor: x", "traceparent: "+sampled, "tracestate: vendor=1"), "plan-1")
	s.Tagged(2)
	if n := len(exporter.GetSpans()); n != 0 {
		t.Errorf("%d spans before the end of the transaction, want none", n)
	}
	s.End(true)
	spans := exporter.GetSpans()
	if len(spans) != 1 {
		t.Fatalf("%d spans, want one", len(spans))
	}
	got := spans[0]
	if got.SpanContext.TraceID().String() != traceID || got.Parent.SpanID().String() != parent || got.Name != "process ttp_events" {
		t.Errorf("span %q of trace %s under %s, want process ttp_events of %s under %s", got.Name, got.SpanContext.TraceID(), got.Parent.SpanID(), traceID, parent)
	}
	attributes := map[string]string{}
	for _, a := range got.Attributes {
		attributes[string(a.Key)] = a.Value.String()
	}
	want := map[string]string{
		"messaging.system": "kafka", "messaging.operation.type": "process", "messaging.operation.name": "process",
		"messaging.destination.name": "ttp_events", "messaging.destination.partition.id": "3", "messaging.kafka.offset": "7",
		"ttp.plan": "plan-1", "ttp.tags": "2", "ttp.committed": "true",
	}
	if diff := cmp.Diff(want, attributes); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	headers := []string{"tracestate: vendor=1", "traceparent: 00-" + traceID + "-" + got.SpanContext.SpanID().String() + "-01"}
	if diff := cmp.Diff(headers, lines(s.Headers())); diff != "" {
		t.Errorf("headers of outputs (-want +got):\n%s", diff)
	}
}

func TestAFailureIsOnTheSpanByItsClassOnly(t *testing.T) {
	t.Parallel()
	tracer, exporter := newTestTracer(t)
	s := tracer.Begin(record("traceparent: "+sampled), "p")
	s.Failed("bad_field")
	s.End(false)
	got := exporter.GetSpans()[0]
	if got.Status.Code != codes.Error || got.Status.Description != "bad_field" {
		t.Errorf("status = %v %q, want an error of the class", got.Status.Code, got.Status.Description)
	}
}

func TestWhichRecordsHaveASpanAndWhatTheirOutputsCarry(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		headers []string
		spans   int
		outputs []string // other than the span's own
	}{
		{name: "no header"},
		{name: "no context", headers: []string{"sensor: x"}},
		{name: "a state without parent", headers: []string{"tracestate: vendor=1"}},
		{name: "an empty parent", headers: []string{"traceparent: "}},
		{name: "garbage", headers: []string{"traceparent: yesterday"}},
		{name: "the zero trace", headers: []string{"traceparent: 00-00000000000000000000000000000000-" + parent + "-01"}},
		{name: "capitals in the key are another header", headers: []string{"Traceparent: " + sampled}},
		{name: "not sampled", headers: []string{"traceparent: " + unsampled, "tracestate: vendor=1"}, outputs: []string{"tracestate: vendor=1", "traceparent: " + unsampled}},
		{name: "sampled", headers: []string{"traceparent: " + sampled}, spans: 1},
		{name: "the last of several counts", headers: []string{"traceparent: " + sampled, "traceparent: " + unsampled}, outputs: []string{"traceparent: " + unsampled}},
		{
			name: "a state that is too long", headers: []string{"traceparent: " + unsampled, "tracestate: a=" + strings.Repeat("x", 600)},
			outputs: []string{"traceparent: " + unsampled},
		},
		{
			name: "a state that is none", headers: []string{"traceparent: " + unsampled, "tracestate: \xff\xfe"},
			outputs: []string{"traceparent: " + unsampled},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tracer, exporter := newTestTracer(t)
			s := tracer.Begin(record(tt.headers...), "p")
			s.Tagged(1)
			s.Failed("x")
			s.End(true)
			if got := len(exporter.GetSpans()); got != tt.spans {
				t.Errorf("%d spans, want %d", got, tt.spans)
			}
			if diff := cmp.Diff(tt.outputs, lines(s.Headers())); diff != "" && tt.spans == 0 {
				t.Errorf("headers of outputs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestARecordWithoutContextCostsNothing(t *testing.T) {
	tracer, _ := newTestTracer(t)
	rec := record("sensor: x", "content-type: application/avro")
	for name, tr := range map[string]*Tracer{"off": nil, "on": tracer} {
		if n := testing.AllocsPerRun(100, func() { tr.Begin(rec, "p").End(true) }); n > 0 {
			t.Errorf("%s: %v allocations, want none", name, n)
		}
	}
	traced := record("traceparent: " + sampled)
	if n := testing.AllocsPerRun(100, func() { (*Tracer)(nil).Begin(traced, "p").End(true) }); n > 0 {
		t.Errorf("off, a traced record: %v allocations, want none", n)
	}
}

func BenchmarkBegin(b *testing.B) {
	on := NewTo(tracetest.NewNoopExporter(), slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	plain, traced := record("sensor: x", "content-type: application/avro"), record("sensor: x", "traceparent: "+sampled)
	for _, bb := range []struct {
		name   string
		tracer *Tracer
		rec    *kafka.Record
	}{{"off", nil, traced}, {"no-context", on, plain}, {"not-sampled", on, record("traceparent: " + unsampled)}, {"sampled", on, traced}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s := bb.tracer.Begin(bb.rec, "plan")
				s.Tagged(1)
				s.End(true)
			}
		})
	}
}
