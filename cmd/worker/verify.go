package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ttpworker/internal/app"
	"ttpworker/internal/kafka"
	"ttpworker/internal/verify"
)

// verifyFlags say what to verify.
type verifyFlags struct {
	from, to, states  string
	topics, rules     []string
	partition         int32
	parallel, samples int
}

func newVerify(g *globals) *cobra.Command {
	var f verifyFlags
	c := &cobra.Command{
		Use:   "verify",
		Short: "Say whether the tags of a range of history are those that the rules give now",
		Long: "Read events and tags of a range and report every tag that is missing, extra, different or in the wrong topic against\n" +
			"the rules of the configuration, under the operators' orders of the state topic. Nothing is written. A range ends where\n" +
			"the group of the live workers is (kafka.group): what lies behind is still theirs.\n\n" +
			"Exit code 0: there is no difference; 1: there is one, or it could not be told; 3: none, but rule files are bad.",
		Example: `  worker verify --from 24h
  worker verify --from 2026-01-31T00:00:00Z --to 2026-02-01T00:00:00Z --rules R0014 --output json
  worker verify --partition 3 --from 120000 --to 130000`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			job, err := f.job(time.Now())
			if err != nil {
				return usage(err)
			}
			return runVerify(cmd, g, job, f.states == ignoreStates)
		},
	}
	p := c.Flags()
	p.StringVar(&f.from, "from", "earliest", "`where` to begin: earliest, a time (RFC 3339) or how long ago (24h); an offset with --partition")
	p.StringVar(&f.to, "to", "now", "`where` to end, not included: now, or as for --from; not beyond the live workers' position")
	p.StringSliceVar(&f.topics, "topic", nil, "only events of these `topics`; default: all of input.topics, one after the other")
	p.Int32Var(&f.partition, "partition", -1, "only this `partition` of the input; -1 = all")
	p.StringSliceVar(&f.rules, "rules", nil, "only tags of the rules with these `ids`")
	p.StringVar(&f.states, "states", statesAsNow, "`as-now`: under the operators' orders in force; ignore: as if there were none")
	p.IntVar(&f.parallel, "parallel", 1, "partitions at the same time; each takes memory for the tags of its range")
	p.IntVar(&f.samples, "samples", 5, "differences of each kind to show")
	return c
}

// What --states takes.
const (
	statesAsNow  = "as-now"
	ignoreStates = "ignore"
)

// job is what the flags say.
func (f *verifyFlags) job(now time.Time) (verify.Job, error) {
	job := verify.Job{Topics: f.topics, Partition: f.partition, Rules: f.rules, Parallel: f.parallel, Samples: f.samples}
	var errs []error
	var err error
	if job.From, err = kafka.ParseMoment(f.from, now); err != nil {
		errs = append(errs, fmt.Errorf("--from: %w", err))
	}
	if job.To, err = kafka.ParseMoment(f.to, now); err != nil {
		errs = append(errs, fmt.Errorf("--to: %w", err))
	}
	if job.From.After(job.To) {
		errs = append(errs, fmt.Errorf("--from %s lies behind --to %s", f.from, f.to))
	}
	if f.partition < 0 && (job.From.IsOffset() || job.To.IsOffset()) {
		errs = append(errs, errors.New("an offset as --from or --to needs --partition"))
	}
	if f.partition < -1 {
		errs = append(errs, fmt.Errorf("--partition %d is less than -1", f.partition))
	}
	if f.states != statesAsNow && f.states != ignoreStates {
		errs = append(errs, fmt.Errorf("--states %q: %s or %s", f.states, statesAsNow, ignoreStates))
	}
	if f.parallel < 1 {
		errs = append(errs, fmt.Errorf("--parallel %d is less than 1", f.parallel))
	}
	if f.samples < 0 {
		errs = append(errs, fmt.Errorf("--samples %d is less than 0", f.samples))
	}
	return job, errors.Join(errs...)
}

// checkTopics reports topics that are no input, and offsets that say not of which they are.
func checkTopics(cfg app.Config, topics []string, from, to kafka.Moment) error {
	inputs := cfg.InputTopics()
	for _, t := range topics {
		if !slices.Contains(inputs, t) {
			return fmt.Errorf("--topic %q is not among the input topics (input.topics): %s", t, strings.Join(inputs, ", "))
		}
	}
	if (from.IsOffset() || to.IsOffset()) && len(topics) != 1 && len(inputs) > 1 {
		return errors.New("an offset as --from or --to needs one --topic, as there are several input topics")
	}
	return nil
}

func runVerify(cmd *cobra.Command, g *globals, job verify.Job, ignore bool) error {
	cfg, log, err := g.loadForKafka()
	if err != nil {
		return err
	}
	if err := checkTopics(cfg, job.Topics, job.From, job.To); err != nil {
		return usage(err)
	}
	set, err := app.ReadLiveRules(cfg)
	if err != nil {
		return err
	}
	tell(cmd.ErrOrStderr(), set)
	for _, id := range job.Rules {
		if !set.Has(id) {
			fmt.Fprintf(cmd.ErrOrStderr(), "there is no rule %s (any more): each of its tags is extra\n", id)
		}
	}
	if bar := newProgress(1, "verifying"); bar != nil {
		job.OnProgress = func(done, total uint64) { bar.ChangeMax64(int64(total)); _ = bar.Set64(int64(done)) } //nolint:gosec // sums of offsets
		defer func() { _ = bar.Finish() }()
	}
	v, err := app.Verify(cmd.Context(), cfg, log, set.Rules, ignore, job)
	if err != nil {
		return interrupted(cmd.Context(), err)
	}
	show := printVerification
	if g.json() {
		show = func(out, _ io.Writer, v *app.Verification) error { return printVerificationJSON(out, v) }
	}
	if err := show(cmd.OutOrStdout(), cmd.ErrOrStderr(), &v); err != nil {
		return err
	}
	switch {
	case v.Differences() > 0:
		return &codedError{code: exitFailure}
	case set.Faults != nil:
		return &codedError{code: exitBadInput}
	}
	return nil
}
