package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"ttpworker/internal/rule"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/engine"
)

// Told hears of a change that is in effect: no batch works under an older plan any more. swapped is when its plan
// was put in force. It is called from several goroutines.
type Told func(c store.Change, swapped time.Time)

// An Archive keeps rules, so that it can be told later why there is a tag. Add does not wait; Wait returns when all that was
// added is kept, or it does not make sense to wait any longer.
type Archive interface {
	Add(rules ...*rule.Rule)
	Wait(ctx context.Context)
}

// maxNamed bounds how many rules a log line names.
const maxNamed = 10

// A Reloader follows the rule store and keeps the plan in force up to date. Changes that wait together, such as those of
// a git checkout or of a Sigma filter, get into force by one plan.
type Reloader struct {
	store   store.Store
	plans   *Plans
	archive Archive
	monitor *tagger.Monitor
	told    Told
	log     *slog.Logger
	metrics *reloadMetrics

	set *ruleSet // the rules in force; Run's own
}

// NewReloader makes a reloader of plans. archive, unless nil, is given each rule before it gets into force; audit may be nil;
// told, unless nil, hears of each change.
func NewReloader(
	s store.Store, plans *Plans, archive Archive, audit *engine.Auditor, monitor *tagger.Monitor, told Told, log *slog.Logger, reg prometheus.Registerer,
) *Reloader {
	return &Reloader{
		store: s, plans: plans, archive: archive, monitor: monitor, told: told, log: log, metrics: newReloadMetrics(plans, reg),
		set: newRuleSet(audit, engine.NewFires(reg)),
	}
}

// Run makes the first plan when rules and states have been read, and then follows until ctx ends. While there is
// no rule at all there is no plan either, or one under which all partitions wait: events that pass untagged because a
// volume is not mounted, or its files are gone, are lost for good. A file that is refused changes a metric and a log line, nothing else (I4).
func (r *Reloader) Run(ctx context.Context) error {
	changes := r.store.Subscribe() // before the first load, so that nothing is lost in between
	defer changes.Close()
	rules, err := r.store.Load(ctx)
	if err != nil {
		return fmt.Errorf("loading rules: %w", err)
	}
	select {
	case <-r.store.Ready():
	case <-ctx.Done():
		return nil
	}
	for _, rl := range rules {
		r.put(rl)
	}
	if r.set.Len() == 0 {
		r.log.Warn("no rules yet: no event is taken before there are some")
	} else {
		r.swap(ctx)
		plan := r.plans.Current()
		r.log.Info("rules loaded", "rules", plan.Rules, "plan", plan.Digest, "index_bytes", plan.IndexBytes,
			"always_evaluated", plan.Always[:min(len(plan.Always), maxNamed)], "always_evaluated_rules", len(plan.Always))
	}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		for {
			c, err := changes.Next(gctx)
			switch {
			case ctx.Err() != nil || errors.Is(err, store.ErrClosed):
				return nil //nolint:nilerr // asked to stop
			case err != nil:
				return fmt.Errorf("following the rule store: %w", err)
			}
			changed := []store.Change{c}
			for more, waiting := changes.Poll(); waiting; more, waiting = changes.Poll() {
				changed = append(changed, more)
			}
			if told := r.apply(ctx, changed...); len(told) > 0 {
				swapped := time.Now()
				g.Go(func() error { return r.tell(gctx, told, swapped) })
			}
		}
	})
	if err := g.Wait(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// apply makes changes effective, all of them by one plan, and returns those that there is something to tell of. While
// there is no rule, and was none, there is no plan.
func (r *Reloader) apply(ctx context.Context, changes ...store.Change) (told []store.Change) {
	swap := false
	for _, c := range changes {
		switch {
		case c.Kind == store.Refused:
			r.log.Warn("rule file refused, what was in force stays", "err", c.Err)
			r.metrics.refused.Inc()
		case r.take(c):
			swap = true
		default:
			continue
		}
		told = append(told, c)
	}
	if swap && (r.set.Len() > 0 || r.plans.Current() != nil) {
		r.swap(ctx)
		if r.set.Len() == 0 {
			r.log.Warn("no rule is left: no event is taken before there is one")
		}
	}
	return told
}

// take takes a change into the set and reports whether it changes anything.
func (r *Reloader) take(c store.Change) bool {
	old := r.set.Rule(c.RuleID)
	switch c.Kind {
	case store.Loaded:
		if old != nil && old.Same(c.Rule) {
			return false // loaded between Subscribe and Load
		}
		r.put(c.Rule)
	case store.Removed:
		r.set.Remove(c.RuleID)
	case store.StateChanged:
		if old == nil || r.set.Order(c.RuleID).Equal(r.store.State(c.RuleID).Standing()) {
			return false // the rule is not loaded, or it was put in under this order
		}
		r.put(old)
	case store.Refused: // apply has told
		return false
	}
	return true
}

// put takes a rule into the set, under the order that is in force now.
func (r *Reloader) put(rl *rule.Rule) {
	if r.archive != nil {
		r.archive.Add(rl)
	}
	r.set.Put(rl, r.store.State(rl.ID).Standing())
}

// swap puts the set in force. The archive is written while the plan is made.
func (r *Reloader) swap(ctx context.Context) {
	plan := planOf(r.set, r.monitor)
	if r.archive != nil {
		r.archive.Wait(ctx)
	}
	r.plans.Swap(plan)
	r.metrics.swapped(plan)
}

// tell says that changes are in effect, in their order, once no open batch works under an older plan.
func (r *Reloader) tell(ctx context.Context, changes []store.Change, swapped time.Time) error {
	if err := r.plans.Settle(ctx); err != nil {
		return nil //nolint:nilerr // asked to stop
	}
	for _, c := range changes {
		r.tellOf(c, swapped)
	}
	return nil
}

func (r *Reloader) tellOf(c store.Change, swapped time.Time) {
	attrs := []any{"rule", c.RuleID, "settled_ms", time.Since(swapped).Milliseconds()}
	switch c.Kind {
	case store.Loaded:
		attrs = append(attrs, "path", c.Path, "digest", c.Rule.Digest)
		if c.Rule.Version != nil {
			attrs = append(attrs, "version", *c.Rule.Version)
		}
		r.log.Info("reloaded", attrs...)
	case store.Removed:
		r.log.Info("rule removed", append(attrs, "path", c.Path)...)
	case store.StateChanged:
		r.log.Info("rule state changed", append(attrs, "state", c.State.State, "reason", c.State.Reason, "set_by", c.State.SetBy)...)
	case store.Refused: // told at once, in apply
	}
	if r.told != nil {
		r.told(c, swapped)
	}
}
