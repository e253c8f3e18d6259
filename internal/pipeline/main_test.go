package pipeline_test

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/produce"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tracing"
	"ttpworker/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// parse reads version v of a rule that finds word in commands.
func parse(t testing.TB, id string, v int, word string) *rule.Rule {
	t.Helper()
	text := fmt.Sprintf("rule_id: %s\nrule_version: %d\nname: n\napplies_to: [command]\nmatch: {pattern: %s}\n"+
		"emits: [{tactic: TA0006, technique_id: T1003, confidence: 0.9}, {tactic: TA0007, technique_id: T1082, confidence: 0.5}]\n"+
		"evidence_fields: [command_text]\n", id, v, word)
	r, err := rule.NewParser(rule.DefaultMaxBytes).Parse(id+".yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func allEnabled(string) tagger.Standing { return tagger.DefaultStanding() }

func newMonitor() *tagger.Monitor {
	return tagger.NewMonitor(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
}

func newPlan(rules ...*rule.Rule) *pipeline.Plan {
	return pipeline.NewPlan(rules, allEnabled, newMonitor())
}

// A rig is a pipeline with its plans and metrics.
type rig struct {
	*pipeline.Pipeline
	schemas *desk
	plans   *pipeline.Plans
	reg     *prometheus.Registry
}

const dlqPartitions = 2

func newRig(t testing.TB, limits wire.Limits, maxBytes int, plan *pipeline.Plan) *rig {
	t.Helper()
	return newRigOf(t, limits, maxBytes, pipeline.DefaultLetterLimit(), plan)
}

func newRigOf(t testing.TB, limits wire.Limits, maxBytes int, letters pipeline.LetterLimit, plan *pipeline.Plan) *rig {
	t.Helper()
	return newRigWith(t, limits, maxBytes, letters, plan, nil)
}

func newRigWith(
	t testing.TB, limits wire.Limits, maxBytes int, letters pipeline.LetterLimit, plan *pipeline.Plan, tracer *tracing.Tracer,
) *rig {
	t.Helper()
	dec, err := wire.NewDecoder(limits)
	if err != nil {
		t.Fatal(err)
	}
	enc, err := wire.NewEncoder(wire.SingleObject)
	if err != nil {
		t.Fatal(err)
	}
	schemas := &desk{decoder: dec}
	r := &rig{schemas: schemas, plans: pipeline.NewPlans(), reg: prometheus.NewRegistry()}
	outputs := produce.Outputs{Encoder: enc, Tags: "ttp_tags", Shadow: "ttp_tags_shadow", MaxBytes: maxBytes}
	dead := consume.DeadLetters{Topic: "ttp_events_dlq", Partitions: dlqPartitions}
	r.Pipeline = pipeline.New(dec, schemas, outputs, dead, letters, r.plans, tracer, slog.New(slog.DiscardHandler), r.reg)
	if plan != nil {
		r.plans.Swap(plan)
	}
	return r
}

// value is the value of a counter or gauge; labels are values that it must have.
func value(t testing.TB, reg prometheus.Gatherer, name string, labels ...string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var has []string
			for _, l := range m.GetLabel() {
				has = append(has, l.GetValue())
			}
			if f.GetName() == name && slices.Equal(has, labels) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	t.Fatalf("no metric %s%q", name, labels)
	return 0
}

// at is the time of the records.
var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// record is a record of partition 3 of the input topic.
func record(offset int64, value string) kafka.Record {
	return kafka.Record{
		Topic: "ttp_events", Partition: 3, Offset: offset, Time: at, Key: []byte("s-1"), Value: []byte(value),
		Headers: []kafka.Header{{Key: "sensor", Value: []byte("x")}},
	}
}

// event is the JSON of a command event.
func event(id, command string) string {
	return fmt.Sprintf(`{"source_kind":"command","source_id":%q,"session_id":"s-1","payload":{"command_text":%q}}`, id, command)
}
