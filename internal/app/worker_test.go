package app_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ttpworker/internal/app"
	"ttpworker/internal/kafkatest"
	"ttpworker/internal/produce"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
)

// config is for a replica on c, with a group and topics that only this test knows.
func config(c *kafkatest.Cluster) app.Config {
	cfg := app.DefaultConfig()
	cfg.Kafka.Brokers = c.Brokers()
	cfg.Kafka.Group = c.Name(cfg.Kafka.Group)
	topics := &cfg.Topics
	for _, t := range []*produce.TopicConfig{&topics.Events, &topics.Tags, &topics.Shadow, &topics.Reloaded, &topics.State, &topics.Archive, &topics.DLQ} {
		t.Name = c.Name(t.Name)
	}
	topics.Create = true
	return cfg
}

// quickConfig is config with rule R1, for one that is quick to join and to leave.
func quickConfig(t *testing.T, c *kafkatest.Cluster) app.Config {
	t.Helper()
	cfg := config(c)
	cfg.Kafka.CommitInterval = 20 * time.Millisecond
	cfg.Kafka.SessionTimeout = 2 * time.Second
	cfg.Kafka.RebalanceTimeout = 4 * time.Second
	cfg.Kafka.EndTimeout = 8 * time.Second
	cfg.RuleStore.Dir = ruleDir(t, "R1")
	cfg.Admin.Listen = "127.0.0.1:0"
	return cfg
}

// A worker is a replica that runs.
type worker struct {
	*app.Worker
	stop  func() error // ends it and returns what Wait returned
	ended chan error
}

func startWorker(t *testing.T, cfg app.Config, log *slog.Logger) *worker {
	t.Helper()
	conn, err := app.Connect(t.Context(), cfg, log)
	if err != nil {
		t.Fatalf("Connect = %v", err)
	}
	t.Cleanup(conn.Close)
	w, err := app.Start(t.Context(), cfg, conn, log, nil)
	if err != nil {
		t.Fatalf("Start = %v", err)
	}
	r := &worker{Worker: w, ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { r.ended <- w.Wait(ctx) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		return <-r.ended
	})
	t.Cleanup(func() { _ = r.stop() })
	return r
}

// get asks the admin server, which must answer.
func (w *worker) get(t *testing.T, path string) (status int, body string) {
	t.Helper()
	status, body, err := ask(t, w.Worker, path)
	if err != nil {
		t.Fatal(err)
	}
	return status, body
}

func ask(t *testing.T, w *app.Worker, path string) (status int, body string, err error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+w.AdminAddr()+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true // leaves no idle connection behind
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(data), err
}

func (w *worker) ready(t *testing.T) {
	t.Helper()
	kafkatest.Eventually(t, "the worker to be ready", func() bool {
		status, _ := w.get(t, "/readyz")
		return status == http.StatusOK
	})
}

// write writes records to the topic of events.
func write(t *testing.T, c *kafkatest.Cluster, recs ...*kgo.Record) {
	t.Helper()
	for _, r := range recs {
		r.Topic = c.Name("ttp_events")
	}
	c.Write(t, recs...)
}

func writeEvents(t *testing.T, c *kafkatest.Cluster, n int) {
	t.Helper()
	recs := make([]*kgo.Record, n)
	for i := range recs {
		recs[i] = &kgo.Record{Partition: int32(i % 6), Value: fmt.Appendf(nil,
			`{"source_kind":"command","source_id":"%d","payload":{"command_text":"curl"}}`, i)}
	}
	write(t, c, recs...)
}

func waitForTags(t *testing.T, c *kafkatest.Cluster, n int) {
	t.Helper()
	kafkatest.Eventually(t, fmt.Sprintf("%d tags", n), func() bool { return len(c.ReadAll(t, c.Name("ttp_tags"))) == n })
}

func TestAWorkerTagsTellsHowItDoesAndStops(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	w := startWorker(t, quickConfig(t, c), slog.New(slog.DiscardHandler))
	w.ready(t)
	if status, body := w.get(t, "/livez"); status != http.StatusOK || body != "ok\n" {
		t.Errorf("/livez = %d %q, want 200 ok", status, body)
	}
	writeEvents(t, c, 12)
	waitForTags(t, c, 12)
	kafkatest.Eventually(t, "the rule in the catalogue", func() bool { return len(c.ReadAll(t, c.Name("ttp_rule_reloaded"))) == 1 })

	_, text := w.get(t, "/metrics")
	for _, series := range []string{
		`ttp_pipeline_events_total{outcome="tagged"} 12`, "ttp_consume_records_total 12", "ttp_engine_rules 1",
		`ttp_pipeline_dead_letters_total{class="bad_field"} 0`, "ttp_produce_keeper 1", "ttp_store_", "ttp_tagger_", "ttp_kafka_",
		"ttp_consume_assigned_partitions 6", "ttp_consume_rebalances_total ", "ttp_pipeline_batch_records_sum 12",
		`ttp_engine_rule_fires_total{rule="R1"} 12`, `ttp_pipeline_plan_info{digest="`, "go_goroutines",
	} {
		if !strings.Contains(text, "\n"+series) {
			t.Errorf("/metrics does not have %s", series)
		}
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if !strings.HasPrefix(p.Metric, "ttp_kafka_") { // the client library's own
			t.Errorf("metric %s: %s", p.Metric, p.Text)
		}
	}
	began := time.Now()
	if err := w.stop(); err != nil {
		t.Errorf("Wait = %v, want nil", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("stopping took %s, want far less than the 30 s that orchestrators grant", took)
	}
	if conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", w.AdminAddr()); err == nil {
		_ = conn.Close()
		t.Error("the admin port is still open after the stop")
	}
}

// states that cannot be read keep a replica from its first event: it would tag by rules that are switched off.
func TestAWorkerIsNotReadyAndTagsNothingBeforeTheStatesAreRead(t *testing.T) {
	t.Parallel()
	c := kafkatest.Embedded(t) // it is told to refuse
	cfg := quickConfig(t, c)
	conn, err := app.Connect(t.Context(), cfg, slog.New(slog.DiscardHandler)) // creates the topics
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	err = app.WithStates(t.Context(), cfg, slog.New(slog.DiscardHandler), func(s *store.States) error {
		return s.SetState(t.Context(), store.State{RuleID: "R1", State: tagger.Shadow})
	})
	if err != nil {
		t.Fatalf("WithStates = %v", err)
	}
	writeEvents(t, c, 6)
	fault := c.Broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: c.Name("ttp_rule_state"), Err: kerr.NotLeaderForPartition, Count: -1})
	defer fault.Remove()

	w := startWorker(t, cfg, slog.New(slog.DiscardHandler))
	status, body := w.get(t, "/readyz")
	want := "group: not a member of the consumer group yet\n" +
		"rules: no rule of " + cfg.RuleStore.Dir + " is in force, and no event is taken before one is\n" +
		"states: the state topic is not read to its end yet\n"
	kafkatest.Eventually(t, "the rule store to be well", func() bool {
		status, body = w.get(t, "/readyz")
		return !strings.Contains(body, "rule store: ")
	})
	if status != http.StatusServiceUnavailable || body != want {
		t.Errorf("/readyz = %d\n%swant 503\n%s", status, body, want)
	}
	if status, _ := w.get(t, "/livez"); status != http.StatusOK {
		t.Errorf("/livez = %d, want 200: it is alive", status)
	}
	fault.Remove()
	w.ready(t)
	kafkatest.Eventually(t, "the shadow tags", func() bool { return len(c.ReadAll(t, c.Name("ttp_tags_shadow"))) == 6 })
	if tags := c.ReadAll(t, c.Name("ttp_tags")); len(tags) != 0 {
		t.Errorf("%d tags of a rule in shadow in ttp_tags, want none", len(tags))
	}
}

func TestAWorkerIsAliveButNotReadyWithoutItsRuleDirectoryLater(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	cfg := quickConfig(t, c)
	cfg.RuleStore.Rescan = 50 * time.Millisecond
	w := startWorker(t, cfg, slog.New(slog.DiscardHandler))
	w.ready(t)
	removeAll(t, cfg.RuleStore.Dir)
	kafkatest.Eventually(t, "/readyz to say what is missing", func() bool {
		status, body := w.get(t, "/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(body, "rule store: ")
	})
	writeEvents(t, c, 6)
	waitForTags(t, c, 6) // the rules stay
}

// Seen: rm rules/*, with the directory still there, and events were committed without a tag for as long as that lasted.
func TestAWorkerTakesNoEventWhenTheLastRuleIsGone(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	cfg := quickConfig(t, c)
	w := startWorker(t, cfg, slog.New(slog.DiscardHandler))
	w.ready(t)
	writeEvents(t, c, 6)
	waitForTags(t, c, 6)
	file := filepath.Join(cfg.RuleStore.Dir, "R1.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	removeAll(t, file)
	want := "rules: no rule of " + cfg.RuleStore.Dir + " is in force, and no event is taken before one is\n"
	kafkatest.Eventually(t, "/readyz to say what is missing", func() bool {
		status, body := w.get(t, "/readyz")
		return status == http.StatusServiceUnavailable && body == want
	})
	writeEvents(t, c, 6)
	kafkatest.Eventually(t, "partitions to wait", func() bool {
		_, text := w.get(t, "/metrics")
		return !strings.Contains(text, "\nttp_consume_holds_total 0\n") && strings.Contains(text, "\nttp_engine_rules 0\n")
	})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	waitForTags(t, c, 12)
	w.ready(t)
}

// A journal keeps what components say when they have stopped.
type journal struct {
	slog.Handler

	mu    sync.Mutex
	lines []string
}

func (j *journal) Enabled(context.Context, slog.Level) bool { return true }

func (j *journal) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "component stopped" {
		r.Attrs(func(a slog.Attr) bool {
			j.mu.Lock()
			defer j.mu.Unlock()
			j.lines = append(j.lines, a.Value.String())
			return true
		})
	}
	return nil
}

func (j *journal) WithAttrs([]slog.Attr) slog.Handler { return j }

// What the consumer uses outlives it: the keeper it tells what it owns, the store that feeds its plans. The writer of
// the control topics belongs to the connection and outlives all.
func TestComponentsStopInTheOrderOfWhoUsesWhom(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	j := &journal{Handler: slog.DiscardHandler}
	w := startWorker(t, quickConfig(t, c), slog.New(j))
	w.ready(t)
	writeEvents(t, c, 100)
	if err := w.stop(); err != nil {
		t.Fatalf("Wait = %v, want nil", err)
	}
	var got []string
	for _, name := range j.lines {
		if slices.Contains([]string{"consumer", "keeper", "rule store"}, name) {
			got = append(got, name)
		}
	}
	if diff := cmp.Diff([]string{"consumer", "keeper", "rule store"}, got); diff != "" {
		t.Errorf("order of stopping (-want +got):\n%s", diff)
	}
	for _, name := range []string{"reloader", "admin server"} {
		if !slices.Contains(j.lines, name) {
			t.Errorf("%s has not stopped", name)
		}
	}
}

func TestAComponentsErrorStopsTheWorkerAndIsItsError(t *testing.T) {
	t.Parallel()
	c := kafkatest.Embedded(t) // it is told to refuse
	w := startWorker(t, quickConfig(t, c), slog.New(slog.DiscardHandler))
	w.ready(t)
	c.Broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: c.Name("ttp_events"), Err: kerr.TopicAuthorizationFailed, Count: -1})
	writeEvents(t, c, 6) // ends the fetch that waits
	select {
	case err := <-w.ended:
		w.ended <- err
		if !errors.Is(err, kerr.TopicAuthorizationFailed) || !strings.Contains(err.Error(), "lacks an ACL on that topic: see docs/security.md") {
			t.Errorf("Wait = %v, want the consumer's error", err)
		}
	case <-time.After(kafkatest.Patience):
		t.Fatal("the worker still runs")
	}
}
