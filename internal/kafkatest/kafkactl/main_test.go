package main

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
	"ttpworker/internal/kafkatest/apache"
)

func TestUsageErrorsSayWhatToGive(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "no verb: give up, down or exec"},
		{[]string{"start"}, `unknown verb "start": give up, down or exec`},
		{[]string{"exec"}, "exec: no command"},
		{[]string{"exec", "-nodes", "2"}, "exec: no command"},
		{[]string{"up", "-nodes", "many"}, `invalid value "many" for flag -nodes: parse error`},
	} {
		if err := run(t.Context(), tt.args, io.Discard); err == nil || err.Error() != tt.want {
			t.Errorf("kafkactl %s = %v, want %s", strings.Join(tt.args, " "), err, tt.want)
		}
	}
}

// make test-kafka on a machine without Java or Maven must not pass over its tests.
func TestAMissingProgramIsNamedWithWhatToInstall(t *testing.T) {
	path := t.TempDir()
	t.Setenv("PATH", path)
	t.Setenv("HOME", path)
	t.Setenv("XDG_CACHE_HOME", path) // where no jars are
	exec := []string{"exec", "true"}
	err := run(t.Context(), exec, io.Discard)
	if !errors.Is(err, apache.ErrMissing) || !strings.Contains(err.Error(), "java is not on the PATH: install a JDK") {
		t.Errorf("kafkactl exec without Java = %v, want what to install", err)
	}
	if err := os.WriteFile(filepath.Join(path, "java"), nil, 0o700); err != nil {
		t.Fatal(err)
	}
	err = run(t.Context(), exec, io.Discard)
	if !errors.Is(err, apache.ErrMissing) || !strings.Contains(err.Error(), "mvn is not on the PATH: install Apache Maven") {
		t.Errorf("kafkactl exec without Maven = %v, want what to install", err)
	}
}

func TestDownWhereNothingRunsStopsNothing(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	if err := run(t.Context(), []string{"down", "-dir", dir}, &out); err != nil || !strings.HasPrefix(out.String(), "0 brokers stopped") {
		t.Errorf("kafkactl down = %q, %v, want that nothing ran", &out, err)
	}
}

func TestWhatUpStartsAnswersUntilDownAndKeepsItsTopics(t *testing.T) {
	kafkatest.NeedsApache(t)
	dir, addr := t.TempDir(), freeAddr(t)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	ctl := func(want string, args ...string) {
		t.Helper()
		var out bytes.Buffer
		if err := run(t.Context(), append(args, "-dir", dir), &out); err != nil || !strings.Contains(out.String(), want) {
			t.Fatalf("kafkactl %s = %q, %v, want %s", args[0], &out, err, want)
		}
	}
	t.Cleanup(func() { _, _ = apache.StopDetached(dir) })
	c, err := kafka.NewCluster(kafka.Config{Brokers: []string{addr}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	spec := []kafka.TopicSpec{{Name: "t", Partitions: 2, Replication: -1}}

	ctl("DECNET_TTP_KAFKA_BROKERS="+addr, "up", "-port", port)
	if _, err := c.EnsureTopics(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	ctl("1 brokers stopped", "down")
	if conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr); err == nil {
		_ = conn.Close()
		t.Fatal("the broker still listens after down")
	}
	ctl("DECNET_TTP_KAFKA_BROKERS="+addr, "up", "-port", port)
	if found, err := c.Topics(t.Context(), "t"); err != nil || found["t"].Partitions != 2 {
		t.Errorf("the topic after down and up = %v, %v, want 2 partitions", found["t"], err)
	}
	ctl("1 brokers stopped", "down")
	ctl("0 brokers stopped", "down")
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
