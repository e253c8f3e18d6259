package quality_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ttpworker/internal/quality"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
)

func eventsOf(kind string, payloads ...string) []tagger.TaggerEvent {
	var events []tagger.TaggerEvent
	for i, p := range payloads {
		events = append(events, tagger.TaggerEvent{SourceKind: kind, SourceID: strconv.Itoa(i), Payload: []byte(p)})
	}
	return events
}

func TestBenchCountsWhatTheIndexDoes(t *testing.T) {
	t.Parallel()
	rules := []*rule.Rule{
		parse(t, "R1", `match: {pattern: 'evil .*\d'}`+"\n"),
		parse(t, "R2", "match: {detection: {a: {command_text: ls}, condition: not a}}\n"),
		parse(t, "R3", "match: {pattern: unheard-of}\n"),
	}
	events := append(eventsOf("command", `{"command_text":"evil 1"}`, `{"command_text":"evil x"}`, `{"command_text":"ls"}`), eventsOf("email", `{"subject":"evil 1"}`)...)
	costs, err := quality.Bench(t.Context(), rules, events, quality.Measure{Time: time.Millisecond, Marginal: 1})
	if err != nil {
		t.Fatal(err)
	}
	if costs.Events != 4 || costs.Tags != 3 || costs.Second <= 0 {
		t.Errorf("costs of all = %d events, %d tags, %v events/s, want 4, 3 and some", costs.Events, costs.Tags, costs.Second)
	}
	got := map[string][4]int{}
	for i, c := range costs.Rules {
		got[c.Rule.ID] = [4]int{c.Events, c.Candidate, c.Evaluated, c.Matched}
		if measured := c.Noise > 0; measured != (i == 0) {
			t.Errorf("%s, at %d: marginal cost measured: %t", c.Rule.ID, i, measured)
		}
		if c.Reference <= 0 || i > 0 && c.Alone > costs.Rules[i-1].Alone {
			t.Errorf("%s, at %d: alone %v, by the reference %v ns, want more than 0, the dearest first", c.Rule.ID, i, c.Alone, c.Reference)
		}
	}
	for id, want := range map[string][4]int{"R1": {3, 2, 2, 1}, "R2": {3, 0, 3, 2}, "R3": {3, 0, 0, 0}} {
		if got[id] != want {
			t.Errorf("%s: events, candidate, evaluated, matched = %v, want %v", id, got[id], want)
		}
	}
}

func TestBenchOfNoEvents(t *testing.T) {
	t.Parallel()
	costs, err := quality.Bench(t.Context(), []*rule.Rule{parse(t, "R1", "match: {pattern: evil}\n")}, nil, quality.Measure{Time: time.Millisecond, Marginal: 5})
	if err != nil || len(costs.Rules) != 1 || costs.Rules[0].Events != 0 || costs.Rules[0].Alone != 0 {
		t.Errorf("Bench = %+v, %v, want a rule without events", costs, err)
	}
}

func TestBenchSaysWhichPayloadIsBad(t *testing.T) {
	t.Parallel()
	_, err := quality.Bench(t.Context(), nil, eventsOf("command", `{}`, `[]`), quality.Measure{Time: time.Millisecond})
	if err == nil || !strings.HasPrefix(err.Error(), `payload of command "1": `) {
		t.Errorf("Bench = %v, want an error that names the second event", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := quality.Bench(ctx, []*rule.Rule{parse(t, "R1", "match: {pattern: evil}\n")}, nil, quality.Measure{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Bench after the end = %v, want context.Canceled", err)
	}
}

// Many patterns that no word spares, and that a text leads to ever new states, cost more than a warning's worth.
func TestLintMeasures(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("match:\n  pattern:\n")
	for i := range 100 {
		fmt.Fprintf(&b, "    - '[0-5%c][0-9a-f]{60}\\W'\n", 'a'+i%20)
	}
	var text strings.Builder
	for i := range 500 {
		fmt.Fprintf(&text, "%x", i*i*7919)
	}
	b.WriteString("tests:\n  - {name: x, payload: {command_text: '" + text.String() + "'}, expect: []}\nlint: {allow: [no-literal, no-positive-test]}\n")
	if got := warned(t, []*rule.Rule{parse(t, "R1", b.String())}); !slices.Contains(got, "R1.yaml:1 slow") {
		t.Errorf("Lint = %q, want a rule that is slow", got)
	}
}
