// Package tracing continues the traces that records carry (W3C trace context in the headers traceparent and tracestate)
// into what the worker makes of them, and exports its own part by OTLP. It is the only home of OpenTelemetry.
//
// A record that carries a context gets a span of its own, from when it is processed to the commit of its transaction, in
// its own trace; its outputs carry that span's context. One span per batch with links to its records would be cheaper,
// but who looks at a trace would not find the worker in it: links lead out of the batch's span, not into it, and a tag
// must name one parent. How many spans there are is for the sampling of those who begin the traces. A record without a
// context begins none.
//
// The client library's own instrumentation (kotel) does not fit: it begins a span for every record that is fetched and
// every one that is written, context or not, and ends the former when the record is polled, long before the commit.
package tracing
