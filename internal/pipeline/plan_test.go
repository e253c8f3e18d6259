package pipeline_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"ttpworker/internal/pipeline"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

func rules(all ...*rule.Rule) []*rule.Rule { return all }

func TestPlansOfTheSameInputsHaveTheSameDigest(t *testing.T) {
	t.Parallel()
	a, b := newPlan(parse(t, "R1", 1, "x"), parse(t, "R2", 1, "y")), newPlan(parse(t, "R2", 1, "y"), parse(t, "R1", 1, "x"))
	if a.Digest != b.Digest || len(a.Digest) != 64 || a.Rules != 2 {
		t.Errorf("digests %s and %s of %d rules, want equal ones of 64 digits of 2", a.Digest, b.Digest, a.Rules)
	}
	under := func(s tagger.Standing) string {
		return pipeline.NewPlan(rules(parse(t, "R1", 1, "x")), func(string) tagger.Standing { return s }, newMonitor()).Digest
	}
	digests := map[string]string{
		"no rules":           newPlan().Digest,
		"one rule":           newPlan(parse(t, "R1", 1, "x")).Digest,
		"another version":    newPlan(parse(t, "R1", 2, "x")).Digest,
		"another pattern":    newPlan(parse(t, "R1", 1, "xx")).Digest,
		"another id":         newPlan(parse(t, "R2", 1, "x")).Digest,
		"disabled":           under(tagger.Standing{State: tagger.Disabled}),
		"shadow":             under(tagger.Standing{State: tagger.Shadow}),
		"clipped":            under(tagger.Standing{State: tagger.Clipped, ConfidenceMax: new(0.5)}),
		"clipped further":    under(tagger.Standing{State: tagger.Clipped, ConfidenceMax: new(0.25)}),
		"clipped to nothing": under(tagger.Standing{State: tagger.Clipped, ConfidenceMax: new(0.0)}),
	}
	seen := map[string]string{}
	for name, digest := range digests {
		if other, twice := seen[digest]; twice {
			t.Errorf("%q and %q have the same digest", name, other)
		}
		seen[digest] = name
	}
}

func isReady(p *pipeline.Plans) bool {
	select {
	case <-p.Ready():
		return true
	default:
		return false
	}
}

func TestPlansAreReadyWhileThereAreRules(t *testing.T) {
	t.Parallel()
	p := pipeline.NewPlans()
	if p.Current() != nil || isReady(p) {
		t.Errorf("Current = %v, ready %t before the first plan, want nil and false", p.Current(), isReady(p))
	}
	first := p.Ready()
	one, two, none := newPlan(parse(t, "R1", 1, "x")), newPlan(parse(t, "R1", 2, "x")), newPlan()
	for i, plan := range []*pipeline.Plan{one, two, none, none, two, one} {
		p.Swap(plan)
		if p.Current() != plan || isReady(p) != (plan != none) {
			t.Errorf("swap %d, of a plan of %d rules: ready = %t", i, plan.Rules, isReady(p))
		}
		if i == 0 {
			<-first
		}
	}
}

// settle calls Settle and returns where its result comes.
func settle(ctx context.Context, p *pipeline.Plans) <-chan error {
	done := make(chan error, 1)
	go func() { done <- p.Settle(ctx) }()
	return done
}

func TestSettleWaitsForBatchesUnderOlderPlansOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, wire.DefaultLimits(), 0, newPlan(parse(t, "R1", 1, "x")))
		if err := r.plans.Settle(t.Context()); err != nil {
			t.Fatalf("Settle without batches = %v", err)
		}
		oldest := r.Begin()
		r.plans.Swap(newPlan(parse(t, "R1", 2, "x")))
		older, another := r.Begin(), r.Begin()
		r.plans.Swap(newPlan(parse(t, "R1", 3, "x")))
		current := r.Begin()
		done := settle(t.Context(), r.plans)
		still := func(what string) {
			t.Helper()
			synctest.Wait()
			select {
			case err := <-done:
				t.Fatalf("Settle = %v %s", err, what)
			default:
			}
		}
		still("with three older batches open")
		older.End(true)
		still("with two older batches open")
		oldest.End(false)
		still("with one older batch open")
		another.End(true)
		if err := <-done; err != nil {
			t.Errorf("Settle = %v, want nil", err)
		}
		current.End(true)
	})
}

func TestSettleIsNotKeptByLaterBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, wire.DefaultLimits(), 0, newPlan(parse(t, "R1", 1, "x")))
		open := r.Begin()
		r.plans.Swap(newPlan(parse(t, "R1", 2, "x")))
		done := settle(t.Context(), r.plans)
		synctest.Wait()
		later := r.Begin()
		r.plans.Swap(newPlan(parse(t, "R1", 3, "x"))) // now later is under an older plan, too
		open.End(true)
		if err := <-done; err != nil {
			t.Errorf("Settle = %v, want nil", err)
		}
		later.End(true)
	})
}

func TestSettleEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, wire.DefaultLimits(), 0, newPlan(parse(t, "R1", 1, "x")))
		open := r.Begin()
		defer open.End(false)
		r.plans.Swap(newPlan(parse(t, "R1", 2, "x")))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := r.plans.Settle(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Settle = %v, want DeadlineExceeded", err)
		}
	})
}
