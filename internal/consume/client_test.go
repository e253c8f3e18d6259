package consume

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/kafkatest"
)

// sums adds up the counters and gauges of each name.
func sums(t *testing.T, reg prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			all[f.GetName()] += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return all
}

// A session that is given up may take long to close, if a broker is silent, and the next one is open beside it. kprom
// left to itself panics then: its metrics are registered already.
func TestClientMetricsGoOnOverSessionsThatOverlap(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	topic := c.Name("events")
	c.CreateTopic(t, topic, 1)
	reg := prometheus.NewRegistry()
	m := newClientMetrics(reg)
	open := func() *kgo.Client {
		return c.Client(t, kgo.WithHooks(m), kgo.DefaultProduceTopic(topic), kgo.ManualFlushing())
	}
	written := 0.0
	use := func(cl *kgo.Client) {
		t.Helper()
		cl.Produce(t.Context(), &kgo.Record{Value: []byte("written")}, nil)
		if err := cl.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		written++ // by whichever client: counters go on
		kafkatest.Eventually(t, "the record to be counted", func() bool { return sums(t, reg)["ttp_kafka_produce_records_total"] == written })
		cl.Produce(t.Context(), &kgo.Record{Value: []byte("waits")}, nil)
	}
	first := open()
	use(first)
	second := open()
	use(second)
	both := sums(t, reg)
	if got := both["ttp_kafka_buffered_produce_records"]; got != 2 {
		t.Errorf("records that wait = %v, want those of both clients: 2", got)
	}
	first.Close()
	rest := sums(t, reg)
	if got := rest["ttp_kafka_buffered_produce_records"]; got != 1 {
		t.Errorf("records that wait = %v, want those of the client that is open: 1", got)
	}
	second.Close()
	third := open()
	use(third)
	after := sums(t, reg)
	if len(after) != len(rest) {
		t.Errorf("%d metrics after three clients, want the %d of two", len(after), len(rest))
	}
	if got := after["ttp_kafka_connects_total"]; got < 3 {
		t.Errorf("connections = %v, want at least one per client", got)
	}
}
