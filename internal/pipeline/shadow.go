package pipeline

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/tagger"
)

// An overlap says what trusted tags the event of a shadow tag has.
type overlap int

const (
	alone         overlap = iota // none: what the rule finds is new
	sameEvent                    // some, of other techniques
	sameTechnique                // one of the same technique: it is known without the rule
	overlaps                     // how many there are
)

// String is the value of the label.
func (o overlap) String() string { return [overlaps]string{"none", "event", "technique"}[o] }

// overlapOf compares a shadow tag with the other tags of its event. A tag without a technique shares none.
func overlapOf(t *tagger.Tag, tags []tagger.Tag) overlap {
	most := alone
	for i := range tags {
		switch other := &tags[i]; {
		case other.RuleState == tagger.Shadow:
		case t.Technique() != "" && other.Technique() == t.Technique():
			return sameTechnique
		default:
			most = sameEvent
		}
	}
	return most
}

// A trial counts the tags of one rule in state shadow, by overlap.
type trial [overlaps]int

// trials count the tags of the rules that are in state shadow. They are forgotten when the plan in force does not have
// the rule in that state any more. Safe for concurrent use.
type trials struct {
	plans *Plans
	desc  *prometheus.Desc

	mu    sync.Mutex
	rules map[string]trial // by rule id
}

var _ prometheus.Collector = (*trials)(nil)

// newTrials registers the counters with reg.
func newTrials(plans *Plans, reg prometheus.Registerer) *trials {
	t := &trials{
		plans: plans, rules: map[string]trial{},
		desc: prometheus.NewDesc("ttp_pipeline_shadow_tags_total",
			"Tags of rules in state shadow, by whether a trusted tag of the same event has the same technique (technique), another one (event), or there is none (none); no series for a rule without any.",
			[]string{"rule", "overlap"}, nil),
	}
	reg.MustRegister(t)
	return t
}

// add adds to the counts.
func (t *trials) add(counted map[string]trial) {
	if len(counted) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, n := range counted {
		sum := t.rules[id]
		for k := range sum {
			sum[k] += n[k]
		}
		t.rules[id] = sum
	}
}

// Describe implements prometheus.Collector.
func (t *trials) Describe(ch chan<- *prometheus.Desc) { ch <- t.desc }

// Collect implements prometheus.Collector.
func (t *trials) Collect(ch chan<- prometheus.Metric) {
	plan := t.plans.Current()
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, n := range t.rules {
		if plan == nil || plan.Standing(id).State != tagger.Shadow {
			delete(t.rules, id) // a batch that was open under an older plan may bring it back until the next time
			continue
		}
		for o := range overlaps {
			ch <- prometheus.MustNewConstMetric(t.desc, prometheus.CounterValue, float64(n[o]), id, o.String())
		}
	}
}
