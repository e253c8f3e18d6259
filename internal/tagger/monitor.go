package tagger

import (
	"log/slog"
	"math/bits"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// maxUnknownKinds bounds the memory for unknown source kinds already reported. Kinds come from outside, so
// without a bound a hostile producer could grow it for ever; past it unknown kinds are only counted.
const maxUnknownKinds = 1024

// maxKind bounds what is kept and logged of an unknown source kind, in bytes.
const maxKind = 128

// A Monitor tells people what happens beside the result of tagging: failures, kinds that nobody claims, taggers
// that claim nothing. One is shared by all plans of a process, so that "once" means once per process. It takes
// no part in any result and is safe for concurrent use.
type Monitor struct {
	log     *slog.Logger
	metrics *metrics

	mu       sync.Mutex
	reported map[string]struct{} // what has had its one line: "idle <tagger>", "unclaimed <kind>", "unknown <kind>"
	unknown  int                 // unknown kinds among reported
	failures map[string]uint64   // per tagger
}

type metrics struct {
	failures  *prometheus.CounterVec
	unclaimed prometheus.Counter
	unknown   prometheus.Counter
}

// NewMonitor makes a monitor that logs to log and registers its counters with reg.
func NewMonitor(log *slog.Logger, reg prometheus.Registerer) *Monitor {
	m := &metrics{
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ttp_tagger_failures_total", Help: "Errors and panics of a tagger; its tags for that event are missing.",
		}, []string{"tagger"}),
		unclaimed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ttp_tagger_unclaimed_events_total", Help: "Events of a known source kind that no tagger claims.",
		}),
		unknown: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ttp_tagger_unknown_kind_events_total", Help: "Events of an unknown source kind.",
		}),
	}
	reg.MustRegister(m.failures, m.unclaimed, m.unknown)
	return &Monitor{log: log, metrics: m, reported: map[string]struct{}{}, failures: map[string]uint64{}}
}

// registered makes a tagger's counter exist, and reports one that claims no kind: loud once, as it is most likely a
// mistake.
func (m *Monitor) registered(tagger string, idle bool) {
	m.metrics.failures.WithLabelValues(tagger)
	if idle && m.first("idle "+tagger, false) {
		m.log.Warn("tagger claims no source kind and stays idle", "tagger", tagger)
	}
}

// failed reports a tagger's error or panic: always counted, logged the 1st, 2nd, 4th, 8th ... time per tagger,
// so that a tagger that fails on every event does not drown the log. It is called where the failure was caught,
// so that the stack shows it.
func (m *Monitor) failed(tagger string, cause error) {
	m.metrics.failures.WithLabelValues(tagger).Inc()
	m.mu.Lock()
	m.failures[tagger]++
	n := m.failures[tagger]
	m.mu.Unlock()
	if bits.OnesCount64(n) == 1 {
		m.log.Warn("tagger failed, its tags for the event are missing",
			"tagger", tagger, "err", cause, "failures", n, "stack", string(debug.Stack()))
	}
}

// unclaimed reports an event that no tagger was asked about. Of a long kind the beginning stands for the whole.
func (m *Monitor) unclaimed(kind string, known bool) {
	if len(kind) > maxKind {
		kind = strings.ToValidUTF8(kind[:maxKind], "")
	}
	if known {
		m.metrics.unclaimed.Inc()
		if m.first("unclaimed "+kind, false) {
			m.log.Warn("no tagger claims this source kind", "source_kind", kind)
		}
		return
	}
	m.metrics.unknown.Inc()
	if m.first("unknown "+kind, true) {
		m.log.Info("unknown source kind", "source_kind", kind)
	}
}

// first reports whether key was not reported before. Bounded keys are given up beyond maxUnknownKinds.
func (m *Monitor) first(key string, bounded bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, seen := m.reported[key]; seen || bounded && m.unknown >= maxUnknownKinds {
		return false
	}
	m.reported[key] = struct{}{}
	if bounded {
		m.unknown++
	}
	return true
}
