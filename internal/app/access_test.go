package app_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/app"
	"ttpworker/internal/deadletter"
	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
	"ttpworker/internal/yamlx"
)

// A guarded cluster lets nobody in without TLS and a password, and nobody do what no ACL allows, but for admin.
type guarded struct {
	addrs  []string
	caFile string
	admin  kafka.SASLConfig
	// delivery is kafka.delivery of the replicas.
	delivery kafka.Delivery
	lag      bool     // work waits for the figures of lag, too
	log      refusals // of the replicas
}

// refusals counts the lines of a log that tell of something forbidden, which need not stop anything.
type refusals struct{ n atomic.Int64 }

func (r *refusals) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("AUTHORIZATION_FAILED")) {
		r.n.Add(1)
	}
	return len(line), nil
}

// The principals of docs/security.md.
var principals = []string{"ttp-worker", "ttp-setup", "ttp-operator", "ttp-replay", "ttp-verify", "ttp-retag", "ttp-sensor", "ttp-reader", "ttp-analyst"}

// passwordOf is the password of a principal.
func passwordOf(principal string) string { return "password of " + principal }

// startGuarded starts one in the process that knows the principals.
func startGuarded(t *testing.T) *guarded {
	t.Helper()
	ca := kafkatest.NewAuthority(t)
	opts := []kfake.Opt{
		kfake.TLS(ca.Issue(t, "broker").Server(t, nil)), kfake.EnableSASL(), kfake.EnableACLs(),
		kfake.Superuser("SCRAM-SHA-512", "admin", passwordOf("admin")),
	}
	for _, p := range principals {
		opts = append(opts, kfake.User("SCRAM-SHA-512", p, passwordOf(p)))
	}
	g := &guarded{addrs: kafkatest.Embedded(t, opts...).Brokers(), caFile: ca.Write(t, t.TempDir(), "ca")}
	g.admin = scramUser("admin")
	return g
}

func scramUser(name string) kafka.SASLConfig {
	return kafka.SASLConfig{Mechanism: "scram-sha-512", Username: name, Password: yamlx.NewSecret(passwordOf(name))}
}

// config is that of a replica or a command which connects as somebody.
func (g *guarded) config(t *testing.T, as kafka.SASLConfig) app.Config {
	t.Helper()
	cfg := app.DefaultConfig()
	cfg.Kafka.Brokers, cfg.Kafka.SASL = g.addrs, as
	cfg.Kafka.TLS = kafka.TLSConfig{Enabled: true, CAFile: g.caFile}
	cfg.Kafka.CommitInterval = 20 * time.Millisecond
	cfg.Kafka.SessionTimeout, cfg.Kafka.RebalanceTimeout, cfg.Kafka.EndTimeout = 2*time.Second, 4*time.Second, 8*time.Second
	cfg.RuleStore.Dir = ruleDir(t, "R1", "R2")
	cfg.Admin.Listen = "127.0.0.1:0"
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// client opens a client of somebody.
func (g *guarded) client(t *testing.T, as kafka.SASLConfig, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kafka.NewCluster(g.config(t, as).Kafka, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	cl, err := c.Client("test", opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// committed counts what admin can read in a topic.
func (g *guarded) committed(t *testing.T, topic string) int {
	t.Helper()
	ends, err := kadm.NewClient(g.client(t, g.admin)).ListCommittedOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	cl := g.client(t, g.admin, kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()))
	defer cl.Close()
	missing := 0
	ends.Each(func(o kadm.ListedOffset) { missing += int(o.Offset) })
	n := 0
	for missing > 0 && t.Context().Err() == nil {
		cl.PollFetches(t.Context()).EachRecord(func(r *kgo.Record) {
			missing--
			if !r.Attrs.IsControl() {
				n++
			}
		})
	}
	return n
}

// work has every role of docs/security.md do what it is for. It returns the first thing that could not be done before
// patience was over.
func (g *guarded) work(t *testing.T, patience time.Duration) error {
	t.Helper()
	log := slog.New(slog.NewTextHandler(&g.log, nil))
	soon := func(what string, ok func() bool) error {
		for deadline := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				return errors.New(what + " did not come")
			}
		}
		return nil
	}
	if err := g.setUp(t, log); err != nil {
		return fmt.Errorf("ttp-setup: %w", err)
	}
	earlier := &kgo.Record{Topic: "ttp_rule_archive", Key: []byte("earlier"), Value: []byte("{}")} // what is empty is not fetched
	if err := g.client(t, g.admin).ProduceSync(t.Context(), earlier).FirstErr(); err != nil {
		return err
	}

	cfg := g.config(t, scramUser("ttp-worker"))
	cfg.Kafka.Replica, cfg.Kafka.Leave = "0", true
	cfg.Kafka.Delivery = cmp.Or(g.delivery, cfg.Kafka.Delivery)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	conn, err := app.Connect(ctx, cfg, log)
	if err != nil {
		return fmt.Errorf("ttp-worker: %w", err)
	}
	defer conn.Close()
	worker, err := app.Start(ctx, cfg, conn, log, nil)
	if err != nil {
		return fmt.Errorf("ttp-worker: %w", err)
	}
	go func() { ended <- worker.Wait(ctx) }()
	steps := []func() error{
		func() error {
			return g.order(t, patience, log, store.State{RuleID: "R2", State: tagger.Shadow})
		},
		func() error {
			return soon("the keeper's own records", func() bool { return metric(t, worker, "ttp_store_catalogue_differs 0\n") })
		},
		func() error {
			return soon("the rules in the archive", func() bool { return metric(t, worker, `ttp_produce_archive_rules_total{outcome="archived"} 2`) })
		},
		func() error { return g.sense(t, patience) },
		func() error {
			return soon("the dead letter", func() bool { return g.committed(t, "ttp_events_dlq") == 1 })
		},
		func() error { return g.replay(t, log) },
		func() error { // the letter, the mark of its replay, and the letter that it is again
			return soon("the replayed dead letter", func() bool { return g.committed(t, "ttp_events_dlq") == 3 })
		},
		func() error {
			tags := 0
			err := soon("the shadow tags", func() bool { tags = g.committed(t, "ttp_tags_shadow"); return tags == 12 })
			if err != nil {
				err = fmt.Errorf("%w: there are %d", err, tags)
			}
			return err
		},
		func() error { return g.verify(t, log) },
		func() error { return g.read(t, patience, 12) },
		func() error { return errors.Join(g.explain(t, log, "R1"), g.explain(t, log, "R2")) },
		func() error { return g.retag(t, log) },
		func() error {
			return g.order(t, patience, log, store.State{RuleID: "R1", State: tagger.Disabled})
		},
		func() error { // two orders, and the end of the second
			return soon("the end of the order", func() bool { return g.committed(t, "ttp_rule_state") == 3 })
		},
	}
	if g.lag {
		steps = append(steps, func() error {
			return soon("the lag", func() bool { return metric(t, worker, "ttp_consume_lag_records{") })
		})
	}
	for _, step := range steps {
		if err := step(); err != nil {
			cancel()
			return errors.Join(err, <-ended)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		return fmt.Errorf("ttp-worker: %w", err)
	}
	return nil
}

// setUp creates and checks the topics.
func (g *guarded) setUp(t *testing.T, log *slog.Logger) error {
	t.Helper()
	cfg := g.config(t, scramUser("ttp-setup"))
	conn, err := app.Reach(t.Context(), cfg, log)
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := app.EnsureTopics(ctx, cfg, conn.Cluster); err != nil {
		return err
	}
	findings, err := app.CheckTopics(ctx, cfg, conn.Cluster)
	return errors.Join(err, findings.Of(kafka.Doubtful))
}

// metric reports whether a worker tells a metric whose line begins so. One that has ended tells none.
func metric(t *testing.T, w *app.Worker, line string) bool {
	t.Helper()
	_, text, err := ask(t, w, "/metrics")
	return err == nil && strings.Contains(text, "\n"+line)
}

// order gives an order and looks whether its rule is live.
func (g *guarded) order(t *testing.T, patience time.Duration, log *slog.Logger, order store.State) error {
	t.Helper()
	cfg := g.config(t, scramUser("ttp-operator"))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := app.WithStates(ctx, cfg, log, func(s *store.States) error {
		if order.State == tagger.Disabled {
			order.ExpiresAt = time.Now().Add(2 * time.Second) // the keeper reverts it
		}
		return s.SetState(ctx, order)
	})
	for err == nil {
		var live map[string]bool
		if live, err = app.LiveRules(ctx, cfg, log); live[order.RuleID] {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("ttp-operator: %w", err)
}

// sense writes 12 events and a record that is none.
func (g *guarded) sense(t *testing.T, patience time.Duration) error {
	t.Helper()
	cl := g.client(t, scramUser("ttp-sensor"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	recs := []*kgo.Record{{Topic: "ttp_events", Value: []byte("no event")}}
	for i := range 12 {
		recs = append(recs, &kgo.Record{Topic: "ttp_events", Partition: int32(i % 6), Value: fmt.Appendf(nil,
			`{"source_kind":"command","source_id":"%d","payload":{"command_text":"curl"}}`, i)})
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := cl.ProduceSync(ctx, recs...).FirstErr(); err != nil {
		return fmt.Errorf("ttp-sensor: %w", err)
	}
	return nil
}

// replay replays the dead letter, although it is no event yet.
func (g *guarded) replay(t *testing.T, log *slog.Logger) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	report, err := app.ReplayDeadLetters(ctx, g.config(t, scramUser("ttp-replay")), log, deadletter.Replay{Force: true, By: "test"}, true)
	if err == nil && report.Replayed != 1 {
		err = fmt.Errorf("%d letters replayed, want 1", report.Replayed)
	}
	if err != nil {
		return fmt.Errorf("ttp-replay: %w", err)
	}
	return nil
}

// explain explains the tag of a rule on the first event.
func (g *guarded) explain(t *testing.T, log *slog.Logger, ruleID string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	id := tagger.TagID(&tagger.TaggerEvent{SourceKind: "command", SourceID: "0"}, ruleID, &tagger.Emit{Tactic: "TA0006", TechniqueID: "T1003"})
	a, err := app.ExplainTag(ctx, g.config(t, scramUser("ttp-analyst")), log, app.TagQuery{ID: id, Anchor: "0"})
	if err == nil && !a.Explained() {
		err = fmt.Errorf("faults %q, verdict %+v", a.Faults, a.Verdict)
	}
	if err != nil {
		return fmt.Errorf("ttp-analyst: %w", err)
	}
	return nil
}

// read reads so many tags in a group.
func (g *guarded) read(t *testing.T, patience time.Duration, tags int) error {
	t.Helper()
	cl := g.client(t, scramUser("ttp-reader"), kgo.ConsumeTopics("ttp_tags"), kgo.ConsumerGroup("ttp-reader"),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for tags > 0 {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("ttp-reader: %d tags missing: %w", tags, err)
		}
		tags -= fetches.NumRecords()
	}
	if err := cl.CommitUncommittedOffsets(ctx); err != nil {
		return fmt.Errorf("ttp-reader: %w", err)
	}
	return nil
}

// checkEnough holds that every role can do its work, and that the replica is not refused anything on the way, the figures
// of its lag included.
func (g *guarded) checkEnough(t *testing.T) {
	t.Helper()
	g.lag = true
	if err := g.work(t, kafkatest.Patience); err != nil {
		t.Error(err)
	}
	if n := g.log.n.Load(); n > 0 {
		t.Errorf("%d lines tell of something that is forbidden, want none", n)
	}
}

func TestTheDocumentedACLsAreEnoughForEveryRole(t *testing.T) {
	t.Parallel()
	g := startGuarded(t)
	err := app.Run(t.Context(), g.config(t, scramUser("ttp-worker")), slog.New(slog.DiscardHandler))
	if want := "(the principal lacks an ACL on that topic: see docs/security.md)"; !errors.Is(err, kerr.TopicAuthorizationFailed) || !containsText(err, want) {
		t.Errorf("Run without an ACL = %v, want %s", err, want)
	}
	allow(t, kadm.NewClient(g.client(t, g.admin)), documentedACLs(t))
	g.checkEnough(t)
}

func TestAtLeastOnceDoesWithoutTransactionalIDs(t *testing.T) {
	t.Parallel()
	g := startGuarded(t)
	g.delivery = kafka.AtLeastOnce
	all := documentedACLs(t)
	some := slices.DeleteFunc(slices.Clone(all), func(a acl) bool { return a.principal == "ttp-worker" && a.on == "transactional id" })
	if len(some) != len(all)-1 {
		t.Fatalf("%d of %d ACLs left, want all but one", len(some), len(all))
	}
	allow(t, kadm.NewClient(g.client(t, g.admin)), some)
	if err := g.work(t, kafkatest.Patience); err != nil {
		t.Error(err)
	}
}

func TestNoneOfTheDocumentedACLsIsTooMuch(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a cluster for every ACL")
	}
	all := documentedACLs(t)
	for i, without := range all {
		t.Run(fmt.Sprint(without), func(t *testing.T) {
			t.Parallel()
			g := startGuarded(t)
			allow(t, kadm.NewClient(g.client(t, g.admin)), slices.Delete(slices.Clone(all), i, i+1))
			if err := g.work(t, 5*time.Second); err == nil {
				t.Errorf("all went well without %v", without)
			}
		})
	}
}
