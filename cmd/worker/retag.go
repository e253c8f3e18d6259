package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ttpworker/internal/app"
	"ttpworker/internal/kafka"
	"ttpworker/internal/retag"
)

// retagFlags say what to retag.
type retagFlags struct {
	app.Retag

	from, to, states     string
	memory               int // MiB
	maxAdded, maxRemoved int
	flags                *pflag.FlagSet

	began bool // there is a job to go on with
}

func newRetag(g *globals) *cobra.Command {
	var r retagFlags
	c := &cobra.Command{
		Use:   "retag",
		Short: "Make the tags of past events what the rules of now give",
		Long: "Replay the events of a range under the rules of the configuration and the operators' states, and write what differs from\n" +
			"the tags that are there: tags that are missing, tags that are different, tombstones for those that do not hold any more.\n" +
			"Live workers go on meanwhile; what they have read when it begins is the end of the range, however late --to is.\n\n" +
			"It says the id of its job. A job that was stopped or killed goes on with --job ID, and the same command given elsewhere\n" +
			"shares the work. It has to have the same rules and states then.\n\n" +
			"--dry-run writes nothing and says what would be. With --rules-dir the rules there are held against those of the\n" +
			"configuration, whatever is in the topics: what an edit would do to the past. Exit code 4: more than --max-added or\n" +
			"--max-removed would change.",
		Example: `  worker retag --from 720h --rules R0012,R0014 --dry-run
  worker retag --from 2026-01-01T00:00:00Z --to 2026-02-01T00:00:00Z
  worker retag --from 720h --dry-run --rules-dir ../candidate --max-removed 0`,
		Args: usageArgs(cobra.NoArgs),
	}
	r.add(c.Flags())
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := r.check(time.Now()); err != nil {
			return usage(err)
		}
		cfg, log, err := g.loadForKafka()
		if err != nil {
			return err
		}
		return r.run(cmd, g, cfg, log)
	}
	return c
}

// run does it and prints what it came to.
func (r *retagFlags) run(cmd *cobra.Command, g *globals, cfg app.Config, log *slog.Logger) error {
	if err := checkTopics(cfg, r.Topics, r.From, r.To); err != nil {
		return usage(err)
	}
	done := r.show(cmd.ErrOrStderr(), cfg.Kafka.SessionTimeout)
	out, err := app.RetagHistory(cmd.Context(), cfg, log, r.Retag)
	done()
	err = interrupted(cmd.Context(), err)
	if err != nil && (!r.began || r.DryRun) {
		return err
	}
	if printErr := printRetag(g, cmd.OutOrStdout(), cmd.ErrOrStderr(), &out, r.DryRun); err == nil {
		err = printErr
	}
	if err != nil && !r.DryRun && !errors.Is(err, retag.ErrSetBack) {
		return fmt.Errorf("%w\nThe job is not done. Go on with it, under the same configuration: worker retag --job %s%s", err, out.Job.ID, r.sameAgain())
	}
	return cmp.Or(err, r.exceeded(out.Report.Total()))
}

// sameAgain are the flags that a job needs again.
func (r *retagFlags) sameAgain() string {
	text := ""
	if len(r.Rules) > 0 {
		text += " --rules " + strings.Join(r.Rules, ",")
	}
	if r.Ignore {
		text += " --states " + ignoreStates
	}
	return text
}

func (r *retagFlags) add(f *pflag.FlagSet) {
	r.addRange(f)
	for _, name := range []string{"from", "to"} {
		f.Lookup(name).Usage += "; an offset with --partition"
	}
	f.StringSliceVar(&r.Topics, "topic", nil, "only events of these `topics`; default: all of input.topics")
	f.Int32SliceVar(&r.Partitions, "partition", nil, "only these `partitions` of the input; default: all")
	f.Lookup("partition").DefValue = "" // which help leaves out
	f.StringSliceVar(&r.Rules, "rules", nil, "only tags of the rules with these `ids`")
	f.StringVar(&r.Job, "job", "", "go on with the job of this `id`, or share it")
	f.BoolVar(&r.DryRun, "dry-run", false, "write nothing, say what would be")
	f.StringArrayVar(&r.Candidate, "rules-dir", nil, "with --dry-run: hold the rules in this `directory` against those of the configuration; may be given several times")
	f.StringVar(&r.states, "states", statesAsNow, "`as-now`, or ignore: as if operators had ordered nothing")
	f.IntVar(&r.maxAdded, "max-added", -1, "with --dry-run: exit code 4 if more `tags` would be added; -1 = any number may")
	f.IntVar(&r.maxRemoved, "max-removed", -1, "with --dry-run: exit code 4 if more `tags` would be removed; -1 = any number may")
}

// addRange adds the flags that a promotion has, too.
func (r *retagFlags) addRange(f *pflag.FlagSet) {
	r.flags, r.states, r.maxAdded, r.maxRemoved = f, statesAsNow, -1, -1
	f.StringVar(&r.from, "from", "earliest", "`where` to begin: earliest, a time (RFC 3339) or how long ago (24h)")
	f.StringVar(&r.to, "to", "now", "`where` to end, not included: now, or as for --from")
	f.DurationVar(&r.Wait, "wait", 10*time.Second, "`how long` to wait for live workers to come under the rules and states of now")
	f.IntVar(&r.memory, "memory", 1024, "`MiB` for the indexes of tags that are there and that are written, 64 bytes each at the most; what is more goes to --tmp")
	f.StringVar(&r.Dir, "tmp", "", "`directory` for what is more than --memory; default: the system's for temporary files")
}

// check completes what the flags say, and reports all that does not fit together.
func (r *retagFlags) check(now time.Time) error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, m := range []struct {
		flag, text string
		into       *kafka.Moment
	}{{"--from", r.from, &r.From}, {"--to", r.to, &r.To}} {
		var err error
		if *m.into, err = kafka.ParseMoment(m.text, now); err != nil {
			fault("%s: %w", m.flag, err)
		} else if m.into.IsOffset() && r.flags.Lookup("partition") == nil {
			fault("%s %s: an offset means something in one partition, and this is about all: give a time, or how long ago", m.flag, m.text)
		} else if m.into.IsOffset() && len(r.Partitions) != 1 {
			fault("%s: an offset means something in one partition: add --partition, with one", m.flag)
		}
	}
	if r.From.After(r.To) {
		fault("--from %s lies behind --to %s", r.from, r.to)
	}
	if r.Ignore = r.states == ignoreStates; !r.Ignore && r.states != statesAsNow {
		fault("--states %q: %s or %s", r.states, statesAsNow, ignoreStates)
	}
	if r.memory < 1 {
		fault("--memory %d is less than 1", r.memory)
	}
	r.Memory = int64(r.memory) << 20
	if info, err := os.Stat(r.Dir); r.Dir != "" && (err != nil || !info.IsDir()) {
		fault("--tmp %s is no directory", r.Dir)
	}
	if r.Wait < 0 {
		fault("--wait %s is less than 0", r.Wait)
	}
	if len(r.Candidate) > 0 && !r.DryRun {
		fault("--rules-dir compares rules: it needs --dry-run")
	}
	if !r.DryRun && (r.maxAdded >= 0 || r.maxRemoved >= 0) {
		fault("--max-added and --max-removed need --dry-run: what is written is written")
	}
	if min(r.maxAdded, r.maxRemoved) < -1 {
		fault("--max-added and --max-removed are -1, for any number, or more")
	}
	// An empty flag, as of a variable of a script that is not set, must not mean everything.
	for _, f := range []struct {
		name  string
		empty bool
	}{{"rules", len(r.Rules) == 0}, {"topic", len(r.Topics) == 0}, {"job", r.Job == ""}} {
		if f.empty && r.flags.Changed(f.name) {
			fault("--%s is empty: say which, or leave it out", f.name)
		}
	}
	if r.Job != "" {
		for _, name := range []string{"from", "to", "topic", "partition", "dry-run", "rules-dir"} {
			if r.flags.Changed(name) {
				fault("--job goes on with a job whose range is decided: leave out --%s", name)
			}
		}
	}
	return errors.Join(errs...)
}

// show tells of the job when it begins, and of its progress where somebody watches. Call done when it is over.
func (r *retagFlags) show(w io.Writer, sessionTimeout time.Duration) (done func()) {
	var bar *progressbar.ProgressBar
	r.Waits = func(digest string) {
		fmt.Fprintf(w, "live workers are not all under plan %s yet: waiting for them, %s at the most\n", digest, r.Wait)
	}
	r.Began = func(job *retag.Job) {
		r.began = true
		if !r.DryRun {
			fmt.Fprintf(w, "job %s: %d offsets in %s\n", job.ID, job.Events(), count(len(job.Parts), "partition"))
		}
		if r.Job != "" {
			fmt.Fprintf(w, "a process of it that was killed keeps its partitions for %s (kafka.session_timeout)\n", sessionTimeout)
		}
		bar = newProgress(job.Events(), "events", progressbar.OptionShowCount(), progressbar.OptionShowIts(),
			progressbar.OptionSetItsString("events"), progressbar.OptionSetPredictTime(true))
	}
	r.Progress = func(offsets int64) {
		if bar != nil {
			_ = bar.Set64(offsets)
		}
	}
	return func() {
		if bar != nil {
			_ = bar.Finish()
		}
	}
}

// exceeded is the end with code 4.
func (r *retagFlags) exceeded(total retag.Counts) error {
	var errs []error
	if r.maxAdded >= 0 && total.Added > r.maxAdded {
		errs = append(errs, fmt.Errorf("%d tags would be added, more than %d (--max-added)", total.Added, r.maxAdded))
	}
	if r.maxRemoved >= 0 && total.Removed > r.maxRemoved {
		errs = append(errs, fmt.Errorf("%d tags would be removed, more than %d (--max-removed)", total.Removed, r.maxRemoved))
	}
	if len(errs) > 0 {
		return &codedError{exitLimit, errors.Join(errs...)}
	}
	return nil
}
