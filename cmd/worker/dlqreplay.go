package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"ttpworker/internal/app"
	"ttpworker/internal/deadletter"
	"ttpworker/internal/kafka"
)

func newDLQReplay(g *globals) *cobra.Command {
	var which letterFlags
	var r deadletter.Replay
	var yes bool
	c := &cobra.Command{
		Use:   "replay",
		Short: "Put dead letters back where they came from, once what was wrong is mended",
		Long: "Put the records of dead letters back to the topic and partition they came from, as they were and at their own time, so\n" +
			"that they give the tags they would have given. Without --yes nothing is written: it shows what would be.\n\n" +
			"What was replayed is marked, in the same transaction, and left out the next time; a replay that was killed is just\n" +
			"begun anew. A second replay takes over from one that runs. Letters that would be dead letters again by the limits of\n" +
			"the configuration here are left out, so give the one that the workers have.\n\n" +
			"Exit code 3: some of the letters cannot be replayed.",
		Example: `  worker dlq replay --class unknown_schema --from 24h
  worker dlq replay --class unknown_schema --from 24h --yes`,
		Args: usageArgs(cobra.NoArgs),
	}
	which.add(c.Flags())
	f := c.Flags()
	f.BoolVar(&yes, "yes", false, "do it")
	f.IntVar(&r.Limit, "limit", 0, "replay so many at the most, to try it; 0 = all")
	f.BoolVar(&r.Again, "again", false, "replay those that were replayed before, too")
	f.BoolVar(&r.Force, "force", false, "replay those that would be dead letters again, too")
	f.StringVar(&r.By, "by", "", "who, for the record; default user@host")
	c.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		r.Filter, err = which.filter(time.Now())
		if r.Limit < 0 {
			err = errors.Join(err, fmt.Errorf("--limit %d is less than 0", r.Limit))
		}
		if err != nil {
			return usage(err)
		}
		r.By = cmp.Or(r.By, whoami())
		cfg, log, err := g.loadForKafka()
		if err != nil {
			return err
		}
		if bar := newProgress(-1, "dead letters", progressbar.OptionShowCount()); bar != nil {
			r.Progress = func(n int) { _ = bar.Add(n) }
			defer func() { _ = bar.Finish() }()
		}
		report, err := app.ReplayDeadLetters(cmd.Context(), cfg, log, r, yes)
		switch {
		case errors.Is(err, kafka.ErrTakenOver):
			err = fmt.Errorf("another replay of group %s was started and goes on instead; what this one had begun is not written: %w", cfg.Kafka.Group, err)
		case err != nil && report.Replayed == 0:
			return err
		}
		if printErr := printReport(g, cmd, report, yes); err == nil {
			err = printErr
		}
		if err == nil && len(report.Stuck) > 0 {
			err = &codedError{code: exitBadInput}
		}
		return err
	}
	return c
}

func printReport(g *globals, cmd *cobra.Command, r deadletter.Report, done bool) error {
	if g.json() {
		return printReportJSON(cmd.OutOrStdout(), r, done)
	}
	w, notes := cmd.OutOrStdout(), cmd.ErrOrStderr()
	if len(r.Groups) > 0 {
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "SOURCE\tCLASS\tLETTERS")
		for _, group := range r.Groups {
			fmt.Fprintf(t, "%s\t%s\t%d\n", group.Topic, escape(string(group.Class), maxShown), group.Letters)
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	for _, s := range r.Stuck {
		fmt.Fprintf(notes, "not replayed, %d: %s; the first is %s", s.Letters, s.Reason, s.Example)
		if s.Detail != "" {
			fmt.Fprintf(notes, " (%s)", escape(s.Detail, maxShown))
		}
		fmt.Fprintln(notes)
	}
	if r.Before > 0 {
		fmt.Fprintf(notes, "left out, %d: replayed before (--again replays them once more)\n", r.Before)
	}
	if r.Retimed > 0 {
		fmt.Fprintf(notes, "at the present time, %d: their own is more than an hour ahead, and brokers refuse that\n", r.Retimed)
	}
	if r.Old > 0 {
		fmt.Fprintf(notes, "old, %d: before the retention of their topic (retention.ms), so that Kafka may delete them before a worker reads them\n", r.Old)
	}
	var err error
	switch {
	case done:
		_, err = fmt.Fprintf(w, "replayed %s\n", count(r.Replayed, "dead letter"))
	case r.Replayed > 0:
		_, err = fmt.Fprintf(w, "would replay %s; nothing is written: add --yes to do it\n", count(r.Replayed, "dead letter"))
	default:
		_, err = fmt.Fprintln(w, "would replay nothing")
	}
	return err
}

func printReportJSON(w io.Writer, r deadletter.Report, done bool) error {
	type group struct {
		Source  string `json:"source"`
		Class   string `json:"class"`
		Letters int    `json:"letters"`
	}
	type stuck struct {
		Reason  string `json:"reason"`
		Letters int    `json:"letters"`
		Example string `json:"example"`
		Detail  string `json:"detail,omitempty"`
	}
	out := struct {
		Written  bool    `json:"written"`
		Replayed int     `json:"replayed"`
		Before   int     `json:"replayed_before"`
		Retimed  int     `json:"retimed"`
		Old      int     `json:"older_than_retention"`
		Groups   []group `json:"groups"`
		Stuck    []stuck `json:"not_replayed"`
	}{Written: done, Replayed: r.Replayed, Before: r.Before, Retimed: r.Retimed, Old: r.Old, Groups: []group{}, Stuck: []stuck{}}
	for _, g := range r.Groups {
		out.Groups = append(out.Groups, group{g.Topic, string(g.Class), g.Letters})
	}
	for _, s := range r.Stuck {
		out.Stuck = append(out.Stuck, stuck{s.Reason, s.Letters, s.Example.String(), s.Detail})
	}
	return writeJSON(w, out)
}
