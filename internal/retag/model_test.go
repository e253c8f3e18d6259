package retag

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/kafka"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/produce"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

// A world is one partition of events and tags in memory, without Kafka.
type world struct {
	rand   *rand.Rand
	once   bool // no event is sent again
	alike  bool // what is sent again is as it was
	events []kafka.Record
	sides  [sides][]kafka.Record // the topics of tags
}

var errPoison = &wire.Error{Class: wire.Undecodable, Err: errors.New("poison")}

// words are what events are made of and rules look for.
var words = []string{"alpha", "beta", "gamma", "delta", "omega"}

// event appends a random event, one in four of them sent before.
func (w *world) event() {
	id := w.rand.IntN(1+len(w.events)) * 3 / 4
	if w.once {
		id = len(w.events)
	}
	text := words[w.rand.IntN(len(words))] + " " + words[w.rand.IntN(len(words))]
	value := fmt.Sprintf(`{"source_kind":"command","source_id":"e%d","session_id":"s","payload":{"command_text":%q}}`, id, text)
	if w.rand.IntN(20) == 0 {
		value = "poison"
	}
	if n := len(w.events); w.alike && n > 0 && w.rand.IntN(3) == 0 {
		value = string(w.events[w.rand.IntN(n)].Value)
	}
	w.events = append(w.events, kafka.Record{Topic: "ev", Partition: 0, Offset: int64(len(w.events)), Time: time.Unix(1e9, 0), Value: []byte(value)})
}

// plan is a random plan: rules, their words, confidences and states.
func (w *world) plan(t *testing.T) *pipeline.Plan {
	t.Helper()
	var rules []*rule.Rule
	states := map[string]tagger.Standing{}
	for i := range 4 {
		if w.rand.IntN(4) == 0 {
			continue
		}
		id := fmt.Sprintf("R%d", i)
		text := fmt.Sprintf("rule_id: %s\nrule_version: %d\nname: n\napplies_to: [command]\nmatch: {pattern: '%s'}\n"+
			"emits: [{tactic: TA0006, technique_id: T1003, confidence: 0.%d}, {tactic: TA0007, technique_id: T1082, confidence: 0.5}]\n"+
			"evidence_fields: [command_text]\n", id, 1+w.rand.IntN(3), words[w.rand.IntN(len(words))], 1+w.rand.IntN(9))
		r, err := rule.NewParser(rule.DefaultMaxBytes).Parse(id+".yaml", []byte(text))
		must(t, err)
		rules = append(rules, r)
		states[id] = tagger.DefaultStanding()
		if w.rand.IntN(3) == 0 {
			states[id] = tagger.Standing{State: tagger.Shadow}
		}
	}
	monitor := tagger.NewMonitor(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	return pipeline.NewPlan(rules, func(id string) tagger.Standing { return states[id] }, monitor)
}

func evaluator(t *testing.T, plan *pipeline.Plan) *Evaluator {
	t.Helper()
	enc, err := wire.NewEncoder(wire.SingleObject)
	must(t, err)
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	must(t, err)
	return &Evaluator{
		Plan: plan, Outputs: produce.Outputs{Encoder: enc, Tags: "tags", Shadow: "shadow"},
		Event: func(_ context.Context, rec *kafka.Record) (tagger.TaggerEvent, error) {
			if string(rec.Value) == "poison" {
				return tagger.TaggerEvent{}, errPoison
			}
			ev, _, err := dec.Event(rec.Value, rec.Time)
			return ev, err
		},
		Tag: func(_ context.Context, value []byte) (tagger.Tag, error) {
			t, _, err := dec.Tag(value)
			return t, err
		},
	}
}

// tag does what a live worker does with the events of a span.
func (w *world) tag(t *testing.T, e *Evaluator, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		tags, _, err := e.tags(t.Context(), nil, &w.events[i])
		must(t, err)
		for k := range tags {
			r, err := e.record(&tags[k], &w.events[i], "", time.Unix(2e9, 0))
			must(t, err)
			w.write(r)
		}
	}
}

func (w *world) write(recs ...kafka.Record) {
	for _, r := range recs {
		s := trusted
		if r.Topic == "shadow" {
			s = shadow
		}
		r.Offset = int64(len(w.sides[s]))
		w.sides[s] = append(w.sides[s], r)
	}
}

// unit makes a unit over the tags as they are.
func (w *world) unit(t *testing.T, e *Evaluator, span kafka.Span) *unit {
	t.Helper()
	u := newUnit(e, kafka.Partition{Topic: "ev"}, span, "job", newLabels())
	u.added = newIndex(&budget{}, t.TempDir(), func(int) {})
	u.reread = func(_ context.Context, offset int64) (*kafka.Record, error) { return &w.events[offset], nil }
	for s := range sides {
		var x index = newMemory()
		if w.rand.IntN(20) == 0 {
			x = newIndex(&budget{}, t.TempDir(), func(int) {})
		}
		must(t, u.fill(t.Context(), s, x, kafka.Span{}, func(_ context.Context, _ string, _ int32, _ kafka.Span, apply func(*kafka.Record) error) error {
			for i := range w.sides[s] {
				must(t, apply(&w.sides[s][i]))
			}
			return nil
		}))
	}
	return u
}

// retag replays a span as a job does, in transactions of which some are aborted and some are followed by a death: then what
// is in memory is lost, and another process goes on where the group stands.
func (w *world) retag(t *testing.T, e *Evaluator, span kafka.Span) (report Report) {
	t.Helper()
	u := w.unit(t, e, span)
	for at := span.From; at < span.To; {
		next := min(at+1+int64(w.rand.IntN(5)), span.To)
		var out []kafka.Record
		var count Report
		for o := at; o < next; o++ {
			var err error
			out, err = u.take(t.Context(), out, &w.events[o], &count)
			must(t, err)
		}
		switch w.rand.IntN(6) {
		case 0: // aborted: the records come again
			continue
		case 1: // committed, and killed
			w.write(out...)
			report.add(&count)
			low := u.low(next)
			must(t, u.close())
			u = w.unit(t, e, span)
			at = low
			continue
		}
		w.write(out...)
		report.add(&count)
		u.passed(next)
		at = next
	}
	must(t, u.close())
	return report
}

// retagAtOnce replays a span in one transaction per event, of which some are aborted.
func (w *world) retagAtOnce(t *testing.T, e *Evaluator, span kafka.Span) (report Report) {
	t.Helper()
	u := w.unit(t, e, span)
	for at := span.From; at < span.To; at++ {
		var count Report
		out, err := u.take(t.Context(), nil, &w.events[at], &count)
		must(t, err)
		for w.rand.IntN(5) == 0 { // the records come again
			count = Report{}
			out, err = u.take(t.Context(), nil, &w.events[at], &count)
			must(t, err)
		}
		w.write(out...)
		report.add(&count)
		u.passed(at + 1)
	}
	must(t, u.close())
	return report
}

// A finding is what is there of a key, as text: where it is, from which event, and its value.
type finding struct {
	source string
	value  string
}

// view is what a reader of the topics sees.
func (w *world) view(t *testing.T) map[string]finding {
	t.Helper()
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	must(t, err)
	out := map[string]finding{}
	for s, recs := range w.sides {
		for _, r := range recs {
			key := fmt.Sprintf("%d %s", s, r.Key)
			if r.Value == nil {
				delete(out, key)
				continue
			}
			tag, _, err := dec.Tag(r.Value)
			must(t, err)
			text, err := json.Marshal(tag)
			must(t, err)
			out[key] = finding{r.Header(sourceHeader), string(text)}
		}
	}
	return out
}

// want is what the view must be after a retag of a span, from the definition. Of a key that is there from outside the span,
// what is there from outside. Of any other what the last event yields of those in the span that yield it; or, if an event
// behind that cannot be read any more, what is there from that; or nothing of the span.
func (w *world) want(t *testing.T, e *Evaluator, span kafka.Span) map[string]finding {
	t.Helper()
	before := w.view(t)
	latest, decided, yielded := map[string]int64{}, map[string]int64{}, map[string]finding{} // by id
	at := func(f finding) int64 {
		offset, _ := offsetIn(kafka.Partition{Topic: "ev"}, f.source)
		return offset
	}
	inside := func(offset int64) bool { return offset >= span.From && offset < span.To }
	for key, f := range before {
		id := key[2:]
		if last, is := latest[id]; !is || at(f) > last {
			latest[id] = at(f)
		}
	}
	for key, f := range before {
		if offset := at(f); inside(offset) && string(w.events[offset].Value) == "poison" {
			decided[key[2:]] = max(decided[key[2:]], offset)
		}
	}
	for o := span.From; o < span.To; o++ {
		tags, _, err := e.tags(t.Context(), nil, &w.events[o])
		must(t, err)
		for i := range tags {
			id := tags[i].ID.String()
			if last, is := decided[id]; is && last > o {
				continue
			}
			text, err := json.Marshal(tags[i])
			must(t, err)
			decided[id] = o
			yielded[id] = finding{fmt.Sprintf("ev/0/%d", o), fmt.Sprint(sideOf(&tags[i])) + string(text)}
		}
	}
	want := map[string]finding{}
	for key, f := range before {
		id := key[2:]
		last, is := decided[id]
		switch foreign := !inside(latest[id]); {
		case (foreign || !is) && !inside(at(f)):
			want[key] = f
		case !foreign && is && last == at(f) && yielded[id].source == "":
			want[key] = f
		}
	}
	for id, f := range yielded {
		if last, is := latest[id]; !is || inside(last) {
			want[f.value[:1]+" "+id] = finding{f.source, f.value[1:]}
		}
	}
	return want
}
