package pipeline

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
	"ttpworker/internal/match/matchtest"
	"ttpworker/internal/produce"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/engine"
	"ttpworker/internal/wire"
)

// BenchmarkBatch is what a record costs between the client that read it and the one that writes its tags: decoding,
// tagging by public Sigma rules and encoding. A rule of ours gives one event in ten a tag, the others match none.
func BenchmarkBatch(b *testing.B) {
	enc, err := wire.NewEncoder(wire.SingleObject)
	if err != nil {
		b.Fatal(err)
	}
	const marker = "canary-7d1f"
	g := matchtest.NewGenerator(1, matchtest.Vocabulary{})
	events := make([]tagger.TaggerEvent, 20_000)
	recs := make([]kafka.Record, len(events))
	for i := range recs {
		mark := "nothing-here"
		if i%10 == 0 {
			mark = marker
		}
		payload := g.Benign()
		events[i] = tagger.TaggerEvent{
			SourceKind: "command", SourceID: fmt.Sprintf("src-%08d", i), AttackerUUID: fmt.Sprintf("1b4e28ba-2fa1-11d2-883f-%012d", i%1000), DeckyID: "decky-17",
			Payload: fmt.Appendf(payload[:len(payload)-1], `,"Marker":%q}`, mark),
		}
		value, err := enc.Event(nil, &events[i])
		if err != nil {
			b.Fatal(err)
		}
		recs[i] = kafka.Record{Topic: "ttp_events", Partition: 3, Offset: int64(i), Time: time.Now(), Key: []byte("k"), Value: value}
	}
	quiet := quietRules(b, events)
	own := markerRule(b, marker)
	for _, n := range []int{60, 2900} {
		r, p := benchPipeline(b, enc)
		r.put(own)
		for i := 1; i < n; i++ {
			r.put(quiet[i*len(quiet)/n])
		}
		r.swap(b.Context())
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			batch := p.Begin()
			const step = 100
			var out []kafka.Record
			var err error
			at := 0
			for i := 0; b.Loop(); i++ {
				if i%step != 0 { // an operation is a record, though they come in steps
					continue
				}
				if out, err = batch.Outputs(b.Context(), out[:0], recs[at:at+step]); err != nil || len(out) != step/10 {
					b.Fatalf("%d outputs, %v, want %d", len(out), err, step/10)
				}
				if at = (at + step) % len(recs); at == 0 {
					batch.End(true)
					batch = p.Begin()
				}
			}
			batch.End(true)
		})
	}
}

func markerRule(b *testing.B, marker string) *rule.Rule {
	b.Helper()
	r, err := rule.NewParser(rule.DefaultMaxBytes).Parse("marker.yaml", []byte(strings.ReplaceAll(`rule_id: B0001
rule_version: 1
name: Marker
applies_to: [command]
match:
  detection:
    selection: {Marker|contains: MARKER}
    condition: selection
emits:
  - {tactic: TA0002, technique_id: T1059, confidence: 0.5}
evidence_fields: [Marker]
`, "MARKER", marker)))
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// quietRules are the public rules that match none of the events.
func quietRules(b *testing.B, events []tagger.TaggerEvent) []*rule.Rule {
	b.Helper()
	rules, _ := publicRules(b)
	e := engine.New(rules, func(string) tagger.Standing { return tagger.DefaultStanding() })
	fired := map[string]bool{}
	for i := range events {
		tags, err := e.AppendTags(nil, &events[i])
		if err != nil {
			b.Fatal(err)
		}
		for k := range tags {
			fired[tags[k].RuleID] = true
		}
	}
	var quiet []*rule.Rule
	for _, r := range rules {
		if !fired[r.ID] {
			quiet = append(quiet, r)
		}
	}
	return quiet
}

func benchPipeline(b *testing.B, enc *wire.Encoder) (*Reloader, *Pipeline) {
	b.Helper()
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		b.Fatal(err)
	}
	log, reg := slog.New(slog.DiscardHandler), prometheus.NewRegistry()
	plans := NewPlans()
	audit := engine.NewAuditor(engine.DefaultAuditEvery, log, reg)
	r := NewReloader(noOrders{}, plans, nil, audit, tagger.NewMonitor(log, reg), nil, log, reg)
	outputs := produce.Outputs{Encoder: enc, Tags: "ttp_tags", Shadow: "ttp_tags_shadow", MaxBytes: 1 << 20}
	return r, New(dec, nil, outputs, consume.DeadLetters{Topic: "dlq", Partitions: 1}, LetterLimit{}, plans, nil, log, reg)
}
