// Command kafkactl runs Apache Kafka for people and for make: see package apache.
//
//	kafkactl up   [-nodes N] [-port P] [-dir DIR]   start brokers that stay until down; their data stays in DIR
//	kafkactl down [-dir DIR]                        stop them
//	kafkactl exec [-nodes N] COMMAND [ARG...]       run a command beside brokers of its own, whose addresses it
//	                                                finds in TTP_TEST_KAFKA
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"ttpworker/internal/kafkatest"
	"ttpworker/internal/kafkatest/apache"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		os.Exit(ended.ExitCode()) // the command has said why
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kafkactl:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("no verb: give up, down or exec")
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	nodes := flags.Int("nodes", 1, "brokers")
	port := flags.Int("port", 19092, "port of the first broker")
	dir := flags.String("dir", filepath.Join(os.TempDir(), "ttpworker-kafka"), "where the data stays")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	switch args[0] {
	case "up":
		return up(ctx, apache.Config{Nodes: *nodes, Port: *port, Dir: *dir, Detached: true}, out)
	case "down":
		n, err := apache.StopDetached(*dir)
		if err == nil {
			_, err = fmt.Fprintf(out, "%d brokers stopped; their data stays in %s\n", n, *dir)
		}
		return err
	case "exec":
		return execute(ctx, *nodes, flags.Args())
	}
	return fmt.Errorf("unknown verb %q: give up, down or exec", args[0])
}

func up(ctx context.Context, cfg apache.Config, out io.Writer) error {
	if err := os.MkdirAll(cfg.Dir, 0o750); err != nil {
		return err
	}
	c, err := apache.Start(ctx, cfg)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "Kafka %s runs: DECNET_TTP_KAFKA_BROKERS=%s; data in %s\n", apache.Release, strings.Join(c.Brokers(), ","), cfg.Dir)
	return err
}

func execute(ctx context.Context, nodes int, command []string) error {
	if len(command) == 0 {
		return errors.New("exec: no command")
	}
	c, err := apache.Start(ctx, apache.Config{Nodes: nodes, Fast: true})
	if err != nil {
		return err
	}
	defer c.Close()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // that is its job
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), kafkatest.Variable+"="+strings.Join(c.Brokers(), ","))
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	return cmd.Run()
}
