package pipeline_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
)

// Events that pass while a volume is not mounted yet would be untagged for good.
func TestThereIsNoPlanBeforeThereIsARule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newMemoryStore(store.NewMemoryLog())
		r := startReloader(t, s)
		select {
		case <-r.plans.Ready():
			t.Fatal("there is a plan of no rules")
		default:
		}
		s.load(parse(t, "R1", 1, "x"))
		synctest.Wait()
		if plan := r.plans.Current(); plan == nil || plan.Rules != 1 {
			t.Errorf("plan = %+v, want one of the first rule", plan)
		}
		r.stop()
	})
}

// Seen: when the last file was deleted, and the directory stayed, events were committed without a tag.
func TestNoEventIsTakenWhenTheLastRuleIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one := parse(t, "R1", 1, "curl")
		r := startReloader(t, newMemoryStore(store.NewMemoryLog(), one))
		open := r.Begin()
		if err := r.store.SetState(t.Context(), store.State{RuleID: "R1", State: tagger.Disabled}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		recs := []kafka.Record{record(7, event("x", "curl"))}
		disabled := r.Begin()
		if out, err := disabled.Outputs(t.Context(), nil, recs); len(out) != 0 || err != nil || !isReady(r.plans) {
			t.Errorf("Outputs with all rules disabled = %d records, %v, ready %t, want no tag and the event taken", len(out), err, isReady(r.plans))
		}
		disabled.End(true)
		r.store.changes.Publish(store.Change{Kind: store.Removed, RuleID: "R1", Path: "R1.yaml"})
		synctest.Wait()
		if isReady(r.plans) {
			t.Error("ready without a rule")
		}
		if out, err := open.Outputs(t.Context(), nil, recs); len(out) != 2 || err != nil {
			t.Errorf("Outputs of a batch that began before = %d records, %v, want its plan's tags", len(out), err)
		}
		open.End(true)
		none := r.Begin()
		_, err := none.Outputs(t.Context(), nil, recs)
		none.End(false)
		held, ok := errors.AsType[*consume.HoldError](err)
		if !ok || held.Topic != "ttp_events" || held.Partition != 3 {
			t.Fatalf("Outputs without a rule = %v, want the partition to wait", err)
		}
		r.store.load(one)
		<-held.Until
		synctest.Wait()
		if !isReady(r.plans) || r.plans.Current().Rules != 1 {
			t.Error("not ready with a rule again")
		}
		r.stop()
		if n := strings.Count(r.log.String(), "no rule is left"); n != 1 {
			t.Errorf("%d lines say that no rule is left, want 1:\n%s", n, r.log.String())
		}
	})
}
