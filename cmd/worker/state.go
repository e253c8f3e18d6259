package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"ttpworker/internal/app"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
)

// stateTimeout bounds a state command: reading the topic, and for set and clear reading the order back.
const stateTimeout = 30 * time.Second

func newState(g *globals) *cobra.Command {
	return group("state", "Read and give orders about rules, through the state topic",
		newStateGet(g),
		stateCommand(g, &cobra.Command{
			Use: "list", Short: "Print all rules that are not in the default state", Args: usageArgs(cobra.NoArgs),
		}, func(_ context.Context, w io.Writer, s *store.States, _ []string) error {
			orders := slices.DeleteFunc(s.Orders(), func(o store.State) bool { return o.Standing().Equal(tagger.DefaultStanding()) })
			return printStates(g, w, orders)
		}),
		newStateSet(g),
		newStateClear(g),
		newStateMove(g, "promote", tagger.Enabled, "Trust a rule on trial: enable it and move its tags of the past to the others"),
		newStateMove(g, "demote", tagger.Shadow, "Put a rule on trial: set it to shadow and move its tags of the past away from the others"))
}

func newStateGet(g *globals) *cobra.Command {
	c := &cobra.Command{Use: "get RULE_ID", Short: "Print the state in force of a rule", Args: usageArgs(cobra.ExactArgs(1))}
	return stateCommand(g, c, func(ctx context.Context, w io.Writer, s *store.States, args []string) error {
		return showState(ctx, g, c, w, s, args[0])
	})
}

func newStateSet(g *globals) *cobra.Command {
	var forTime time.Duration
	var until, reason, by string
	var ceiling float64
	c := &cobra.Command{
		Use:   "set RULE_ID enabled|disabled|clipped|shadow",
		Short: "Give an order about a rule; every replica follows within a second",
		Example: `  worker state set R0012 disabled --for 2h --reason "noisy scanner in segment 4"
  worker state set R0011 clipped --confidence-max 0.3`,
		Args: usageArgs(cobra.ExactArgs(2)),
	}
	f := c.Flags()
	f.DurationVar(&forTime, "for", 0, "how long it holds, e.g. 2h; then the rule goes back to enabled")
	f.StringVar(&until, "until", "", "until when it holds, RFC 3339 `time`")
	f.Float64Var(&ceiling, "confidence-max", 0, "ceiling of the confidence, 0 to 1; for clipped and shadow")
	f.StringVar(&reason, "reason", "", "why, for people")
	f.StringVar(&by, "by", "", "who, default user@host")
	var order store.State
	c.PreRunE = func(_ *cobra.Command, args []string) (err error) { // before Kafka is asked for anything
		order = store.State{RuleID: args[0], State: tagger.State(args[1]), Reason: reason, SetBy: cmp.Or(by, whoami())}
		if f.Changed("confidence-max") {
			order.ConfidenceMax = &ceiling
		}
		if f.Changed("for") && forTime <= 0 {
			return usage(fmt.Errorf("--for %s: want more than 0", forTime))
		}
		order.ExpiresAt, err = expiry(forTime, until)
		return usage(errors.Join(err, order.Validate()))
	}
	return stateCommand(g, c, func(ctx context.Context, w io.Writer, s *store.States, _ []string) error {
		return give(ctx, g, c, w, s, order)
	})
}

// warnUnlessLive tells whoever mistyped a rule id.
func warnUnlessLive(ctx context.Context, g *globals, w io.Writer, id string) error {
	cfg, log, err := g.loadForKafka()
	if err != nil {
		return err
	}
	switch live, err := app.LiveRules(ctx, cfg, log); {
	case err != nil: // it is no more than a warning
		fmt.Fprintf(w, "whether rule %s is live could not be read: %v\n", id, err)
	case !live[id]:
		fmt.Fprintf(w, "no rule %s is live (%s): this holds if it comes\n", id, cfg.Topics.Reloaded.Name)
	}
	return nil
}

// expiry is when an order ends; the zero time = never.
func expiry(forTime time.Duration, until string) (time.Time, error) {
	switch {
	case forTime > 0 && until != "":
		return time.Time{}, errors.New("--for and --until are two ways to say one thing: give one")
	case forTime > 0:
		return time.Now().Add(forTime), nil
	case until == "":
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, until)
	if err != nil {
		return time.Time{}, fmt.Errorf("--until %q is not RFC 3339, such as 2026-01-31T15:04:05Z", until)
	}
	if !t.After(time.Now()) {
		return time.Time{}, fmt.Errorf("--until %s is over", until)
	}
	return t, nil
}

func newStateClear(g *globals) *cobra.Command {
	var reason, by string
	c := &cobra.Command{Use: "clear RULE_ID", Short: "Put a rule back to the default: enabled, no ceiling", Args: usageArgs(cobra.ExactArgs(1))}
	c.Flags().StringVar(&reason, "reason", "", "why, for people")
	c.Flags().StringVar(&by, "by", "", "who, default user@host")
	return stateCommand(g, c, func(ctx context.Context, w io.Writer, s *store.States, args []string) error {
		return give(ctx, g, c, w, s, store.State{RuleID: args[0], State: tagger.Enabled, Reason: reason, SetBy: cmp.Or(by, whoami())})
	})
}

func give(ctx context.Context, g *globals, c *cobra.Command, w io.Writer, s *store.States, order store.State) error {
	if err := s.SetState(ctx, order); err != nil {
		return err
	}
	return showState(ctx, g, c, w, s, order.RuleID)
}

// showState prints the state of a rule, and whether there is such a rule.
func showState(ctx context.Context, g *globals, c *cobra.Command, w io.Writer, s *store.States, id string) error {
	if err := printStates(g, w, []store.State{s.State(id)}); err != nil {
		return err
	}
	return warnUnlessLive(ctx, g, c.ErrOrStderr(), id)
}

// stateCommand gives c a body that runs job on the states read from the topic.
func stateCommand(
	g *globals, c *cobra.Command, job func(context.Context, io.Writer, *store.States, []string) error,
) *cobra.Command {
	c.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, log, err := g.loadForKafka()
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), stateTimeout)
		defer cancel()
		return app.WithStates(ctx, cfg, log, func(s *store.States) error { return job(ctx, cmd.OutOrStdout(), s, args) })
	}
	return c
}

func printStates(g *globals, w io.Writer, states []store.State) error {
	if g.json() {
		type row struct {
			RuleID        string     `json:"rule_id"`
			State         string     `json:"state"`
			ConfidenceMax *float64   `json:"confidence_max"`
			ExpiresAt     *time.Time `json:"expires_at"`
			Reason        string     `json:"reason"`
			SetBy         string     `json:"set_by"`
			SetAt         *time.Time `json:"set_at"`
			StateID       string     `json:"state_id"`
		}
		rows := make([]row, len(states))
		for i, s := range states {
			rows[i] = row{s.RuleID, string(s.State), s.ConfidenceMax, orNil(s.ExpiresAt), s.Reason, s.SetBy, orNil(s.SetAt), s.StateID}
		}
		return writeJSON(w, rows)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "RULE\tSTATE\tCEILING\tEXPIRES\tSET BY\tREASON")
	for _, s := range states {
		ceiling, expires := "-", "-"
		if s.ConfidenceMax != nil {
			ceiling = fmt.Sprint(*s.ConfidenceMax)
		}
		if !s.ExpiresAt.IsZero() {
			expires = s.ExpiresAt.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", s.RuleID, s.State, ceiling, expires, cmp.Or(s.SetBy, "-"), cmp.Or(s.Reason, "-"))
	}
	return t.Flush()
}

func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func whoami() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return name + "@" + host
}

// discard is a logger that says nothing.
func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
