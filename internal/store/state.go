package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
)

// ReasonExpired is the reason that a keeper gives when it reverts an expired state.
const ReasonExpired = "expired"

// A State is one order of an operator about one rule: a value of the state topic.
type State struct {
	RuleID        string
	StateID       string // UUIDv4 of this order
	State         tagger.State
	ConfidenceMax *float64 // 0 to 1; required for clipped, allowed for shadow
	Reason        string
	SetBy         string
	SetAt         time.Time // microseconds, UTC
	ExpiresAt     time.Time // microseconds, UTC; zero = never
	Reverts       string    // StateID of the expired order that this record reverts; "" = this is an order
}

// Default is the state of a rule nobody gave an order about.
func Default(ruleID string) State { return State{RuleID: ruleID, State: tagger.Enabled} }

// Standing is what tagging needs of the state.
func (s State) Standing() tagger.Standing {
	return tagger.Standing{State: s.State, ConfidenceMax: s.ConfidenceMax}
}

// Expired reports whether the order has ended at now.
func (s State) Expired(now time.Time) bool { return !s.ExpiresAt.IsZero() && !now.Before(s.ExpiresAt) }

// Validate reports everything that is wrong with an order, joined.
func (s State) Validate() error {
	var errs []error
	if !rule.IsID(s.RuleID) {
		errs = append(errs, fmt.Errorf("rule_id %q: 1 to 128 of A-Z a-z 0-9 _ . -", s.RuleID))
	}
	if !slices.Contains(tagger.States(), s.State) {
		errs = append(errs, fmt.Errorf("unknown state %q: one of %s", s.State, knownStates()))
	}
	switch {
	case s.ConfidenceMax == nil && s.State == tagger.Clipped:
		errs = append(errs, errors.New("state clipped needs confidence_max"))
	case s.ConfidenceMax != nil && s.State != tagger.Clipped && s.State != tagger.Shadow:
		errs = append(errs, fmt.Errorf("confidence_max goes with clipped and shadow, not with %s", cmp.Or(s.State, "no state")))
	case s.ConfidenceMax != nil && (math.IsNaN(*s.ConfidenceMax) || *s.ConfidenceMax < 0 || *s.ConfidenceMax > 1):
		errs = append(errs, fmt.Errorf("confidence_max %v is not between 0 and 1", *s.ConfidenceMax))
	}
	return errors.Join(errs...)
}

func knownStates() string {
	names := make([]string, 0, 4)
	for _, s := range tagger.States() {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

// A StateLog is the durable, ordered log of states that all replicas share.
type StateLog interface {
	// Append adds a record and returns when the log has it. On error nothing was added, unless ctx has ended: then
	// that is not known.
	Append(ctx context.Context, s State) error
	// Follow calls apply for every record in the log in order, one call at a time, and for those that come, until
	// ctx ends; then it returns nil. A nil State is a tombstone: the rule is gone and its order with it. It calls
	// caughtUp once, when it has handed over all that was in the log when it began.
	Follow(ctx context.Context, apply func(ruleID string, s *State), caughtUp func()) error
}
