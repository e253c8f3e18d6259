package store

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/tagger"
)

// Metrics are what every implementation of Store shows. One per process; safe for concurrent use.
type Metrics struct {
	rules       prometheus.Gauge
	refused     prometheus.Gauge
	changes     *prometheus.CounterVec
	successful  prometheus.Gauge
	lastSuccess prometheus.Gauge
	states      *prometheus.GaugeVec
	upkeep      prometheus.Gauge
	ignored     *prometheus.CounterVec
}

// NewMetrics registers the metrics of a store with reg. It panics if they are registered already.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		rules: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ttp_store_rules", Help: "Rules in force.",
		}),
		refused: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ttp_store_refused_files", Help: "Rule files whose present content is not in force.",
		}),
		changes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ttp_store_changes_total", Help: "Changes published to subscribers.",
		}, []string{"kind"}),
		successful: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ttp_store_last_successful", Help: "1 if all rules were in force as stored at the last reading, else 0.",
		}),
		lastSuccess: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ttp_store_last_success_timestamp_seconds", Help: "When all rules were last read and in force as stored.",
		}),
		states: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ttp_store_states", Help: "Operator orders in force, by state.",
		}, []string{"state"}),
		upkeep: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ttp_store_states_awaiting_keeper", Help: "Orders that the keeper has yet to revert, as they have expired, or to publish once more.",
		}),
		ignored: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ttp_store_state_records_ignored_total", Help: "State records without effect: invalid, or a revert of an order no longer in force.",
		}, []string{"cause"}),
	}
	for _, kind := range Kinds() {
		m.changes.WithLabelValues(string(kind))
	}
	for _, s := range tagger.States() {
		m.states.WithLabelValues(string(s))
	}
	for _, cause := range []verdict{stale, invalid} {
		m.ignored.WithLabelValues(string(cause))
	}
	reg.MustRegister(m.rules, m.refused, m.changes, m.successful, m.lastSuccess, m.states, m.upkeep, m.ignored)
	return m
}

// Read records the outcome of a reading at now: the number of rules in force and of refused files, and whether
// the place could be read at all. A reading is a success if it could and nothing is refused.
func (m *Metrics) Read(now time.Time, rules, refused int, readable bool) {
	m.rules.Set(float64(rules))
	m.refused.Set(float64(refused))
	if !readable || refused > 0 {
		m.successful.Set(0)
		return
	}
	m.successful.Set(1)
	m.lastSuccess.Set(float64(now.UnixMilli()) / 1000)
}

func (m *Metrics) changed(k Kind) { m.changes.WithLabelValues(string(k)).Inc() }

func (m *Metrics) ignore(v verdict) { m.ignored.WithLabelValues(string(v)).Inc() }

func (m *Metrics) orders(byState map[tagger.State]int) {
	for _, s := range tagger.States() {
		m.states.WithLabelValues(string(s)).Set(float64(byState[s]))
	}
}
