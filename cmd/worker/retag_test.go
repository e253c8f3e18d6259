package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/app"
	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
	"ttpworker/internal/pipeline"
	outputs "ttpworker/internal/produce"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

var (
	histories    = flag.Int("histories", 3, "how many random histories TestRetagUnderLiveLoadAndKills retags")
	firstHistory = flag.Uint64("first-history", 1, "the seed of the first of them; the next has the next")
)

const (
	historyPartitions = 3
	historySession    = 2 * time.Second // kafka.session_timeout of all
)

// A history is a cluster with events, tagged by a live worker whose rules and states change, and what is needed to know
// what its tags have to be.
type history struct {
	*kafkatest.Cluster

	cfg  app.Config
	rand *rand.Rand

	mu     sync.Mutex
	events int // written
}

var historyWords = []string{"alpha", "beta", "gamma", "delta", "omega", "sigma"}

// TestRetagUnderLiveLoadAndKills is the promise of retag, held against an evaluation of all events from scratch: whatever
// rules and states they were tagged under, while live workers go on and the job is killed at random, the topics hold
// afterwards what the rules of now give, key by key and value by value; and a second run writes nothing.
func TestRetagUnderLiveLoadAndKills(t *testing.T) {
	for i := range *histories {
		seed := *firstHistory + uint64(i)
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			newHistory(t, seed).run(t)
		})
	}
}

func newHistory(t *testing.T, seed uint64) *history {
	t.Helper()
	h := &history{Cluster: kafkatest.Start(t), rand: rand.New(rand.NewPCG(seed, 0))} //nolint:gosec // a test
	cfg := app.DefaultConfig()
	cfg.Kafka.Brokers = h.Brokers()
	cfg.Kafka.Group = h.Name(cfg.Kafka.Group)
	cfg.Kafka.CommitInterval = 20 * time.Millisecond
	cfg.Kafka.SessionTimeout = historySession
	cfg.Kafka.RebalanceTimeout = 4 * time.Second
	cfg.Kafka.EndTimeout = 8 * time.Second
	for _, topic := range []*outputs.TopicConfig{
		&cfg.Topics.Events, &cfg.Topics.Tags, &cfg.Topics.Shadow, &cfg.Topics.Reloaded, &cfg.Topics.State, &cfg.Topics.DLQ,
	} {
		topic.Name = h.Name(topic.Name)
	}
	for _, name := range []string{cfg.Topics.Tags.Name, cfg.Topics.Shadow.Name} { // compacted as often as can be
		h.CreateTopic(t, name, historyPartitions, "cleanup.policy=compact", "segment.ms=1000", "min.cleanable.dirty.ratio=0.001",
			"delete.retention.ms=3600000")
	}
	cfg.Topics.Create = true
	cfg.Topics.Events.Partitions, cfg.Topics.Tags.Partitions, cfg.Topics.Shadow.Partitions = historyPartitions, historyPartitions, historyPartitions
	cfg.RuleStore.Dir = t.TempDir()
	cfg.Admin.Listen = "127.0.0.1:0"
	if h.rand.IntN(3) == 0 {
		cfg.Kafka.Delivery = kafka.AtLeastOnce
	}
	if h.rand.IntN(3) == 0 {
		cfg.Output.Framing = wire.JSON
	}
	h.cfg = cfg
	for i := range 3 {
		h.saveRule(t, i)
	}
	return h
}

// saveRule writes a random version of a rule, or takes it away, but for the first.
func (h *history) saveRule(t *testing.T, i int) {
	t.Helper()
	path := filepath.Join(h.cfg.RuleStore.Dir, fmt.Sprintf("R%d.yaml", i))
	if i > 0 && h.rand.IntN(5) == 0 {
		_ = os.Remove(path) // it may be gone already
		return
	}
	id := fmt.Sprintf("R%d", i)
	if h.rand.IntN(5) == 0 {
		id += "X" // the file has another rule now
	}
	text := fmt.Sprintf("rule_id: %s\nrule_version: %d\nname: n\napplies_to: [command]\nmatch: {pattern: '%s|%s'}\n"+
		"emits: [{tactic: TA0006, technique_id: T1003, confidence: 0.%d}, {tactic: TA0007, technique_id: T1082, confidence: 0.5}]\n"+
		"evidence_fields: [command_text]\n",
		id, 1+h.rand.IntN(3), historyWords[h.rand.IntN(len(historyWords))], historyWords[h.rand.IntN(len(historyWords))], 1+h.rand.IntN(9))
	must(t, os.WriteFile(path+".new", []byte(text), 0o600))
	must(t, os.Rename(path+".new", path))
}

// order gives a random order about a rule.
func (h *history) order(t *testing.T, log *slog.Logger) {
	t.Helper()
	s := store.State{RuleID: fmt.Sprintf("R%d", h.rand.IntN(3)), State: []tagger.State{tagger.Enabled, tagger.Shadow, tagger.Disabled, tagger.Clipped}[h.rand.IntN(4)], SetBy: "test"}
	if s.State == tagger.Clipped {
		ceiling := 0.3
		s.ConfidenceMax = &ceiling
	}
	must(t, app.WithStates(t.Context(), h.cfg, log, func(states *store.States) error { return states.SetState(t.Context(), s) }))
}

// write writes n random events: one in five was sent before, one in thirty is none.
func (h *history) write(t *testing.T, r *rand.Rand, n int) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	recs := make([]*kgo.Record, n)
	for i := range recs {
		id := h.events
		if r.IntN(5) == 0 {
			id = r.IntN(h.events + 1)
		}
		h.events++
		value := fmt.Sprintf(`{"source_kind":"command","source_id":"e%d","session_id":"s%d","payload":{"command_text":"%s %s"}}`, id, id%7,
			historyWords[r.IntN(len(historyWords))], historyWords[r.IntN(len(historyWords))])
		if r.IntN(30) == 0 {
			value = "poison"
		}
		recs[i] = &kgo.Record{Topic: h.cfg.Topics.Events.Name, Partition: int32(id % 7 % historyPartitions), Value: []byte(value)}
	}
	h.Write(t, recs...)
}

func (h *history) run(t *testing.T) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	conn, err := app.Connect(t.Context(), h.cfg, log)
	must(t, err)
	defer conn.Close()
	w, err := app.Start(t.Context(), h.cfg, conn, log, nil)
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Wait(ctx) }() // ends with ctx, awaited below
	for i := range 3 + h.rand.IntN(4) {
		h.write(t, h.rand, 20+h.rand.IntN(150))
		h.await(t, h.rand.IntN(2) == 0 || i == 0) // without a commit there is no history
		for range 1 + h.rand.IntN(2) {
			h.saveRule(t, h.rand.IntN(3))
		}
		if h.rand.IntN(2) == 0 {
			h.order(t, log)
		}
	}
	kills := 0
	if h.rand.IntN(2) == 0 { // a part of it first
		p := h.pick(t)
		h.underLoad(t, func() { kills = h.retag(t, 2, p.args()...) })
		h.checkPart(t, p)
		h.saveRule(t, h.rand.IntN(3))
	}
	h.underLoad(t, func() { kills += h.retag(t, 4) })
	h.check(t)
	if out := h.worker(t, 0, "retag", "--output", "json"); out.err != nil || out.report.Records != 0 {
		t.Errorf("a second retag: %v, %d records written, want none\n%s", out.err, out.report.Records, out.stderr)
	}
	h.check(t)
	if out := h.worker(t, 0, "verify", "--output", "json"); out.err != nil {
		t.Errorf("worker verify: %v\n%s%s", out.err, out.stdout, out.stderr)
	}
	t.Logf("%d events, %d kills", h.events, kills)
	stop()
	must(t, <-ended)
}

// await waits until the live worker has read all that is there; if it need not, it does not.
func (h *history) await(t *testing.T, need bool) {
	t.Helper()
	if !need {
		return
	}
	adm := kadm.NewClient(h.Client(t))
	defer adm.Close()
	kafkatest.Eventually(t, "the live worker to have read all", func() bool {
		lags, err := adm.Lag(t.Context(), h.cfg.Kafka.Group)
		if err != nil {
			return false
		}
		ends, err := adm.ListEndOffsets(t.Context(), h.cfg.Topics.Events.Name)
		if err != nil {
			return false
		}
		lag := lags[h.cfg.Kafka.Group]
		all := true
		ends.Each(func(o kadm.ListedOffset) {
			all = all && (o.Offset == 0 || lag.Lag[o.Topic][o.Partition].Commit.At >= o.Offset)
		})
		return all
	})
}

// outcome is what a command came to.
type outcome struct {
	err    error
	stdout string
	stderr string
	report struct {
		Records int `json:"records"`
	}
}

// hungAfter is when a process that nobody kills takes too long.
const hungAfter = 2 * time.Minute

// worker runs the command as a process of its own and kills it after a time; 0 = never.
func (h *history) worker(t *testing.T, kill time.Duration, args ...string) (out outcome) {
	t.Helper()
	c := h.cfg
	for key, value := range map[string]string{
		"kafka.group": c.Kafka.Group, "topics.events.name": c.Topics.Events.Name, "topics.tags.name": c.Topics.Tags.Name,
		"topics.shadow.name": c.Topics.Shadow.Name, "topics.state.name": c.Topics.State.Name, "topics.dlq.name": c.Topics.DLQ.Name,
		"topics.reloaded.name": c.Topics.Reloaded.Name, "rule_store.dir": c.RuleStore.Dir, "kafka.session_timeout": historySession.String(), "kafka.rebalance_timeout": "4s", "kafka.end_timeout": "8s",
		"kafka.commit_interval": "20ms", "kafka.delivery": string(c.Kafka.Delivery), "output.framing": string(c.Output.Framing),
	} {
		args = append(args, "--set", key+"="+value)
	}
	for _, b := range c.Kafka.Brokers {
		args = append(args, "--brokers", b)
	}
	most, signal := hungAfter, syscall.SIGQUIT // which tells where it hangs
	if kill > 0 {
		most, signal = kill, syscall.SIGKILL
	}
	ctx, cancel := context.WithTimeout(t.Context(), most)
	defer cancel()
	cmd := exec.CommandContext(ctx, "worker", args...) //nolint:gosec // this program
	cmd.Cancel = func() error { return cmd.Process.Signal(signal) }
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	out.err = cmd.Run()
	out.stdout, out.stderr = stdout.String(), stderr.String()
	if out.err == nil {
		must(t, json.Unmarshal(stdout.Bytes(), &out.report))
	}
	return out
}

// A standingTag is where a tag is, and its value as text without tagged_at.
type standingTag struct{ Topic, Source, Value string }

// check holds the topics of tags against an evaluation of all events from scratch.
func (h *history) check(t *testing.T) {
	t.Helper()
	if diff := cmp.Diff(h.scratch(t, func(*kgo.Record) bool { return true }), h.standing(t)); diff != "" {
		t.Fatalf("tags of %d events (-want +got):\n%s", h.events, diff)
	}
}

// standing are the tags that are there, by key; one in both topics is followed by its twin.
func (h *history) standing(t *testing.T) map[string]standingTag {
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
			if _, is := got[key]; is {
				key += " too"
			}
			got[key] = standingTag{topic, sourceOf(r), asText(t, &tag)}
		}
	}
	return got
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

// scratch is what the rules and states of now give for the events of a choice: of a tag that several yield, the last one's.
func (h *history) scratch(t *testing.T, of func(event *kgo.Record) bool) map[string]standingTag {
	t.Helper()
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	must(t, err)
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
	want, byPartition := map[string]standingTag{}, map[int32]map[string]standingTag{}
	for _, r := range h.ReadAll(t, h.cfg.Topics.Events.Name) {
		ev, _, err := dec.Event(r.Value, r.Timestamp)
		if err != nil || !of(r) {
			continue // poison, or not of the choice
		}
		tags, err := plan.AppendTags(nil, &ev)
		must(t, err)
		for i := range tags {
			topic := h.cfg.Topics.Tags.Name
			if tags[i].RuleState == tagger.Shadow {
				topic = h.cfg.Topics.Shadow.Name
			}
			if byPartition[r.Partition] == nil {
				byPartition[r.Partition] = map[string]standingTag{}
			}
			byPartition[r.Partition][tags[i].ID.String()] = standingTag{topic, fmt.Sprintf("%s/%d/%d", r.Topic, r.Partition, r.Offset), asText(t, &tags[i])}
		}
	}
	for _, tags := range byPartition {
		maps.Copy(want, tags)
	}
	return want
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
