package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"ttpworker/internal/app"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
)

// settleWait is how long live workers may take to come under a plan with the order, unless a flag says so.
const settleWait = time.Minute

// newStateMove makes the command that gives an order and retags the rule's past under it.
func newStateMove(g *globals, name string, to tagger.State, short string) *cobra.Command {
	var r retagFlags
	var reason, by string
	c := &cobra.Command{
		Use:   name + " RULE_ID",
		Short: short,
		Long: short + ".\n\n" +
			"It gives the order, waits until the group's commits say of every partition that live workers are under it, and retags\n" +
			"the rule over the range (see worker retag, which shows with --dry-run --rules RULE_ID what is there). The rules of the\n" +
			"configuration here must be those of the live workers.",
		Args: usageArgs(cobra.ExactArgs(1)),
	}
	r.addRange(c.Flags())
	r.Wait, r.Settled = settleWait, true
	c.Flags().Lookup("wait").DefValue = settleWait.String()
	c.Flags().StringVar(&reason, "reason", "", "why, for people")
	c.Flags().StringVar(&by, "by", "", "who, default user@host")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		order := store.State{RuleID: args[0], State: to, Reason: reason, SetBy: cmp.Or(by, whoami())}
		r.Rules = []string{order.RuleID}
		if err := errors.Join(order.Validate(), r.check(time.Now())); err != nil {
			return usage(err)
		}
		cfg, log, err := g.loadForKafka()
		if err != nil {
			return err
		}
		set, err := app.ReadLiveRules(cfg)
		if err = cmp.Or(err, set.Faults); err != nil {
			return err
		}
		if !set.Has(order.RuleID) {
			return fmt.Errorf("no rule %s is in %s: nothing was ordered", order.RuleID, cfg.RuleStore.Dir)
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), stateTimeout)
		defer cancel()
		err = app.WithStates(ctx, cfg, log, func(s *store.States) error {
			if now := s.State(order.RuleID).State; to == tagger.Enabled && (now == tagger.Disabled || now == tagger.Clipped) {
				return fmt.Errorf("rule %s is %s, and not on trial (shadow): nothing was ordered. `worker state clear %[1]s` takes that order back", order.RuleID, now)
			}
			return s.SetState(ctx, order)
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%s is %s\n", order.RuleID, to)
		if err = r.run(cmd, g, cfg, log); err != nil && !r.began {
			err = fmt.Errorf("%w\nThe order holds. For the past, give this command again", err)
		}
		return err
	}
	return c
}
