package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/chaos/fleet"
	"ttpworker/chaos/proxy"
	"ttpworker/chaos/traffic"
	"ttpworker/internal/kafkatest/apache"
	"ttpworker/internal/produce"
)

// A ground is what faults happen to: brokers, the network before them, rules and workers.
type ground struct {
	dir     string
	cluster *apache.Cluster
	net     *proxy.Net
	direct  []string // brokers past the proxy
	book    *book
	env     []string // of all commands of the worker
	workers []*fleet.Worker
	topics  traffic.Topics
	admin   *kadm.Client
}

// prepare starts the brokers, creates the topics and lays out the rules. No worker runs yet.
func prepare(ctx context.Context, cfg config, dir string) (*ground, error) {
	t := produce.DefaultTopicsConfig()
	g := &ground{dir: dir, topics: traffic.Topics{Events: t.Events.Name, Tags: t.Tags.Name, Shadow: t.Shadow.Name, Letters: t.DLQ.Name}}
	if err := g.prepare(ctx, cfg); err != nil {
		g.close()
		return nil, err
	}
	return g, nil
}

func (g *ground) prepare(ctx context.Context, cfg config) (err error) {
	if g.book, err = newBook(filepath.Join(g.dir, "rules")); err != nil {
		return err
	}
	if err := g.startBrokers(ctx); err != nil {
		return err
	}
	g.env = []string{
		"DECNET_TTP_KAFKA_BROKERS=" + strings.Join(g.cluster.Brokers(), ","),
		"DECNET_TTP_KAFKA_GROUP=" + group,
		"DECNET_TTP_KAFKA_SESSION_TIMEOUT=" + sessionTimeout.String(),
		"DECNET_TTP_KAFKA_TRANSACTION_TIMEOUT=" + transactionTimeout.String(),
		"DECNET_TTP_KAFKA_REBALANCE_TIMEOUT=" + rebalanceTimeout.String(),
		"DECNET_TTP_KAFKA_END_TIMEOUT=" + endTimeout.String(),
		"DECNET_TTP_TOPICS_EVENTS_PARTITIONS=" + strconv.Itoa(partitions),
		"DECNET_TTP_RULE_STORE_DIR=" + g.book.dir,
		"DECNET_TTP_LOG_FORMAT=json",
	}
	g.env = append(g.env, cfg.set...)
	if err := g.createTopics(ctx, cfg.worker); err != nil {
		return err
	}
	return g.hire(cfg)
}

// startBrokers starts the brokers behind the proxy.
func (g *ground) startBrokers(ctx context.Context) (err error) {
	g.net = proxy.New(func(port int) int { return fleet.Owner(g.workers, port) })
	var errs []error
	advertised := func(node int, addr string) string {
		before, err := g.net.Listen(node, addr)
		errs = append(errs, err)
		return before
	}
	kafka := filepath.Join(g.dir, "kafka")
	if err := os.MkdirAll(kafka, 0o750); err != nil {
		return fmt.Errorf("making a place for Kafka's data: %w", err)
	}
	if g.cluster, err = apache.Start(ctx, apache.Config{Nodes: brokers, Dir: kafka, Fast: true, Heap: 384, Advertised: advertised}); err != nil {
		return err
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, n := range g.cluster.Nodes() {
		g.direct = append(g.direct, n.Direct())
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(g.direct...), kgo.ClientID("chaos-admin"))
	if err != nil {
		return fmt.Errorf("opening a client: %w", err)
	}
	g.admin = kadm.NewClient(cl)
	return nil
}

// createTopics has the worker create its topics. What it writes stays there to the end of the run: compaction would take
// away what came twice.
func (g *ground) createTopics(ctx context.Context, worker string) error {
	cmd := exec.CommandContext(ctx, worker, "topics", "ensure")
	cmd.Env = append(os.Environ(), g.env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("creating the topics: %w: %s", err, out)
	}
	never := "9223372036854775807"
	keep := []kadm.AlterConfig{
		{Op: kadm.SetConfig, Name: "max.compaction.lag.ms", Value: &never},
		{Op: kadm.SetConfig, Name: "min.compaction.lag.ms", Value: &never},
	}
	answers, err := g.admin.AlterTopicConfigs(ctx, keep, g.topics.Tags, g.topics.Shadow)
	for _, a := range answers {
		err = errors.Join(err, a.Err)
	}
	if err != nil {
		return fmt.Errorf("turning compaction off: %w", err)
	}
	return nil
}

// hire makes the workers, each with an admin port of its own, and with a name unless they are to have none.
func (g *ground) hire(cfg config) error {
	for id := range replicas {
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("choosing an admin port: %w", err)
		}
		admin := l.Addr().String()
		_ = l.Close()
		env := slices.Concat(g.env, []string{"DECNET_TTP_ADMIN_LISTEN=" + admin})
		if !cfg.unnamed {
			env = append(env, "DECNET_TTP_KAFKA_REPLICA="+strconv.Itoa(id))
		}
		g.workers = append(g.workers, fleet.New(id, admin, filepath.Join(g.dir, fmt.Sprintf("worker-%d.log", id)), env, cfg.worker, "run"))
	}
	return nil
}

// close ends everything at once.
func (g *ground) close() {
	for _, w := range g.workers {
		_ = w.Kill()
	}
	if g.admin != nil {
		g.admin.Close()
	}
	if g.cluster != nil {
		g.cluster.Close()
	}
	if g.net != nil {
		g.net.Close()
	}
}
