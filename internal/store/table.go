package store

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"ttpworker/internal/tagger"
)

// A verdict says what became of a record of the state log.
type verdict string

const (
	applied verdict = "applied"
	stale   verdict = "stale"   // it reverts an order that is not the last one
	invalid verdict = "invalid" // no order at all: an unknown state, a missing ceiling
)

// A table holds the last order about each rule, as the state log has it. What is in force at a time follows from
// the order and the time alone, so no timer can be late. It is not safe for concurrent use.
type table struct {
	rows map[string]*row
}

type row struct {
	order  State
	ended  bool // the expiry was handed out by expire, or the order had expired when it was read
	buried bool // a stale revert lies behind the order in the log: compaction would leave only that
}

func newTable() *table { return &table{rows: map[string]*row{}} }

// inForce is the state in force of a rule at now.
func (t *table) inForce(ruleID string, now time.Time) State {
	r := t.rows[ruleID]
	if r == nil || r.ended || r.order.Expired(now) {
		return Default(ruleID)
	}
	return r.order
}

// apply takes a record read from the log; nil is a tombstone. changed says that the state in force is another
// one now. The error goes with the verdict invalid.
func (t *table) apply(ruleID string, s *State, now time.Time) (v verdict, changed bool, err error) {
	before := t.inForce(ruleID, now)
	if v, err = t.judge(ruleID, s, now); v != applied {
		return v, false, err
	}
	return applied, t.inForce(ruleID, now).StateID != before.StateID, nil
}

func (t *table) judge(ruleID string, s *State, now time.Time) (verdict, error) {
	r := t.rows[ruleID]
	switch {
	case s == nil:
		delete(t.rows, ruleID)
		return applied, nil
	case s.RuleID != ruleID:
		return invalid, fmt.Errorf("rule_id %q under the key %q", s.RuleID, ruleID)
	case s.Reverts != "" && r != nil && r.order.StateID == s.Reverts:
		delete(t.rows, ruleID)
		return applied, nil
	case s.Reverts != "":
		if r != nil {
			r.buried = true
		}
		return stale, nil
	case s.StateID == "":
		return invalid, errors.New("state_id is empty")
	}
	if err := s.Validate(); err != nil {
		return invalid, err
	}
	if r != nil && r.order.StateID == s.StateID { // published again: it is the last record now
		r.buried = false
		return applied, nil
	}
	t.rows[ruleID] = &row{order: *s, ended: s.Expired(now)}
	return applied, nil
}

// expire marks the orders that have ended by now and returns their rule ids, sorted: each once.
func (t *table) expire(now time.Time) []string {
	var ids []string
	for id, r := range t.rows {
		if !r.ended && r.order.Expired(now) {
			r.ended = true
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// nextExpiry is when the next order ends; zero if none does.
func (t *table) nextExpiry() time.Time {
	var next time.Time
	for _, r := range t.rows {
		at := r.order.ExpiresAt
		if !r.ended && !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

// ids lists the rules with an order, sorted; ended ones are among them.
func (t *table) ids() []string { return slices.Sorted(maps.Keys(t.rows)) }

// orders returns the orders in force at now, sorted by rule id.
func (t *table) orders(now time.Time) []State {
	var in []State
	for _, id := range t.ids() {
		if s := t.inForce(id, now); s.StateID != "" {
			in = append(in, s)
		}
	}
	return in
}

// upkeep returns what only the keeper can put right in the log, each sorted by rule id: orders that have ended
// without a revert, and orders in force that a stale revert lies behind.
func (t *table) upkeep(now time.Time) (expired, buried []State) {
	for _, id := range t.ids() {
		switch r := t.rows[id]; {
		case r.ended || r.order.Expired(now):
			expired = append(expired, r.order)
		case r.buried:
			buried = append(buried, r.order)
		}
	}
	return expired, buried
}

// count counts the orders in force at now by state.
func (t *table) count(now time.Time) map[tagger.State]int {
	n := map[tagger.State]int{}
	for _, s := range t.orders(now) {
		n[s.State]++
	}
	return n
}
