package app_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/app"
	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
	"ttpworker/internal/verify"
	"ttpworker/internal/wire"
)

// verified is what Verify finds with the rules of the configuration.
func verified(t *testing.T, cfg app.Config, ignoreStates bool, job verify.Job) app.Verification {
	t.Helper()
	rules, err := app.LoadRules(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	job.Samples = 5
	v, err := app.Verify(t.Context(), cfg, slog.New(slog.DiscardHandler), rules, ignoreStates, job)
	if err != nil {
		t.Fatalf("Verify = %v", err)
	}
	return v
}

// all is a job over everything.
func all() verify.Job { return verify.Job{Partition: -1, To: kafka.Now} }

// findings are the samples of a verification: kind, rule, source and the fields that differ.
func findings(v *app.Verification) []string {
	var lines []string
	for _, s := range v.Samples {
		words := []string{fmt.Sprintf("%s %s %d/%d", s.Kind, s.Rule, s.Partition, s.Offset)}
		for _, f := range s.Fields {
			if f.Name == "value" {
				words = append(words, "no tag")
				continue
			}
			words = append(words, fmt.Sprintf("%s: %s -> %s", f.Name, f.Want, f.Got))
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return lines
}

// order gives an order as an operator does.
func order(t *testing.T, cfg app.Config, s store.State) {
	t.Helper()
	err := app.WithStates(t.Context(), cfg, slog.New(slog.DiscardHandler), func(states *store.States) error {
		return states.SetState(t.Context(), s)
	})
	if err != nil {
		t.Fatalf("WithStates = %v", err)
	}
}

// verify holds what the replica has done against its rules.
func (g *guarded) verify(t *testing.T, log *slog.Logger) error {
	t.Helper()
	cfg := g.config(t, scramUser("ttp-verify"))
	rules, err := app.LoadRules(cfg, nil)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	v, err := app.Verify(ctx, cfg, log, rules, false, all())
	if err == nil && (v.Tags() != 24 || v.Differences() > 0) {
		err = fmt.Errorf("%d differences of %d tags, want none of 24", v.Differences(), v.Tags())
	}
	if err != nil {
		return fmt.Errorf("ttp-verify: %w", err)
	}
	return nil
}

// While a worker tags what comes, under rules in any state, no verification finds a difference in what it has done, nor
// does one after it, and every partition is under its plan.
func TestWhatALiveWorkerWritesIsAsThePlanGivesIt(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	cfg := quickConfig(t, c)
	cfg.RuleStore.Dir = ruleDir(t, "R1", "R2", "R3")
	w := startWorker(t, cfg, slog.New(slog.DiscardHandler))
	w.ready(t)
	order(t, cfg, store.State{RuleID: "R2", State: tagger.Shadow})
	order(t, cfg, store.State{RuleID: "R3", State: tagger.Disabled})
	kafkatest.Eventually(t, "all partitions to be committed", func() bool { return len(committed(t, c, cfg)) == 6 })
	var v app.Verification
	kafkatest.Eventually(t, "all partitions to be under the plan", func() bool {
		v = verified(t, cfg, false, all())
		return len(v.UnderOther()) == 0
	})
	const rounds, each = 6, 120
	seen := 0
	for i := range rounds {
		recs := make([]*kgo.Record, each)
		for k := range recs {
			n := (i*each + k) % (2 * each) // each event comes three times: the last one decides
			recs[k] = &kgo.Record{Partition: int32(n % 6), Value: fmt.Appendf(nil,
				`{"source_kind":"command","source_id":"%d","payload":{"command_text":"curl"}}`, n)}
		}
		write(t, c, recs...)
		v = verified(t, cfg, false, all())
		if got := findings(&v); len(got) > 0 {
			t.Fatalf("differences after %d rounds: %q", i, got)
		}
		seen += v.Events()
	}
	if seen == 0 {
		t.Error("no event was verified")
	}
	write(t, c, &kgo.Record{Value: []byte("no event")}, &kgo.Record{Value: []byte(`{"source_kind":"command","source_id":"m","payload":{"command_text":"ls"}}`)})
	kafkatest.Eventually(t, "all events to be committed", func() bool { return sum(committed(t, c, cfg)) >= rounds*each+2 })
	v = verified(t, cfg, false, all())
	if got := findings(&v); len(got) > 0 || v.Events() != rounds*each+2 || v.Tags() != 2*2*each || len(v.UnderOther()) > 0 {
		t.Errorf("%q, %d events, %d tags, %d partitions under another plan, want none, %d, %d, 0", got, v.Events(), v.Tags(), len(v.UnderOther()), rounds*each+2, 4*each)
	}
	// Without the orders R2 is trusted and R3 is there.
	v = verified(t, cfg, true, all())
	counts := map[string]int{}
	for _, n := range v.Counts {
		counts[string(n.Kind)+" "+n.Rule] = n.Tags
	}
	if diff := cmp.Diff(map[string]int{"misplaced R2": 2 * each, "missing R3": 2 * each}, counts); diff != "" {
		t.Errorf("differences without the orders (-want +got):\n%s", diff)
	}
	if got := len(v.UnderOther()); got != 6 {
		t.Errorf("%d partitions are under another plan than one without orders, want 6", got)
	}
	for rule, want := range map[string]int{"R1": 0, "R3": 2 * each} {
		job := all()
		job.Rules = []string{rule}
		if v := verified(t, cfg, true, job); v.Differences() != want || v.Tags() != 2*each {
			t.Errorf("%d differences of %d tags of %s, want %d of %d", v.Differences(), v.Tags(), rule, want, 2*each)
		}
	}
	job := all()
	job.Partition = 5
	if v := verified(t, cfg, false, job); v.Events() != rounds*each/6 || len(v.Partitions) != 1 {
		t.Errorf("%d events in %d partitions, want %d in one", v.Events(), len(v.Partitions), rounds*each/6)
	}
}

// Tags of all input topics are on the same partitions: each topic's are held against its own events.
func TestSeveralInputTopicsAreVerifiedOneAfterTheOther(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	cfg := quickConfig(t, c)
	cfg.Input.Topics = []string{cfg.Topics.Events.Name, c.Name("more")}
	w := startWorker(t, cfg, slog.New(slog.DiscardHandler))
	w.ready(t)
	for i, topic := range cfg.Input.Topics {
		c.Write(t, &kgo.Record{Topic: topic, Partition: 2, Value: fmt.Appendf(nil, `{"source_kind":"command","source_id":"%d","payload":{"command_text":"curl"}}`, i)})
	}
	waitForTags(t, c, 2)
	var v app.Verification
	kafkatest.Eventually(t, "both events to be committed", func() bool {
		v = verified(t, cfg, false, all())
		return v.Events() == 2
	})
	if got := findings(&v); len(got) > 0 || v.Tags() != 2 || v.Partitions[0].Topic == v.Partitions[len(v.Partitions)-1].Topic {
		t.Errorf("%q, %d tags in %+v, want none, 2, two topics", got, v.Tags(), v.Partitions)
	}
	job := all()
	job.Topics = cfg.Input.Topics[1:]
	if v := verified(t, cfg, false, job); v.Events() != 1 || v.Differences() != 0 {
		t.Errorf("%d events and %d differences of one topic, want 1 and 0", v.Events(), v.Differences())
	}
}

// Every kind of difference, planted by hand, is found, and the sample says what it is.
func TestPlantedDifferencesAreFound(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	cfg := quickConfig(t, c)
	cfg.Output.Framing = wire.JSON
	w := startWorker(t, cfg, slog.New(slog.DiscardHandler))
	w.ready(t)
	writeEvents(t, c, 60)
	write(t, c, &kgo.Record{Partition: 5, Value: []byte(`{"source_kind":"command","source_id":"miss","payload":{"command_text":"ls"}}`)})
	waitForTags(t, c, 60)
	kafkatest.Eventually(t, "all events to be committed", func() bool { return sum(committed(t, c, cfg)) >= 61 })
	if err := w.stop(); err != nil {
		t.Fatalf("Wait = %v", err)
	}
	c.Settle(t, cfg.Topics.Tags.Name)
	v := verified(t, cfg, false, all())
	if got := findings(&v); len(got) > 0 || v.Tags() != 60 {
		t.Fatalf("%q of %d tags before anything was planted, want none of 60", got, v.Tags())
	}

	byPlace := map[string]*kgo.Record{}
	for _, r := range c.ReadAll(t, cfg.Topics.Tags.Name) {
		for _, h := range r.Headers {
			if h.Key == "ttp-source" {
				byPlace[strings.TrimPrefix(string(h.Value), cfg.Topics.Events.Name+"/")] = r
			}
		}
	}
	plant := func(at string, change func(*kgo.Record)) {
		r := byPlace[at]
		out := &kgo.Record{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value, Headers: slices.Clone(r.Headers)}
		change(out)
		c.Write(t, out)
	}
	from := func(r *kgo.Record, at string) {
		for i := range r.Headers {
			if r.Headers[i].Key == "ttp-source" {
				r.Headers[i].Value = []byte(cfg.Topics.Events.Name + "/" + at)
			}
		}
	}
	deleted := func(r *kgo.Record) { r.Value = nil }
	plant("0/3", deleted)
	plant("1/4", deleted)
	plant("1/4", func(*kgo.Record) {}) // and back again: no difference
	plant("2/5", func(r *kgo.Record) {
		r.Value = []byte(strings.Replace(string(r.Value), `"confidence":0.5`, `"confidence":0.25`, 1))
	})
	plant("3/1", func(r *kgo.Record) { from(r, "3/2") })
	plant("3/6", func(r *kgo.Record) { from(r, "3/100000") }) // of an event that comes later: the live worker's
	plant("4/0", func(r *kgo.Record) { r.Topic = cfg.Topics.Shadow.Name })
	plant("4/1", deleted)
	plant("4/1", func(r *kgo.Record) { r.Topic = cfg.Topics.Shadow.Name })
	plant("5/2", func(r *kgo.Record) { // a tag that no rule gives, of an event that has none
		from(r, "5/10")
		r.Key = []byte("5bf7bf99-d026-5137-bf29-c076c5554b8f")
		r.Value = []byte(strings.Replace(string(r.Value), string(byPlace["5/2"].Key), string(r.Key), 1))
	})
	plant("5/3", func(r *kgo.Record) { r.Value = []byte("garbage") })

	events, tags, shadow := cfg.Topics.Events.Name, cfg.Topics.Tags.Name, cfg.Topics.Shadow.Name
	want := []string{
		"missing R1 0/3",
		"extra R1 5/10",
		"different R1 2/5 confidence: 0.5 -> 0.25",
		fmt.Sprintf(`different R1 3/1 ttp-source: "%s/3/1" -> "%s/3/2"`, events, events),
		"different R1 5/3 no tag",
		fmt.Sprintf(`misplaced R1 4/0 topic: ["%s"] -> ["%s","%s"]`, tags, tags, shadow),
		fmt.Sprintf(`misplaced R1 4/1 topic: ["%s"] -> ["%s"]`, tags, shadow),
	}
	v = verified(t, cfg, false, all())
	if diff := cmp.Diff(want, findings(&v)); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
	if v.Differences() != len(want) {
		t.Errorf("%d differences are counted, want %d", v.Differences(), len(want))
	}

	// A rule that has changed since is a difference in every tag of it, and the partitions are under another plan.
	file := filepath.Join(cfg.RuleStore.Dir, "R1.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), "0.5", "0.75", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	job := all()
	job.Partition, job.Parallel = 1, 4
	v = verified(t, cfg, false, job)
	if got := v.Differences(); got != 10 || len(v.UnderOther()) != 1 {
		t.Errorf("%d differences, %d partitions under another plan, want 10 and 1", got, len(v.UnderOther()))
	}
}

// Seen: where the input topic was made anew, a range to an offset that only the old one had was waited for without end.
func TestARangeEndsWhereItsTopicDoes(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	cfg := quickConfig(t, c)
	log := slog.New(slog.DiscardHandler)
	conn, err := app.Connect(t.Context(), cfg, log) // creates the topics
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	write(t, c, &kgo.Record{Partition: 2, Value: []byte(`{"source_kind":"command","source_id":"1","payload":{"command_text":"ls"}}`)})
	at := kafka.Partition{Topic: cfg.Topics.Events.Name, Number: 2}
	if err := c.SetPositions(t.Context(), cfg.Kafka.Group, map[kafka.Partition]kafka.Position{at: {Offset: 1000}}); err != nil {
		t.Fatal(err)
	}
	job := verify.Job{Partition: 2}
	if job.To, err = kafka.ParseMoment("500", time.Now()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), kafkatest.Patience)
	defer cancel()
	v, err := app.Verify(ctx, cfg, log, nil, true, job)
	if err != nil || v.Events() != 1 || v.Partitions[0].To != 1 {
		t.Errorf("Verify = %+v, %v, want one event in a range to 1", v.Partitions, err)
	}
}

func TestVerifySaysWhatItCannotVerify(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	cfg := quickConfig(t, c)
	log := slog.New(slog.DiscardHandler)
	verify := func(job verify.Job) error {
		_, err := app.Verify(t.Context(), cfg, log, nil, true, job)
		return err
	}
	if err := verify(all()); !containsText(err, "topic "+cfg.Topics.Events.Name+" does not exist (input.topics)") {
		t.Errorf("without topics: %v", err)
	}
	conn, err := app.Connect(t.Context(), cfg, log) // creates the topics
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if err := verify(all()); !containsText(err, "group "+cfg.Kafka.Group+" has committed no offset of what is to be verified (kafka.group)") {
		t.Errorf("without a worker: %v", err)
	}
	job := all()
	job.Partition = 77
	if err := verify(job); !containsText(err, "topic "+cfg.Topics.Events.Name+" has no partition 77") {
		t.Errorf("partition 77: %v", err)
	}
}
