package kafka_test

import (
	"log/slog"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/kafka"
)

func startEmbedded(t *testing.T, cfg kafka.EmbeddedConfig) (*kafka.Embedded, *kafka.Cluster) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	e, err := kafka.StartEmbedded(cfg, log)
	if err != nil {
		t.Fatalf("StartEmbedded = %v", err)
	}
	return e, cluster(t, kafka.Config{Brokers: e.Addrs()})
}

func TestEmbeddedIsOneBrokerOnLoopback(t *testing.T) {
	t.Parallel()
	e, c := startEmbedded(t, kafka.EmbeddedConfig{})
	defer e.Close()
	if len(e.Addrs()) != 1 || !strings.HasPrefix(e.Addrs()[0], "127.0.0.1:") {
		t.Errorf("Addrs = %v, want one on 127.0.0.1", e.Addrs())
	}
	if err := c.Ping(t.Context()); err != nil {
		t.Errorf("Ping = %v, want nil", err)
	}
}

func TestEmbeddedDataOutlivesACleanRestartOnTheSamePort(t *testing.T) {
	t.Parallel()
	const topic = "control"
	cfg := kafka.EmbeddedConfig{DataDir: t.TempDir()}
	e, c := startEmbedded(t, cfg)
	spec := kafka.TopicSpec{Name: topic, Partitions: 1, Replication: -1, Compacted: true}
	if _, err := c.EnsureTopics(t.Context(), []kafka.TopicSpec{spec}); err != nil {
		t.Fatal(err)
	}
	write := func(c *kafka.Cluster, value string) {
		t.Helper()
		a, err := c.NewAppender("test")
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		if err := a.Append(t.Context(), kafka.Record{Topic: topic, Key: []byte("a"), Value: []byte(value)}); err != nil {
			t.Fatal(err)
		}
	}
	write(c, "1")
	addrs := e.Addrs()
	e.Close()

	_, port, err := net.SplitHostPort(addrs[0])
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Port, err = strconv.Atoi(port); err != nil {
		t.Fatal(err)
	}
	e, c = startEmbedded(t, cfg)
	defer e.Close()
	if diff := cmp.Diff(addrs, e.Addrs()); diff != "" {
		t.Errorf("Addrs after the restart (-want +got):\n%s", diff)
	}
	if found, err := c.Topics(t.Context(), topic); err != nil || c.CheckTopics(found, []kafka.TopicSpec{spec}).Of(kafka.Doubtful) != nil {
		t.Errorf("the topic after the restart = %v, %v, want it as it was created", found[topic], err)
	}
	write(c, "2")
	var got []string
	if err := c.ReadAll(t.Context(), topic, func(r *kafka.Record) { got = append(got, line(r)) }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a=1", "a=2"}, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func TestEmbeddedOnAPortInUseNamesItsSettings(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	port := l.Addr().(*net.TCPAddr).Port
	_, err = kafka.StartEmbedded(kafka.EmbeddedConfig{Port: port}, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "(kafka.embedded)") || !strings.Contains(err.Error(), "in use") {
		t.Errorf("StartEmbedded = %v, want a port in use and kafka.embedded", err)
	}
}
