package pipeline

import (
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/match/matchtest"
	"ttpworker/internal/rule"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
)

// noOrders is a store of which only states are asked for.
type noOrders struct{ store.Store }

func (noOrders) State(ruleID string) store.State {
	return store.Default(ruleID)
}

const (
	applyRules   = 3000
	applyChanges = 1000
	pause        = 10 * time.Millisecond // between changes: a file is read when it was quiet for longer
)

// BenchmarkApply is what a change of one rule costs among 3,000 public Sigma rules of one source kind: from apply until
// the plan is stored, and what tagging one event costs meanwhile. It makes 1,000 changes each time.
func BenchmarkApply(b *testing.B) {
	rules, changed := publicRules(b)
	g := matchtest.NewGenerator(1, matchtest.Vocabulary{})
	events := make([]tagger.TaggerEvent, 1024)
	for i := range events {
		events[i] = tagger.TaggerEvent{SourceKind: "command", SourceID: "x", Payload: g.Benign()}
	}
	for b.Loop() {
		log, reg := slog.New(slog.DiscardHandler), prometheus.NewRegistry()
		r := NewReloader(noOrders{}, NewPlans(), nil, nil, tagger.NewMonitor(log, reg), nil, log, reg)
		for _, rl := range rules {
			r.put(rl)
		}
		r.swap(b.Context())
		quiet := tagWhile(b, r.plans, events, func() { time.Sleep(2 * time.Second) })
		took := make([]time.Duration, 0, applyChanges)
		busy := tagWhile(b, r.plans, events, func() {
			for i := range applyChanges {
				start := time.Now()
				r.apply(b.Context(), store.Change{Kind: store.Loaded, RuleID: changed[i].ID, Rule: changed[i]})
				took = append(took, time.Since(start))
				time.Sleep(pause)
			}
		})
		report(b, "apply", took)
		report(b, "tag-quiet", quiet)
		report(b, "tag-meanwhile", busy)
	}
}

func report(b *testing.B, name string, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), name+"-p50-us")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), name+"-p99-us")
}

// tagWhile tags events one by one, as a batch does, until work has ended, and returns how long each took.
func tagWhile(b *testing.B, plans *Plans, events []tagger.TaggerEvent, work func()) []time.Duration {
	b.Helper()
	var stop atomic.Bool
	done := make(chan []time.Duration)
	go func() { // ends with stop, awaited below
		var took []time.Duration
		var tags []tagger.Tag
		for i := 0; !stop.Load(); i++ {
			start := time.Now()
			var err error
			if tags, err = plans.Current().AppendTags(tags[:0], &events[i%len(events)]); err != nil {
				b.Error(err)
			}
			took = append(took, time.Since(start))
		}
		done <- took
	}()
	work()
	stop.Store(true)
	return <-done
}

// publicRules reads the rules, all for one source kind, and changes of the first of them.
func publicRules(b *testing.B) (rules, changed []*rule.Rule) {
	b.Helper()
	files, err := matchtest.ReadArchive("../../../shared/sigma")
	if err != nil {
		b.Skip(err)
	}
	mapping, err := rule.ParseMapping("all.yaml", []byte("- logsource: {}\n  source_kind: command\n"))
	if err != nil {
		b.Fatal(err)
	}
	p := rule.NewParser(rule.DefaultMaxBytes).WithMapping(mapping)
	for i, f := range files[:applyRules] {
		r, err := p.Parse(f.Path, f.Data)
		if err != nil {
			b.Fatal(err)
		}
		rules = append(rules, r)
		if i < applyChanges {
			text := strings.Replace(string(f.Data), "level: ", "level: low # was ", 1) + "\n# changed\n"
			if r, err = p.Parse(f.Path, []byte(strings.ReplaceAll(text, ".exe'", "x.exe'"))); err != nil {
				b.Fatal(err)
			}
			changed = append(changed, r)
		}
	}
	return rules, changed
}
