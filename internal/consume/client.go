package consume

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kprom"
)

// clientHooks are what kprom hears of a client, but for its beginning and end.
type clientHooks interface {
	kgo.HookBrokerConnect
	kgo.HookBrokerDisconnect
	kgo.HookBrokerE2E
	kgo.HookProduceBatchWritten
	kgo.HookFetchBatchRead
}

// clientMetrics are those of kprom, for all sessions of a process together. kprom registers its metrics when a client
// is opened and takes them away when it is closed: a second client beside the first is a panic, and so is a new session
// while the last one still waits for a silent broker to close. Here the counters are registered once and go on over
// sessions, and what is buffered is the sum over the clients that are open.
type clientMetrics struct {
	clientHooks

	mu   sync.Mutex
	open map[*kgo.Client]struct{}
}

var (
	_ kgo.HookNewClient    = (*clientMetrics)(nil)
	_ kgo.HookClientClosed = (*clientMetrics)(nil)
)

// newClientMetrics registers the metrics with reg.
func newClientMetrics(reg prometheus.Registerer) *clientMetrics {
	client := kprom.NewMetrics("ttp", kprom.Subsystem("kafka"), kprom.Registerer(countersOnly{reg}),
		kprom.FetchAndProduceDetail(kprom.ByNode, kprom.ByTopic, kprom.UncompressedBytes, kprom.CompressedBytes, kprom.Batches, kprom.Records))
	client.OnNewClient(nil) // registers; the client is for the gauges alone, which countersOnly leaves out
	m := &clientMetrics{clientHooks: client, open: map[*kgo.Client]struct{}{}}
	for _, g := range []struct {
		name, help string
		of         func(*kgo.Client) int64
	}{
		{"ttp_kafka_buffered_produce_records", "Records that wait in the client to be written.", (*kgo.Client).BufferedProduceRecords},
		{"ttp_kafka_buffered_produce_bytes", "Bytes that wait in the client to be written.", (*kgo.Client).BufferedProduceBytes},
		{"ttp_kafka_buffered_fetch_records", "Records that were fetched and not polled yet.", (*kgo.Client).BufferedFetchRecords},
		{"ttp_kafka_buffered_fetch_bytes", "Bytes that were fetched and not polled yet.", (*kgo.Client).BufferedFetchBytes},
	} {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: g.name, Help: g.help}, func() float64 { return m.sum(g.of) }))
	}
	return m
}

// OnNewClient implements kgo.HookNewClient.
func (m *clientMetrics) OnNewClient(cl *kgo.Client) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open[cl] = struct{}{}
}

// OnClientClosed implements kgo.HookClientClosed.
func (m *clientMetrics) OnClientClosed(cl *kgo.Client) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.open, cl)
}

func (m *clientMetrics) sum(of func(*kgo.Client) int64) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	var n int64
	for cl := range m.open {
		n += of(cl)
	}
	return float64(n)
}

// countersOnly registers nothing but counters with labels.
type countersOnly struct{ prometheus.Registerer }

// Register implements prometheus.Registerer.
func (c countersOnly) Register(m prometheus.Collector) error {
	if _, ok := m.(*prometheus.CounterVec); ok {
		return c.Registerer.Register(m)
	}
	return nil
}

// MustRegister implements prometheus.Registerer.
func (c countersOnly) MustRegister(ms ...prometheus.Collector) {
	for _, m := range ms {
		if err := c.Register(m); err != nil {
			panic(err)
		}
	}
}
