package engine

import (
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Fires count how often rules match. A rule has one counter from when it is first put into a set until it is removed,
// whatever version and whatever order it is under. Its compiled form holds that counter, so a match costs one atomic
// addition. Fires take no part in any result. One is shared by all engines of a process; it is safe for concurrent use. A
// nil Fires counts nothing.
type Fires struct {
	desc *prometheus.Desc

	mu    sync.Mutex
	rules map[string]*atomic.Uint64 // by rule id
}

var _ prometheus.Collector = (*Fires)(nil)

// NewFires registers the counters with reg.
func NewFires(reg prometheus.Registerer) *Fires {
	f := &Fires{
		desc: prometheus.NewDesc("ttp_engine_rule_fires_total",
			"Events that a loaded rule matched, whatever its state and whatever became of their batch; no series for a rule that has matched none.",
			[]string{"rule"}, nil),
		rules: map[string]*atomic.Uint64{},
	}
	reg.MustRegister(f)
	return f
}

// Of is the counter of a rule, for the tagger that has it; nil of a nil Fires.
func (f *Fires) Of(ruleID string) *atomic.Uint64 {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.rules[ruleID]
	if n == nil {
		n = new(atomic.Uint64)
		f.rules[ruleID] = n
	}
	return n
}

// forget drops the counter of a rule that is gone.
func (f *Fires) forget(ruleID string) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.rules, ruleID)
}

// Describe implements prometheus.Collector.
func (f *Fires) Describe(ch chan<- *prometheus.Desc) { ch <- f.desc }

// Collect implements prometheus.Collector: rules that never matched, most of thousands, are left out.
func (f *Fires) Collect(ch chan<- prometheus.Metric) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, n := range f.rules {
		if v := n.Load(); v > 0 {
			ch <- prometheus.MustNewConstMetric(f.desc, prometheus.CounterValue, float64(v), id)
		}
	}
}
