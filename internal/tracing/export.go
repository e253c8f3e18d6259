package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// A Tracer continues traces. A nil Tracer is one that is off: it continues none and costs nothing. It is safe for
// concurrent use.
type Tracer struct {
	tracer   trace.Tracer
	provider *sdktrace.TracerProvider
	spans    *prometheus.CounterVec
}

// What becomes of a span. What was begun and is neither of the others waits, or was dropped, as exporting is slower.
const (
	begun    = "begun"
	exported = "exported"
	failed   = "failed"
)

// New makes the tracer that the environment asks for by the variables of the OpenTelemetry specification; nil, unless
// OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT says where spans go. replica names this process.
// It reaches nobody: a collector that is away costs spans and a line in the log, nothing else. Close it at the end.
func New(ctx context.Context, replica string, log *slog.Logger, reg prometheus.Registerer) (*Tracer, error) {
	spans := newSpans(reg)
	if !enabled(os.Getenv) {
		return nil, nil //nolint:nilnil // a nil Tracer is one that is off
	}
	otel.SetLogger(logr.FromSlogHandler(log.Handler()))
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("tracing", "err", err) }))
	exporter, err := newExporter(ctx, os.Getenv)
	if err != nil {
		return nil, fmt.Errorf("starting traces: %w", err)
	}
	from, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", "ttp-worker"),
		attribute.String("service.version", version()),
		attribute.String("service.instance.id", replica),
	), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("starting traces: %w", err)
	}
	return newTracer(sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(&counting{SpanExporter: exporter, log: log, spans: spans}), sdktrace.WithResource(from)), spans), nil
}

// NewTo makes a tracer that exports each span to exporter as it ends. It is for tests.
func NewTo(exporter sdktrace.SpanExporter, log *slog.Logger, reg prometheus.Registerer) *Tracer {
	spans := newSpans(reg)
	return newTracer(sdktrace.NewTracerProvider(sdktrace.WithSyncer(&counting{SpanExporter: exporter, log: log, spans: spans})), spans)
}

func newTracer(p *sdktrace.TracerProvider, spans *prometheus.CounterVec) *Tracer {
	return &Tracer{tracer: p.Tracer("ttpworker"), provider: p, spans: spans}
}

func newSpans(reg prometheus.Registerer) *prometheus.CounterVec {
	spans := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ttp_tracing_spans_total", Help: "Spans of records that carry a trace context, by stage; begun and neither exported nor failed = waiting or dropped.",
	}, []string{"stage"})
	for _, stage := range []string{begun, exported, failed} {
		spans.WithLabelValues(stage)
	}
	reg.MustRegister(spans)
	return spans
}

// Close exports what has ended, as long as ctx allows, and ends the tracer.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// version is that of the module, as the build knows it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version
}

// enabled says whether spans have somewhere to go.
func enabled(getenv func(string) string) bool {
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") || getenv("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// newExporter makes the exporter of the protocol that is asked for. Endpoint, headers, certificates, timeout and
// compression it takes from the environment itself.
func newExporter(ctx context.Context, getenv func(string) string) (sdktrace.SpanExporter, error) {
	if name := getenv("OTEL_TRACES_EXPORTER"); name != "" && name != "otlp" {
		return nil, fmt.Errorf("unknown OTEL_TRACES_EXPORTER %q: otlp or none", name)
	}
	protocol := getenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
	if protocol == "" {
		protocol = getenv("OTEL_EXPORTER_OTLP_PROTOCOL")
	}
	switch protocol {
	case "", "http/protobuf":
		return otlptracehttp.New(ctx)
	case "grpc":
		return otlptracegrpc.New(ctx)
	}
	return nil, fmt.Errorf("unknown OTEL_EXPORTER_OTLP_PROTOCOL %q: http/protobuf or grpc", protocol)
}

// counting counts what is exported and tells once of trouble, until it is over. The SDK calls it from one goroutine at
// a time.
type counting struct {
	sdktrace.SpanExporter
	log      *slog.Logger
	spans    *prometheus.CounterVec
	troubled bool
}

// ExportSpans implements sdktrace.SpanExporter. It returns no error: it has handled it.
func (c *counting) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := c.SpanExporter.ExportSpans(ctx, spans)
	if err != nil {
		c.spans.WithLabelValues(failed).Add(float64(len(spans)))
		if !c.troubled {
			c.log.Warn("spans cannot be exported and are lost, going on", "err", err)
		}
	} else {
		c.spans.WithLabelValues(exported).Add(float64(len(spans)))
	}
	c.troubled = err != nil
	return nil
}
