package registry

import "github.com/prometheus/client_golang/prometheus"

// Metrics are those of one client and resolver.
type Metrics struct {
	requests  *prometheus.CounterVec
	reachable prometheus.Gauge
	schemas   *prometheus.GaugeVec
	waiting   prometheus.Gauge
	givenUp   prometheus.Counter
}

// NewMetrics registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ttp_registry_requests_total", Help: "Requests to the schema registry by outcome; unreachable = no answer.",
		}, []string{"outcome"}),
		reachable: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ttp_registry_reachable", Help: "Whether the schema registry answered the last time it was asked, 1 before that.",
		}),
		schemas: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ttp_registry_schemas", Help: "Schemas learned from the registry, which are kept for ever, by whether their records can be read.",
		}, []string{"use"}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ttp_registry_waiting_schemas", Help: "Schemas that records wait for.",
		}),
		givenUp: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ttp_registry_given_up_total", Help: "Schemas that the registry does not have: their records became dead letters.",
		}),
	}
	reg.MustRegister(m.requests, m.reachable, m.schemas, m.waiting, m.givenUp)
	for _, outcome := range []string{answered, notFound, refused, unreachable} {
		m.requests.WithLabelValues(outcome)
	}
	for _, use := range []string{readable, unreadable} {
		m.schemas.WithLabelValues(use)
	}
	m.reachable.Set(1)
	return m
}

// What a schema that was learned is good for.
const (
	readable   = "readable"
	unreadable = "unreadable"
)
