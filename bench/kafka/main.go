// Command kafka prints what the worker costs beside a bare copy of the same records: one table of records per second and
// per CPU second over the number of rules and of replicas, and how long a record takes from its append to the commit of
// its tag. Everything runs on one broker that it starts itself, each copy or replica in a process of its own.
// docs/performance.md tells how to read it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"ttpworker/internal/kafkatest/apache"
)

// settings are what one measurement takes.
type settings struct {
	sigma   string        // directory with the archive of public rules
	records int           // to read per run
	runs    int           // of each kind, in turn; the table gives their medians
	paced   time.Duration // of the measurement of latency
	rate    int           // records per second meanwhile
	profile string        // directory for CPU profiles; "" = none
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == childArg {
		exit(child(os.Args[2:]))
	}
	var s settings
	flag.StringVar(&s.sigma, "sigma", "../shared/sigma", "directory with the archive of public Sigma rules")
	flag.IntVar(&s.records, "records", 1_000_000, "records per run")
	flag.IntVar(&s.runs, "runs", 5, "runs of each kind")
	flag.DurationVar(&s.paced, "paced", 20*time.Second, "time to measure latency for")
	flag.IntVar(&s.rate, "rate", 2000, "records per second meanwhile")
	flag.StringVar(&s.profile, "profile", "", "directory to write a CPU profile of each kind to")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exit(run(ctx, s))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/kafka:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// run starts a broker, fills the input and measures.
func run(ctx context.Context, s settings) error {
	dir, err := os.MkdirTemp("", "bench-kafka-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	input, err := values()
	if err != nil {
		return err
	}
	if err := writeRules(dir, s.sigma, input); err != nil {
		return err
	}
	broker, err := apache.Start(ctx, apache.Config{Heap: 1024, Properties: map[string]string{"log.retention.hours": "1"}})
	if err != nil {
		return err
	}
	defer broker.Close()
	b := &bench{settings: s, dir: dir, brokers: broker.Brokers(), values: input}
	if err := b.fill(ctx); err != nil {
		return err
	}
	if err := b.throughput(ctx, os.Stdout); err != nil {
		return err
	}
	return b.latency(ctx, os.Stdout)
}
