package pipeline_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"ttpworker/internal/kafka"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/tracing"
	"ttpworker/internal/wire"
)

const traceOf = "00-4bf92f3577b34da6a3ce929d0e0e473%d-00f067aa0ba902b7-01"

// traced adds the context of trace n to a record.
func traced(rec kafka.Record, n int) kafka.Record {
	rec.Headers = append(rec.Headers, kafka.Header{Key: "traceparent", Value: fmt.Appendf(nil, traceOf, n)})
	return rec
}

// newTracedRig is a rig whose spans go to the exporter.
func newTracedRig(t testing.TB, plan *pipeline.Plan) (*rig, *tracetest.InMemoryExporter) {
	t.Helper()
	exporter := tracetest.NewInMemoryExporter()
	return newRigWith(t, wire.DefaultLimits(), 0, pipeline.DefaultLetterLimit(), plan,
		tracing.NewTo(exporter, slog.New(slog.DiscardHandler), prometheus.NewRegistry())), exporter
}

func TestATagCarriesTheTraceOfItsEvent(t *testing.T) {
	t.Parallel()
	r, exporter := newTracedRig(t, newPlan(parse(t, "R1", 1, "curl")))
	recs := []kafka.Record{
		traced(record(1, event("x1", "curl")), 1), record(2, event("x2", "curl")), traced(record(3, event("x3", "ls")), 3),
		traced(record(4, "garbage"), 4),
	}
	b := r.Begin()
	out, err := b.Outputs(t.Context(), nil, recs)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(exporter.GetSpans()); n > 0 {
		t.Errorf("%d spans before the commit, want none", n)
	}
	b.End(true)
	spans := map[string]tracetest.SpanStub{} // by the last digit of their trace
	for _, s := range exporter.GetSpans() {
		id := s.SpanContext.TraceID().String()
		spans[id[len(id)-1:]] = s
	}
	if len(spans) != 3 || spans["4"].Status.Description != "undecodable" {
		t.Fatalf("spans = %v, want one of each traced record, the last with an error", spans)
	}
	first := "00-" + spans["1"].SpanContext.TraceID().String() + "-" + spans["1"].SpanContext.SpanID().String() + "-01"
	for i, want := range []string{first, first, "", ""} { // two tags of x1, two of x2
		if got := out[i].Header("traceparent"); got != want {
			t.Errorf("traceparent of output %d = %q, want %q", i, got, want)
		}
	}
	if got, want := out[4].Header("traceparent"), fmt.Sprintf(traceOf, 4); got != want {
		t.Errorf("traceparent of the dead letter = %q, want the record's own: %q", got, want)
	}
}

func TestTheSpansOfAnAbortedBatchSaySo(t *testing.T) {
	t.Parallel()
	r, exporter := newTracedRig(t, newPlan(parse(t, "R1", 1, "curl")))
	for _, committed := range []bool{false, true} {
		b := r.Begin()
		if _, err := b.Outputs(t.Context(), nil, []kafka.Record{traced(record(1, event("x1", "curl")), 1)}); err != nil {
			t.Fatal(err)
		}
		b.End(committed)
	}
	var got []string
	for _, s := range exporter.GetSpans() {
		for _, a := range s.Attributes {
			if a.Key == "ttp.committed" {
				got = append(got, a.Value.String())
			}
		}
	}
	if strings.Join(got, " ") != "false true" {
		t.Errorf("ttp.committed of the spans = %q, want false and then true", got)
	}
}
