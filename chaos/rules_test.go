package main

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/chaos/oracle"
	"ttpworker/chaos/traffic"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/engine"
)

func open(t *testing.T) *book {
	t.Helper()
	b, err := newBook(t.TempDir() + "/rules")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// An event without a tag shows only as one that is missing: each has one, whatever is edited and ordered.
func TestEveryEventHasATagOfARuleThatStays(t *testing.T) {
	b := open(t)
	codec, err := oracle.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	g, err := traffic.NewGenerator(1, b.fixed)
	if err != nil {
		t.Fatal(err)
	}
	monitor := tagger.NewMonitor(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	fixed := pipeline.NewPlan(b.fixed, func(string) tagger.Standing { return tagger.DefaultStanding() }, monitor).Composite
	var changing []*engine.Engine
	for _, c := range b.choices {
		r := c.Versions[len(c.Versions)-1]
		changing = append(changing, engine.New([]*rule.Rule{r}, func(string) tagger.Standing { return tagger.DefaultStanding() }))
	}
	kinds, poison, pack, hits := map[string]int{}, 0, 0, make([]int, len(changing))
	const events = 5000
	for range events {
		e, err := g.Next(time.Unix(1, 0))
		if err != nil {
			t.Fatal(err)
		}
		ev, err := codec.Event(e.Value)
		if e.Poison != (err != nil) {
			t.Fatalf("value %q, poison %t: decoding gives %v", e.Value, e.Poison, err)
		}
		if e.Poison {
			poison++
			continue
		}
		kinds[ev.SourceKind]++
		tags, err := fixed.AppendTags(nil, &ev)
		if err != nil || len(tags) == 0 {
			t.Fatalf("%s %s has %d tags, %v", ev.SourceKind, ev.Payload, len(tags), err)
		}
		if len(tags) > 1 {
			pack++
		}
		for i, c := range changing {
			if tags, err = c.AppendTags(nil, &ev); err != nil {
				t.Fatal(err)
			}
			hits[i] += min(len(tags), 1)
		}
	}
	if poison == 0 || len(kinds) != 3 || pack < events/10 || pack > events*3/10 {
		t.Errorf("of %d events %d are poison, %d have tags of the pack, by kind %v", events, poison, pack, kinds)
	}
	for i, n := range hits {
		if n < events/20 {
			t.Errorf("rule %d that changes matches %d of %d events", i, n, events)
		}
	}
}

// What is in the directory after each save is a content that the oracle knows, or not a rule.
func TestEditsSaveWhatTheOracleKnows(t *testing.T) {
	b := open(t)
	known := map[string]bool{}
	for _, c := range b.choices {
		for _, r := range c.Versions {
			if r != nil {
				known[r.Digest] = true
			}
		}
	}
	if len(known) != 2*versions+1 {
		t.Fatalf("%d contents of rules that change, want %d", len(known), 2*versions+1)
	}
	e := &editor{book: b}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if err := e.edit(ctx, 1); err != nil {
		t.Fatal(err)
	}
	rules, err := rule.NewParser(rule.DefaultMaxBytes).Load(os.DirFS(b.dir), ".", b.dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(rules) != len(b.fixed)+len(b.choices) || e.edits.Load() == 0 {
		t.Errorf("%d rules after %d edits, want %d", len(rules), e.edits.Load(), len(b.fixed)+len(b.choices))
	}
	for _, r := range rules {
		if _, changes := map[string]bool{edited: true, editedOrdered: true, ordered: true}[r.ID]; changes && !known[r.Digest] {
			t.Errorf("%s has a content that the oracle does not know", r.ID)
		}
	}
}

func TestKindsAreNamedByTheirBeginnings(t *testing.T) {
	c, err := parseFlags([]string{"-only", "worker killed,broker p", "-set", "kafka.delivery=at_least_once"})
	if err == nil {
		t.Errorf("a kind that is none gives %v", c.kinds)
	}
	c, err = parseFlags([]string{"-only", "worker killed,broker s", "-set", "kafka.delivery=at_least_once"})
	if err != nil || len(c.kinds) != 4 || !c.relaxed || c.set[0] != "DECNET_TTP_KAFKA_DELIVERY=at_least_once" {
		t.Errorf("parseFlags = %+v, %v", c, err)
	}
}
