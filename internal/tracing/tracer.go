package tracing

import (
	"context"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"ttpworker/internal/kafka"
)

// Headers of a record that carries a trace context (W3C Trace Context, levels 1 and 2).
const (
	HeaderTraceparent = "traceparent"
	HeaderTracestate  = "tracestate"
)

// maxTracestate bounds the tracestate that is taken and passed on, in bytes: what W3C Trace Context 3.3.1.5 has everybody
// pass on at least. A longer one is left out.
const maxTracestate = 512

// Begin begins the span of a record, nil if the record carries no context. plan is the digest it is tagged under. Every
// method of a nil Span, and Begin of a nil Tracer, does nothing.
func (t *Tracer) Begin(rec *kafka.Record, plan string) *Span {
	if t == nil || len(rec.Headers) == 0 || rec.Header(HeaderTraceparent) == "" {
		return nil
	}
	carried := propagation.TraceContext{}.Extract(context.Background(), carrier{rec})
	if !trace.SpanContextFromContext(carried).IsValid() {
		return nil
	}
	ctx, span := t.tracer.Start(carried, "process "+rec.Topic, trace.WithSpanKind(trace.SpanKindConsumer))
	if !span.IsRecording() { // not sampled: no span that outputs could have for a parent, so what came is passed on
		s := &Span{}
		propagation.TraceContext{}.Inject(carried, s)
		return s
	}
	t.spans.WithLabelValues(begun).Inc()
	span.SetAttributes(
		attribute.String("messaging.system", "kafka"),
		attribute.String("messaging.operation.type", "process"),
		attribute.String("messaging.operation.name", "process"),
		attribute.String("messaging.destination.name", rec.Topic),
		attribute.String("messaging.destination.partition.id", strconv.Itoa(int(rec.Partition))),
		attribute.Int64("messaging.kafka.offset", rec.Offset),
		attribute.String("ttp.plan", plan),
	)
	s := &Span{span: span}
	propagation.TraceContext{}.Inject(ctx, s)
	return s
}

// A Span is the processing of one record that carries a context.
type Span struct {
	span    trace.Span // nil = not sampled
	headers []kafka.Header
}

// Headers carry the context on to outputs. They are shared and must not be changed.
func (s *Span) Headers() []kafka.Header {
	if s == nil {
		return nil
	}
	return s.headers
}

// Tagged says what the record gave.
func (s *Span) Tagged(tags int) {
	if s == nil || s.span == nil {
		return
	}
	s.span.SetAttributes(attribute.Int("ttp.tags", tags))
}

// Failed says that the record gave none, by the class of what was wrong. What was wrong itself is attackers' text.
func (s *Span) Failed(class string) {
	if s == nil || s.span == nil {
		return
	}
	s.span.SetAttributes(attribute.String("error.type", class))
	s.span.SetStatus(codes.Error, class)
}

// End ends the span with its transaction. After an abort the record comes again, and has another span then.
func (s *Span) End(committed bool) {
	if s == nil || s.span == nil {
		return
	}
	s.span.SetAttributes(attribute.Bool("ttp.committed", committed))
	s.span.End()
}

var _ propagation.TextMapCarrier = (*Span)(nil)

// Get implements propagation.TextMapCarrier.
func (*Span) Get(string) string { return "" }

// Keys implements propagation.TextMapCarrier.
func (*Span) Keys() []string { return nil }

// Set implements propagation.TextMapCarrier, to be injected into.
func (s *Span) Set(key, value string) {
	s.headers = append(s.headers, kafka.Header{Key: key, Value: []byte(value)})
}

// A carrier is a record to be extracted from.
type carrier struct{ rec *kafka.Record }

var _ propagation.TextMapCarrier = carrier{}

// Get implements propagation.TextMapCarrier.
func (c carrier) Get(key string) string {
	v := c.rec.Header(key)
	if key == HeaderTracestate && len(v) > maxTracestate {
		return ""
	}
	return v
}

// Set implements propagation.TextMapCarrier; nothing is injected into what was read.
func (carrier) Set(string, string) {}

// Keys implements propagation.TextMapCarrier.
func (carrier) Keys() []string { return []string{HeaderTraceparent, HeaderTracestate} }
