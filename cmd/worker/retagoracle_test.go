package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/app"
	"ttpworker/internal/pipeline"
	outputs "ttpworker/internal/produce"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

// A standingTag is where a tag is, and its value as text without tagged_at.
type standingTag struct{ Topic, Source, Value string }

// check holds the topics of tags against an evaluation of all events from scratch.
func (h *history) check(t *testing.T) {
	t.Helper()
	h.Settle(t, h.cfg.Topics.Tags.Name, h.cfg.Topics.Shadow.Name)
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	must(t, err)
	got := map[string]standingTag{}
	for _, topic := range []string{h.cfg.Topics.Tags.Name, h.cfg.Topics.Shadow.Name} {
		latest := map[string]*kgo.Record{}
		for _, r := range h.ReadAll(t, topic) { // of a partition in order; a key is on one of them
			latest[string(r.Key)] = r
		}
		for key, r := range latest {
			if r.Value == nil {
				continue
			}
			tag, _, err := dec.Tag(r.Value)
			must(t, err)
			if other, is := got[key]; is {
				t.Errorf("tag %s is in %s and in %s", key, other.Topic, topic)
			}
			got[key] = standingTag{topic, sourceOf(r), asText(t, &tag)}
		}
	}
	want := h.scratch(t, dec)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("tags of %d events (-want +got):\n%s", h.events, diff)
	}
}

func sourceOf(r *kgo.Record) string {
	for _, header := range r.Headers {
		if header.Key == outputs.HeaderSource {
			return string(header.Value)
		}
	}
	return ""
}

func asText(t *testing.T, tag *tagger.Tag) string {
	t.Helper()
	text, err := json.Marshal(tag)
	must(t, err)
	return string(text)
}

// scratch is what the rules and states of now give for all events: of a tag that several yield, the last one's.
func (h *history) scratch(t *testing.T, dec *wire.Decoder) map[string]standingTag {
	t.Helper()
	set, err := app.ReadRules(h.cfg, nil)
	must(t, errors.Join(err, set.Faults))
	orders := map[string]tagger.Standing{}
	must(t, app.WithStates(t.Context(), h.cfg, slog.New(slog.DiscardHandler), func(states *store.States) error {
		for _, s := range states.Orders() {
			orders[s.RuleID] = s.Standing()
		}
		return nil
	}))
	plan := pipeline.NewPlan(set.Rules, func(id string) tagger.Standing {
		if s, is := orders[id]; is {
			return s
		}
		return tagger.DefaultStanding()
	}, tagger.NewMonitor(slog.New(slog.DiscardHandler), prometheus.NewRegistry()))
	want := map[string]standingTag{}
	for _, r := range h.ReadAll(t, h.cfg.Topics.Events.Name) { // an event that is sent again is on the same partition, in order
		ev, _, err := dec.Event(r.Value, r.Timestamp)
		if err != nil {
			continue // poison
		}
		tags, err := plan.AppendTags(nil, &ev)
		must(t, err)
		for i := range tags {
			topic := h.cfg.Topics.Tags.Name
			if tags[i].RuleState == tagger.Shadow {
				topic = h.cfg.Topics.Shadow.Name
			}
			want[tags[i].ID.String()] = standingTag{topic, fmt.Sprintf("%s/%d/%d", r.Topic, r.Partition, r.Offset), asText(t, &tags[i])}
		}
	}
	return want
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
