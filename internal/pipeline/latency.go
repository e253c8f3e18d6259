package pipeline

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// lateAfter is how old a record or an event may be for its latency to say anything about this worker: what is
	// older was read late, as after an outage or in a replay, or dated back.
	lateAfter = time.Hour
	// clockSlack is how far ahead of ours a clock may be: within it the latency counts as 0.
	clockSlack = time.Second
)

// A latency observes how long after given times batches are committed. What lies too far back or ahead is counted apart
// and kept out of the histogram: one day of replay would otherwise be all that it shows.
type latency struct {
	took         prometheus.Histogram
	late, future prometheus.Counter
}

// newLatencies registers the histograms of the time since the record was written and since the event happened.
func newLatencies(reg prometheus.Registerer) (record, event latency) {
	left := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ttp_pipeline_latency_unobserved_total",
		Help: "Committed records that a latency histogram leaves out: over an hour late (a backlog or a replay), or over a second in the future (a clock).",
	}, []string{"since", "cause"})
	since := func(what, name, help string) latency {
		l := latency{
			took: prometheus.NewHistogram(prometheus.HistogramOpts{
				Name: name, Help: help, Buckets: prometheus.ExponentialBucketsRange(0.01, lateAfter.Seconds(), 16),
			}),
			late: left.WithLabelValues(what, "late"), future: left.WithLabelValues(what, "future"),
		}
		reg.MustRegister(l.took)
		return l
	}
	record = since("record", "ttp_pipeline_record_to_commit_seconds", "Time from a record's timestamp to the commit of what it gave.")
	event = since("event", "ttp_pipeline_event_to_commit_seconds", "Time from when an event happened, as its sensor says, to the commit of what it gave.")
	reg.MustRegister(left)
	return record, event
}

// observe takes a time of what is committed at now, both in milliseconds since 1970.
func (l *latency) observe(now, milli int64) {
	switch {
	case milli < now-lateAfter.Milliseconds():
		l.late.Inc()
	case milli > now+clockSlack.Milliseconds():
		l.future.Inc()
	default:
		l.took.Observe(float64(max(now-milli, 0)) / 1000)
	}
}

// moments are the times of one record, in milliseconds since 1970. event is noTime for a record that is no event.
type moments struct{ record, event int64 }

const noTime = math.MinInt64

// committed observes a batch's records, all at once: now is the time of their commit.
func (m *batchMetrics) committed(now time.Time, times [][]moments) {
	at := now.UnixMilli()
	for _, part := range times {
		for _, t := range part {
			m.sinceRecord.observe(at, t.record)
			if t.event != noTime {
				m.sinceEvent.observe(at, t.event)
			}
		}
	}
}
