package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/app"
	"ttpworker/internal/kafkatest"
	outputs "ttpworker/internal/produce"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
)

var (
	histories    = flag.Int("histories", 5, "how many random histories TestRetagUnderLiveLoadAndKills retags")
	firstHistory = flag.Uint64("first-history", 1, "the seed of the first of them; the next has the next")
)

const historyPartitions = 3

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
	n := *histories
	if testing.Short() && os.Getenv(kafkatest.Variable) == "" {
		n = min(n, 2)
	}
	for i := range n {
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
	cfg.Kafka.SessionTimeout = 2 * time.Second
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
		h.await(t, h.rand.IntN(2) == 0 || i == 0) // before live workers have committed anything there is nothing to retag
		for range 1 + h.rand.IntN(2) {
			h.saveRule(t, h.rand.IntN(3))
		}
		if h.rand.IntN(2) == 0 {
			h.order(t, log)
		}
	}
	live := rand.New(rand.NewPCG(h.rand.Uint64(), 1)) //nolint:gosec // a test
	loadCtx, stopLoad := context.WithCancel(t.Context())
	loaded := make(chan struct{})
	go func() { // ends with loadCtx, awaited below
		defer close(loaded)
		for loadCtx.Err() == nil {
			h.write(t, live, 1+live.IntN(20))
			time.Sleep(10 * time.Millisecond)
		}
	}()
	kills := h.retag(t, 4)
	stopLoad()
	<-loaded
	h.await(t, true)
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
const hungAfter = 60 * time.Second

// worker runs the command as a process of its own and kills it after a time; 0 = never.
func (h *history) worker(t *testing.T, kill time.Duration, args ...string) (out outcome) {
	t.Helper()
	c, args := h.cfg, slices.Clone(args) // which two calls may share
	for key, value := range map[string]string{
		"kafka.group": c.Kafka.Group, "topics.events.name": c.Topics.Events.Name, "topics.tags.name": c.Topics.Tags.Name,
		"topics.shadow.name": c.Topics.Shadow.Name, "topics.state.name": c.Topics.State.Name, "topics.dlq.name": c.Topics.DLQ.Name,
		"topics.reloaded.name": c.Topics.Reloaded.Name, "rule_store.dir": c.RuleStore.Dir, "kafka.session_timeout": "2s", "kafka.rebalance_timeout": "4s", "kafka.end_timeout": "8s",
		"kafka.commit_interval": "20ms",
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
		out.err = json.Unmarshal(stdout.Bytes(), &out.report)
	}
	return out
}

var jobLine = regexp.MustCompile(`job ([0-9a-f]{16})`)

// retag retags all history, with kills at random, and returns how many there were. Half of the jobs that were killed are shared
// by two processes then.
func (h *history) retag(t *testing.T, most int) (kills int) {
	t.Helper()
	args := []string{"retag", "--output", "json", "--wait", "20s"}
	if h.rand.IntN(3) == 0 {
		args = append(args, "--memory", "1")
	}
	for {
		var kill time.Duration
		if kills < most {
			kill = time.Duration(100+h.rand.IntN(900)) * time.Millisecond
		}
		await := func() {}
		if kill == 0 && args[len(args)-2] == "--job" && h.rand.IntN(2) == 0 {
			await = h.share(t, args)
		}
		out := h.worker(t, kill, args...)
		await()
		if out.err == nil {
			return kills
		}
		if last := len(args) - 2; args[last] == "--job" && strings.Contains(out.stderr, "no unfinished job") {
			args = args[:last] // it was killed when all was done
			continue
		}
		if kill == 0 || out.err.Error() != "signal: killed" {
			t.Fatalf("worker %v: %v\n%s", args, out.err, out.stderr)
		}
		kills++
		if job := jobLine.FindStringSubmatch(out.stderr); job != nil && args[len(args)-2] != "--job" {
			args = append(args, "--job", job[1])
		}
	}
}

// share takes part in a job from a second process. It may come when all is done.
func (h *history) share(t *testing.T, args []string) (await func()) {
	t.Helper()
	ended := make(chan outcome, 1)
	go func() { ended <- h.worker(t, 0, args...) }() // await awaits it
	return func() {
		if out := <-ended; out.err != nil && !strings.Contains(out.stderr, "no unfinished job") {
			t.Errorf("a second worker %v: %v\n%s", args, out.err, out.stderr)
		}
	}
}
