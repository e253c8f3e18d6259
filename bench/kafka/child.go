package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/pprof"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/app"
	"ttpworker/internal/kafka"
	"ttpworker/internal/yamlx"
)

// childArg is the first argument of a process that copies or tags for its parent.
const childArg = "child"

// usage is what a process has used since it began, as getrusage tells.
type usage struct {
	CPU time.Duration `json:"cpu"` // user and system
	RSS int64         `json:"rss"` // the most resident memory so far, in KiB
}

// child is a process that copies or tags until its standard input ends. For each line there it writes one with its usage.
func child(args []string) error {
	flags := flag.NewFlagSet(childArg, flag.ContinueOnError)
	brokers := flags.String("brokers", "", "brokers, separated by commas")
	group := flags.String("group", "", "consumer group")
	replica := flags.String("replica", "0", "name in the group")
	sessions := flags.Int("sessions", 1, "members of the group in this process")
	input := flags.String("input", events, "topic to read")
	rules := flags.String("rules", "", "directory of rules; empty = copy")
	own := flags.Bool("own", false, "have topics of tags that are named for the group")
	again := flags.Bool("retag", false, "retag what the group has tagged, and end")
	profile := flags.String("profile", "", "file for a CPU profile from the first line on")
	if err := flags.Parse(args); err != nil {
		return err
	}
	cfg := app.DefaultConfig()
	cfg.Kafka.Brokers = yamlx.Strings(strings.Split(*brokers, ","))
	cfg.Kafka.Group, cfg.Kafka.Replica, cfg.Kafka.Sessions, cfg.Kafka.Compression = *group, *replica, *sessions, kafka.LZ4
	cfg.Input.Topics = yamlx.Strings{*input}
	cfg.Topics.Create = true
	cfg.RuleStore.Dir = *rules
	cfg.Admin.Listen = ""
	if *own {
		cfg.Topics.Tags.Name += "_" + *group
		cfg.Topics.Shadow.Name += "_" + *group
	}
	if *again {
		return childRetag(cfg)
	}

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		if *rules == "" {
			done <- copyAll(ctx, cfg.Kafka, *input)
			return
		}
		log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
		done <- app.Run(ctx, cfg, log)
	}()
	answered := make(chan error, 1)
	go func() { answered <- answer(os.Stdin, os.Stdout, *profile) }()
	select {
	case err := <-done: // too early
		return fmt.Errorf("ended by itself: %w", err)
	case err := <-answered:
		if err != nil {
			return err
		}
	}
	cancel()
	return <-done
}

// answer writes the usage for each line that it reads. The first one begins the profile.
func answer(in io.Reader, out io.Writer, profile string) error {
	lines := bufio.NewScanner(in)
	enc := json.NewEncoder(out)
	for first := true; lines.Scan(); first = false {
		var r syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
			return err
		}
		if err := enc.Encode(usage{CPU: time.Duration(r.Utime.Nano() + r.Stime.Nano()), RSS: r.Maxrss}); err != nil {
			return err
		}
		if first && profile != "" {
			f, err := os.Create(profile) //nolint:gosec // an argument
			if err != nil {
				return err
			}
			if err := pprof.StartCPUProfile(f); err != nil {
				return err
			}
			defer func() { pprof.StopCPUProfile(); _ = f.Close() }()
		}
	}
	return lines.Err()
}

// copyAll writes every record of input once more, as it is, exactly once, until ctx ends: what reading, writing and
// committing cost without any work on the records.
func copyAll(ctx context.Context, cfg kafka.Config, input string) error {
	s, err := kgo.NewGroupTransactSession(
		kgo.SeedBrokers(cfg.Brokers...), kgo.ConsumerGroup(cfg.Group), kgo.InstanceID(cfg.Group+"-"+cfg.Replica), kgo.TransactionalID(cfg.Group+"-"+cfg.Replica),
		kgo.ConsumeTopics(input), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ProducerBatchCompression(kgo.Lz4Compression()), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.SessionTimeout(cfg.SessionTimeout), kgo.TransactionTimeout(cfg.TransactionTimeout), kgo.Balancers(kgo.CooperativeStickyBalancer()),
	)
	if err != nil {
		return err
	}
	defer s.Close()
	var began time.Time
	for ctx.Err() == nil {
		poll, cancel := context.WithTimeout(ctx, cfg.CommitInterval)
		fetches := s.PollRecords(poll, cfg.MaxPoll)
		cancel()
		if fetches.NumRecords() > 0 && began.IsZero() {
			if err := s.Begin(); err != nil {
				return err
			}
			began = time.Now()
		}
		fetches.EachRecord(func(r *kgo.Record) {
			s.Produce(ctx, &kgo.Record{Topic: copies, Partition: r.Partition, Key: r.Key, Value: r.Value, Headers: r.Headers}, nil)
		})
		if !began.IsZero() && time.Since(began) >= cfg.CommitInterval {
			if _, err := s.End(context.WithoutCancel(ctx), kgo.TryCommit); err != nil {
				return err
			}
			began = time.Time{}
		}
	}
	return nil
}
