package pipeline

import (
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/rules"
)

// BenchmarkLoad is what every start of a replica costs before it takes its first event: the pack from bytes to rules, and
// from rules to a plan. A rollout waits for both.
func BenchmarkLoad(b *testing.B) {
	parse := func(b *testing.B) []*rule.Rule {
		b.Helper()
		pack, err := rule.NewParser(rule.DefaultMaxBytes).Load(rules.Pack(), ".", "rules/ttp")
		if err != nil {
			b.Fatal(err)
		}
		return pack
	}
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			parse(b)
		}
	})
	b.Run("plan", func(b *testing.B) {
		pack := parse(b)
		monitor := tagger.NewMonitor(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
		b.ReportAllocs()
		for b.Loop() {
			NewPlan(pack, func(string) tagger.Standing { return tagger.DefaultStanding() }, monitor)
		}
	})
}
