// Package telemetry is how the worker tells people how it does: structured logs, the metrics registry, and the
// admin server with its health probes. The metrics themselves live in the packages they measure.
package telemetry
