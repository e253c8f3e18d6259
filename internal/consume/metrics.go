package consume

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	records      prometheus.Counter
	transactions *prometheus.CounterVec
	end          prometheus.Histogram
	rebuilds     prometheus.Counter
	rebalances   prometheus.Counter
	dataLoss     prometheus.Counter
	pollErrors   prometheus.Counter
	holds        prometheus.Counter
	held         prometheus.Gauge
	restated     prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		records: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ttp_consume_records_total", Help: "Input records whose transaction was committed.",
		}),
		transactions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ttp_consume_transactions_total", Help: "Transactions by how they ended.",
		}, []string{"outcome"}),
		end: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "ttp_consume_end_duration_seconds", Help: "Time to flush and end a transaction.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 16),
		}),
		rebuilds: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ttp_consume_session_rebuilds_total", Help: "Sessions given up and built anew.",
		}),
		rebalances: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ttp_consume_rebalances_total", Help: "Assignments of partitions that the group has handed to this replica.",
		}),
		dataLoss: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ttp_consume_data_loss_total", Help: "Times that records were gone before they were read.",
		}),
		pollErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ttp_consume_poll_errors_total", Help: "Poll errors that the worker goes on after.",
		}),
		holds: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ttp_consume_holds_total", Help: "Times that a partition had to wait, with its transaction aborted.",
		}),
		held: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ttp_consume_held_partitions", Help: "Partitions that wait for something without which their records cannot be read.",
		}),
		restated: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ttp_consume_restated_offsets_total", Help: "Offsets of partitions without new records that were committed again, as the plan has changed.",
		}),
	}
	reg.MustRegister(m.records, m.transactions, m.end, m.rebuilds, m.rebalances, m.dataLoss, m.pollErrors, m.holds, m.held, m.restated)
	for _, outcome := range []string{"committed", "aborted", "unknown"} {
		m.transactions.WithLabelValues(outcome)
	}
	return m
}

func (m *metrics) ended(committed bool, err error, records int, took time.Duration) {
	outcome := "aborted"
	switch {
	case err != nil:
		outcome = "unknown"
	case committed:
		outcome = "committed"
		m.records.Add(float64(records))
	}
	m.transactions.WithLabelValues(outcome).Inc()
	m.end.Observe(took.Seconds())
}
