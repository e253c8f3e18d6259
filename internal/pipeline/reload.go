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

// maxNamed bounds how many rules a log line names.
const maxNamed = 10

// A Reloader follows the rule store and keeps the plan in force up to date: one change, one plan, one swap.
type Reloader struct {
	store   store.Store
	plans   *Plans
	monitor *tagger.Monitor
	told    Told
	log     *slog.Logger
	metrics *reloadMetrics

	set *engine.Set // the rules in force; Run's own
}

// NewReloader makes a reloader of plans. audit may be nil; told, unless nil, hears of each change.
func NewReloader(
	s store.Store, plans *Plans, audit *engine.Auditor, monitor *tagger.Monitor, told Told, log *slog.Logger, reg prometheus.Registerer,
) *Reloader {
	return &Reloader{
		store: s, plans: plans, monitor: monitor, told: told, log: log, metrics: newReloadMetrics(reg),
		set: engine.NewSet(audit),
	}
}

// Run makes the first plan when rules and states have been read, and then follows until ctx ends. While there is
// no rule at all there is no plan either: events that pass untagged because a volume is not mounted are lost for
// good. A file that
// is refused changes a metric and a log line, nothing else (I4).
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
		r.swap()
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
			if r.apply(c) {
				swapped := time.Now()
				g.Go(func() error { return r.tell(gctx, c, swapped) })
			}
		}
	})
	if err := g.Wait(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// apply makes a change effective and reports whether there is something to tell.
func (r *Reloader) apply(c store.Change) bool {
	switch c.Kind {
	case store.Loaded:
		if old := r.set.Rule(c.RuleID); old != nil && old.Same(c.Rule) {
			return false // loaded between Subscribe and Load
		}
		r.put(c.Rule)
	case store.Removed:
		r.set.Remove(c.RuleID)
	case store.StateChanged:
		rl := r.set.Rule(c.RuleID)
		if rl == nil || r.plans.Current() != nil && r.plans.Current().Standing(c.RuleID).Equal(r.store.State(c.RuleID).Standing()) {
			return false // the rule is not loaded, or the order was read before the first plan
		}
		r.put(rl)
	case store.Refused:
		r.log.Warn("rule file refused, what was in force stays", "err", c.Err)
		r.metrics.refused.Inc()
		return true
	}
	r.swap()
	return true
}

// put takes a rule into the set, under the order that is in force now.
func (r *Reloader) put(rl *rule.Rule) { r.set.Put(rl, r.store.State(rl.ID).Standing()) }

func (r *Reloader) swap() {
	plan := planOf(r.set, r.monitor)
	r.plans.Swap(plan)
	r.metrics.swapped(plan)
}

// tell says that a change is in effect, once no open batch works under an older plan.
func (r *Reloader) tell(ctx context.Context, c store.Change, swapped time.Time) error {
	if err := r.plans.Settle(ctx); err != nil {
		return nil //nolint:nilerr // asked to stop
	}
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
	return nil
}
