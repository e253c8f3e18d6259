package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"ttpworker/internal/app"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

func newTag(g *globals) *cobra.Command {
	var from ruleFlags
	var states, format string
	c := &cobra.Command{
		Use:   "tag [FILE|-]",
		Short: "Tag events from a file or standard input, without Kafka",
		Long: "Read events as lines of JSON, write their tags as lines of JSON in input order. A bad line goes to standard\n" +
			"error with its number, the rest goes on, and the exit code is 3 at the end. A missing source_id is line:<n>.\n\n" +
			"With --format cowrie the lines are those of the honeypot's cowrie.json; docs/cowrie.md says what becomes of them.\n\n" +
			"Without --rules: the rules of the configuration, else ./rules/ttp, else the rules in the binary.",
		Example: `  printf '{"source_kind":"command","payload":{"command_text":"cat /etc/shadow"}}\n' | worker tag`,
		Args:    usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return interruptible(cmd.Context(), func() error { return tag(cmd, g, &from, states, format, args) })
		},
	}
	from.add(c.Flags())
	c.Flags().StringVar(&states, "states", "", "operator states, YAML or JSON `file`: rule_id -> {state, confidence_max, expires_at}")
	c.Flags().StringVar(&format, "format", "", "`format` of the lines: tagger_event or cowrie (default: input.format of the configuration)")
	return c
}

// tag reads rules, makes a plan of them and tags the lines of the input.
func tag(cmd *cobra.Command, g *globals, from *ruleFlags, states, format string, args []string) error {
	cfg, log, err := g.load()
	if err != nil {
		return err
	}
	if format != "" {
		cfg.Input.Format = wire.Format(format)
	}
	if err := cfg.Input.Format.Validate(); err != nil {
		return usage(fmt.Errorf("--format: %w", err))
	}
	set, err := from.read(cfg)
	if err != nil {
		return err
	}
	if errors.Is(set.Faults, app.ErrNoDirectory) {
		return set.Faults
	}
	tell(cmd.ErrOrStderr(), set)
	standing, err := app.LoadStates(states, time.Now())
	if err != nil {
		return err
	}
	dec, err := wire.NewDecoderOf(cfg.Input.Format, cfg.Limits.Limits)
	if err != nil {
		return err
	}
	in, done, err := input(cmd, args)
	if err != nil {
		return err
	}
	defer done()
	plan := pipeline.NewPlan(set.Rules, standing, tagger.NewMonitor(log, prometheus.NewRegistry()))
	bad := func(line int, err error) { fmt.Fprintf(cmd.ErrOrStderr(), "line %d: %v\n", line, err) }
	sum, err := pipeline.TagLines(cmd.Context(), plan, dec, in, cmd.OutOrStdout(), bad)
	if err != nil {
		return err
	}
	switch {
	case sum.Bad > 0 && sum.Events+sum.Skipped == 0:
		return &codedError{exitBadInput, fmt.Errorf("no line is an event of the format %s; --format has %s", cfg.Input.Format, wire.FormatNames())}
	case sum.Bad > 0 || set.Faults != nil:
		return &codedError{code: exitBadInput}
	}
	return nil
}

// interruptible runs job and returns when it does, or at once when ctx ends: a job that waits for somebody to type
// hears nothing, nor does one that compiles many rules. It is then left behind, since the process ends.
func interruptible(ctx context.Context, job func() error) error {
	done := make(chan error, 1)
	go func() { done <- job() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errors.New("interrupted")
	}
}

// input opens what the argument names; a file shows its progress where somebody watches.
func input(cmd *cobra.Command, args []string) (io.Reader, func(), error) {
	if len(args) == 0 || args[0] == "-" {
		return cmd.InOrStdin(), func() {}, nil
	}
	f, err := os.Open(args[0])
	if err != nil {
		return nil, nil, err
	}
	closeFile := func() { _ = f.Close() } // only read from
	info, err := f.Stat()
	if err != nil {
		closeFile()
		return nil, nil, err
	}
	bar := newProgress(info.Size(), "reading", progressbar.OptionShowBytes(true))
	if bar == nil {
		return f, closeFile, nil
	}
	reader := progressbar.NewReader(f, bar)
	return &reader, func() { _ = bar.Finish(); closeFile() }, nil
}
