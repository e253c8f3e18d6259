package pipeline

import (
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/rules"
)

// BenchmarkLoad is what every start of a replica costs before it takes its first event: the pack from bytes to a plan.
// A rollout waits for it.
func BenchmarkLoad(b *testing.B) {
	monitor := tagger.NewMonitor(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	b.ReportAllocs()
	for b.Loop() {
		pack, err := rule.NewParser(rule.DefaultMaxBytes).Load(rules.Pack(), ".", "rules/ttp")
		if err != nil {
			b.Fatal(err)
		}
		NewPlan(pack, func(string) tagger.Standing { return tagger.DefaultStanding() }, monitor)
	}
}
