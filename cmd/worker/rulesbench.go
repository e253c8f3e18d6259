package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"ttpworker/internal/app"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/quality"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

// benchFlags say on which events and for how long rules are measured.
type benchFlags struct {
	events string
	top    int
	time   time.Duration
}

func newRulesBench(g *globals, from *ruleFlags) *cobra.Command {
	var f benchFlags
	c := &cobra.Command{
		Use: "bench", Short: "Measure what each rule costs, and what all of them cost together", Args: usageArgs(cobra.NoArgs),
		Long: `Measure what each rule costs on the events of a file, or else on those of the rules' own tests, on one core. The
dearest come first. Figures are about the events of a rule's kinds, with derived fields; times are nanoseconds per event.
Rules with a lifter are left out:

  EVENTS      how many there are
  CANDIDATE   those that hold a literal or field without which the rule cannot match
  EVALUATED   those on which the condition of the rule was evaluated in the index of all rules: the candidates, or all
              events if there is nothing that each match has
  MATCHED     those on which the rule fired
  ALONE       the time of an index of this rule only, less that of an index that asks for nothing and reads the payload
  REFERENCE   the time of the plain evaluation on decoded payloads, one question after the other; decoding is left out
  MARGINAL    by how much the index of all rules is faster without the rule, of the --top dearest rules: that index is
              measured six times, and without the rule in between; < N means that it is less than those six differ

Of the parts of a measurement, three to ten, which together take about --time, the fastest counts: what else the machine
does makes the others slower. On Linux it is processor time that is measured, elsewhere the time on the clock. Where all events take longer than --time, it is about some of them, evenly spaced. The sum of ALONE is more than what all rules
cost together, since an index looks at a text once for all rules; MARGINAL of several rules that share what is dear is low
for each of them. The last line is about tagging as in a worker, tags included, without decoding of records.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return interruptible(cmd.Context(), func() error { return bench(cmd, g, from, f) })
		},
	}
	c.Flags().StringVar(&f.events, "events", "", "`file` of events: lines of JSON as worker tag reads them; - for standard input; without it those of the rules' tests")
	c.Flags().IntVar(&f.top, "top", 20, "show so many rules, 0 = all; JSON has all of them")
	c.Flags().DurationVar(&f.time, "time", 20*time.Millisecond, "how long one measurement takes, about")
	return c
}

func bench(cmd *cobra.Command, g *globals, from *ruleFlags, f benchFlags) error {
	if f.top < 0 || f.time <= 0 {
		return usage(fmt.Errorf("--top %d, --time %v: the first must not be negative, the second more than 0", f.top, f.time))
	}
	cfg, _, err := g.load()
	if err != nil {
		return err
	}
	set, err := from.read(cfg)
	if err != nil {
		return err
	}
	tell(cmd.ErrOrStderr(), set)
	if len(set.Rules) == 0 {
		return errors.Join(errors.New("no rule to measure"), set.Faults)
	}
	if f.top == 0 {
		f.top = len(set.Rules)
	}
	events, bad, err := benchEvents(cmd, cfg, set.Rules, f.events)
	if err != nil {
		return err
	}
	if len(events) == 0 {
		return errors.New("no event to measure with: give --events FILE, or rules with tests")
	}
	costs, err := quality.Bench(cmd.Context(), set.Rules, events, quality.Measure{Time: f.time, Marginal: f.top})
	if err != nil {
		return err
	}
	if g.json() {
		err = writeJSON(cmd.OutOrStdout(), benchReport(costs))
	} else {
		err = tellCosts(cmd.OutOrStdout(), costs, f.top)
	}
	if err == nil && (bad > 0 || set.Faults != nil) {
		return &codedError{code: exitBadInput}
	}
	return err
}

// benchEvents reads the events of a file, or takes those of the rules' tests.
func benchEvents(cmd *cobra.Command, cfg app.Config, rules []*rule.Rule, file string) (events []tagger.TaggerEvent, bad int, err error) {
	if file == "" {
		for _, r := range rules {
			for _, t := range r.Tests {
				events = append(events, tagger.TaggerEvent{SourceKind: t.Kind, SourceID: r.ID + ": " + t.Name, Payload: t.Payload})
			}
		}
		return events, 0, nil
	}
	dec, err := wire.NewDecoder(cfg.Limits.Limits)
	if err != nil {
		return nil, 0, err
	}
	in, done, err := input(cmd, []string{file})
	if err != nil {
		return nil, 0, err
	}
	defer done()
	return pipeline.ReadLines(cmd.Context(), dec, in, func(line int, err error) { fmt.Fprintf(cmd.ErrOrStderr(), "line %d: %v\n", line, err) })
}

// tellCosts shows the first rules, and what all rules cost.
func tellCosts(w io.Writer, costs *quality.Costs, top int) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "RULE\tEVENTS\tCANDIDATE\tEVALUATED\tMATCHED\tALONE\tREFERENCE\tMARGINAL\t")
	for i := range costs.Rules[:min(top, len(costs.Rules))] {
		c := &costs.Rules[i]
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%.0f\t%.0f\t%s\t\n", c.Rule.ID, c.Events, c.Candidate, c.Evaluated, c.Matched, c.Alone, c.Reference, marginal(c))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d rules, %d events, %d tags, %.0f events/s on one core\n", len(costs.Rules), costs.Events, costs.Tags, costs.Second)
	return err
}

func marginal(c *quality.Cost) string {
	switch {
	case c.Noise == 0:
		return "-"
	case c.Marginal == 0:
		return fmt.Sprintf("< %.0f", c.Noise)
	}
	return strconv.FormatFloat(c.Marginal, 'f', 0, 64)
}

// benchReport is all rules, for machines. Times are in nanoseconds per event.
func benchReport(costs *quality.Costs) any {
	type row struct {
		RuleID    string   `json:"rule_id"`
		Events    int      `json:"events"`
		Candidate int      `json:"candidate"`
		Evaluated int      `json:"evaluated"`
		Matched   int      `json:"matched"`
		Alone     float64  `json:"alone_ns"`
		Reference float64  `json:"reference_ns"`
		Marginal  *float64 `json:"marginal_ns"` // null = not measured
		Noise     *float64 `json:"marginal_noise_ns"`
	}
	rows := make([]row, len(costs.Rules))
	for i := range costs.Rules {
		c := &costs.Rules[i]
		rows[i] = row{c.Rule.ID, c.Events, c.Candidate, c.Evaluated, c.Matched, c.Alone, c.Reference, nil, nil}
		if c.Noise > 0 {
			rows[i].Marginal, rows[i].Noise = &c.Marginal, &c.Noise
		}
	}
	return map[string]any{"rules": rows, "events": costs.Events, "tags": costs.Tags, "events_per_second": costs.Second}
}
