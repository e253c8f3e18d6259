package consume_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/consume"
	"ttpworker/internal/kafkatest"
)

// What sessions of one process show is the process's: sums over them, and no label that tells them apart.
func TestTheMetricsOfAProcessAreThoseOfAllItsSessions(t *testing.T) {
	t.Parallel()
	c := start(t)
	cfg := c.config("0")
	cfg.Sessions = 3
	reg := prometheus.NewRegistry()
	m := consume.New(c.Cluster.Cluster, cfg, []string{c.in}, nil, &copier{}, func(bool) {}, slog.New(slog.DiscardHandler), reg)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	}()
	kafkatest.Eventually(t, "one partition for each member", func() bool { return len(assigned(t, c, cfg)) == partitions })
	write(t, c, 0, 90)
	waitFor(t, c, 90)
	kafkatest.Eventually(t, "all records counted", func() bool { return metric(t, reg, "ttp_consume_records_total") == 90 })
	if got := metric(t, reg, "ttp_consume_assigned_partitions"); got != partitions {
		t.Errorf("assigned partitions = %v, want %d", got, partitions)
	}
	if got := metric(t, reg, "ttp_consume_rebalances_total"); got < 3 {
		t.Errorf("rebalances = %v, want one per session at least", got)
	}
	if got := metric(t, reg, "ttp_kafka_fetch_records_total"); got < 90 { // a rebalance makes more
		t.Errorf("records fetched = %v, want 90 or more", got)
	}
}

// metric sums the series of a counter or gauge, and fails on one that is labelled by session.
func metric(t *testing.T, reg prometheus.Gatherer, name string) (sum float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			for _, l := range m.GetLabel() {
				if l.GetName() == "session" {
					t.Errorf("%s has a label session", name)
				}
			}
		}
	}
	return sum
}
