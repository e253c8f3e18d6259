package pipeline

import (
	"errors"
	"log/slog"
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
	"ttpworker/internal/produce"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tracing"
	"ttpworker/internal/wire"
)

// New makes a pipeline that decodes with dec, which schemas teaches, tags under plans, writes to outputs and dead, has the
// worker stop when limit is exceeded, and continues traces with tracer, which may be nil.
func New(
	dec *wire.Decoder, schemas Schemas, outputs produce.Outputs, dead consume.DeadLetters, limit LetterLimit, plans *Plans,
	tracer *tracing.Tracer, log *slog.Logger, reg prometheus.Registerer,
) *Pipeline {
	letters := map[wire.Class]*atomic.Uint64{}
	for _, class := range wire.Classes() {
		letters[class] = new(atomic.Uint64)
	}
	p := &Pipeline{
		decoder: dec, schemas: schemas, outputs: outputs, dead: dead, plans: plans, tracer: tracer, log: log, metrics: newBatchMetrics(plans, reg), letters: letters,
		window: letterWindow{limit: limit},
	}
	registerLetterRatio(reg, &p.window)
	return p
}

// registerLetterRatio makes the share of dead letters and its limit visible, whether there is a limit or not.
func registerLetterRatio(reg prometheus.Registerer, w *letterWindow) {
	reg.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "ttp_pipeline_dead_letter_ratio",
			Help: "Share of dead letters, of the classes that count, among the records committed in the last dlq.window.",
		}, func() float64 { return w.ratio(time.Now()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "ttp_pipeline_dead_letter_max_ratio", Help: "The share above which the worker stops (dlq.max_ratio); 0 = never.",
		}, func() float64 { return w.limit.MaxRatio }),
	)
}

// batchMetrics count attempts: a record of an aborted transaction is counted again when it comes again.
// ttp_consume_records_total counts what was committed.
type batchMetrics struct {
	events   *prometheus.CounterVec
	tags     *prometheus.CounterVec
	letters  *prometheus.CounterVec
	skipped  *prometheus.CounterVec
	repairs  prometheus.Counter
	duration prometheus.Histogram
	records  prometheus.Histogram
	outputs  prometheus.Histogram
	trials   *trials

	sinceRecord, sinceEvent latency
}

func newBatchMetrics(plans *Plans, reg prometheus.Registerer) *batchMetrics {
	m := &batchMetrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ttp_pipeline_events_total", Help: "Input records by what became of them.",
		}, []string{"outcome"}),
		tags: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ttp_pipeline_tags_total", Help: "Tags written, by whether they are trusted or shadow tags.",
		}, []string{"topic"}),
		letters: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ttp_pipeline_dead_letters_total", Help: "Dead letters by error class.",
		}, []string{"class"}),
		skipped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ttp_pipeline_skipped_records_total", Help: "Good records that are no events, by the reason (input.format cowrie).",
		}, []string{"reason"}),
		repairs: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ttp_pipeline_payload_repairs_total", Help: "Invalid UTF-8 sequences and lone surrogates in payloads, replaced by U+FFFD.",
		}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "ttp_pipeline_batch_duration_seconds", Help: "Time from the beginning of a batch to its commit.",
			Buckets: prometheus.ExponentialBuckets(0.005, 2, 14),
		}),
		records: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "ttp_pipeline_batch_records", Help: "Input records of a committed batch.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 10),
		}),
		outputs: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "ttp_pipeline_batch_outputs", Help: "Tags and dead letters of a committed batch.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 10),
		}),
	}
	m.trials = newTrials(plans, reg)
	m.sinceRecord, m.sinceEvent = newLatencies(reg)
	reg.MustRegister(m.events, m.tags, m.letters, m.skipped, m.repairs, m.duration, m.records, m.outputs)
	for _, outcome := range []string{"tagged", "unchanged", "skipped", "malformed", "failed"} {
		m.events.WithLabelValues(outcome)
	}
	for _, topic := range []string{"tags", "shadow"} {
		m.tags.WithLabelValues(topic)
	}
	for _, class := range wire.Classes() {
		m.letters.WithLabelValues(string(class))
	}
	for _, reason := range wire.SkipReasons() {
		m.skipped.WithLabelValues(string(reason))
	}
	return m
}

// outcomes count what becomes of some records, which are added to the metrics together: looking up a counter takes as
// long as a hundredth of the work on a record, and adding to one that other partitions add to as well.
type outcomes struct {
	unchanged, tagged, trusted, shadow, repairs int
	skipped                                     map[wire.SkipReason]int
	trials                                      map[string]trial // by rule id
}

// skip counts a record that is to be skipped, and reports whether err says so.
func (o *outcomes) skip(err error) bool {
	skip, ok := errors.AsType[wire.SkipError](err)
	if !ok {
		return false
	}
	if o.skipped == nil {
		o.skipped = map[wire.SkipReason]int{}
	}
	o.skipped[skip.Reason]++
	return true
}

// event counts an event that has these tags.
func (o *outcomes) event(tags []tagger.Tag) {
	if len(tags) == 0 {
		o.unchanged++
		return
	}
	o.tagged++
	for i := range tags {
		if tags[i].RuleState == tagger.Shadow {
			o.shadow++
			o.try(&tags[i], tags)
		} else {
			o.trusted++
		}
	}
}

// try counts a shadow tag of an event that has these tags.
func (o *outcomes) try(t *tagger.Tag, tags []tagger.Tag) {
	if o.trials == nil {
		o.trials = map[string]trial{}
	}
	n := o.trials[t.RuleID]
	n[overlapOf(t, tags)]++
	o.trials[t.RuleID] = n
}

func (m *batchMetrics) add(o *outcomes) {
	m.events.WithLabelValues("unchanged").Add(float64(o.unchanged))
	m.events.WithLabelValues("tagged").Add(float64(o.tagged))
	m.tags.WithLabelValues("tags").Add(float64(o.trusted))
	m.tags.WithLabelValues("shadow").Add(float64(o.shadow))
	m.repairs.Add(float64(o.repairs))
	m.trials.add(o.trials)
	for reason, n := range o.skipped {
		m.events.WithLabelValues("skipped").Add(float64(n))
		m.skipped.WithLabelValues(string(reason)).Add(float64(n))
	}
}

// malformed counts a dead letter and logs the 1st, 2nd, 4th, 8th ... of its class, so that a flood of them does not
// drown the log.
func (p *Pipeline) malformed(rec *kafka.Record, fault *wire.Error) {
	p.metrics.events.WithLabelValues("malformed").Inc()
	p.metrics.letters.WithLabelValues(string(fault.Class)).Inc()
	if n := p.letters[fault.Class].Add(1); bits.OnesCount64(n) == 1 {
		p.log.Warn("record is no event, to the dead letters", "source", consume.Source(rec), "class", fault.Class, "err", fault.Err, "of_this_class", n)
	}
}

type reloadMetrics struct {
	rules    prometheus.Gauge
	always   prometheus.Gauge
	bytes    prometheus.Gauge
	swaps    prometheus.Counter
	refused  prometheus.Counter
	lastSwap prometheus.Gauge
}

func newReloadMetrics(plans *Plans, reg prometheus.Registerer) *reloadMetrics {
	m := &reloadMetrics{
		rules: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ttp_engine_rules", Help: "Rules in the plan in force, whatever their state.",
		}),
		always: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ttp_engine_always_evaluated_rules", Help: "Rules without a necessary literal or field, evaluated on every event of their kinds.",
		}),
		bytes: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ttp_engine_index_bytes", Help: "Memory of the index of the rules.",
		}),
		swaps: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ttp_pipeline_plan_swaps_total", Help: "Plans put in force.",
		}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ttp_pipeline_rule_refusals_total", Help: "Rule files refused; what was in force stayed.",
		}),
		lastSwap: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ttp_pipeline_last_plan_swap_timestamp_seconds", Help: "When the plan in force was put there.",
		}),
	}
	reg.MustRegister(m.rules, m.always, m.bytes, m.swaps, m.refused, m.lastSwap, newPlanInfo(plans))
	return m
}

func (m *reloadMetrics) swapped(p *Plan) {
	m.rules.Set(float64(p.Rules))
	m.always.Set(float64(len(p.Always)))
	m.bytes.Set(float64(p.IndexBytes))
	m.swaps.Inc()
	m.lastSwap.SetToCurrentTime()
}
