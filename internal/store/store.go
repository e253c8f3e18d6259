package store

import (
	"context"
	"errors"

	"ttpworker/internal/rule"
)

// ErrClosed is returned by a subscription after its Close, and by it and SetState when the store's Run has returned.
var ErrClosed = errors.New("rule store is closed")

// A Store holds the rules in force and the operators' states. All methods are safe for concurrent use.
type Store interface {
	// Load returns the rules in force, sorted by id. The first reading, by this or by Run, announces refused files
	// only; whatever changes afterwards is announced. So a caller that must miss nothing subscribes, then
	// loads. The slice is the caller's. The error is about the place as a whole (a missing directory); a
	// refused rule is a Change of kind Refused and no error.
	Load(ctx context.Context) ([]*rule.Rule, error)
	// State returns the state in force of a rule: the default for one that nobody gave an order about, and for
	// one whose order has expired.
	State(ruleID string) State
	// SetState gives an order. It checks s, appends it to the state log with a new StateID and returns when
	// this store has read it back and applied it, for which Run must be running. On any error nothing has
	// changed; ErrUnconfirmed says that it still will.
	SetState(ctx context.Context, s State) error
	// Subscribe starts a stream of changes from now on. Close it when done.
	Subscribe() *Subscription
	// Ready is closed when Run has read the state log to its end. Until then State may tell of the past, so no
	// event is tagged before. The states found are announced then, one change per rule that has an order.
	Ready() <-chan struct{}
	// Run keeps the rules and states up to date until ctx ends. It returns nil then, and an error only if it
	// cannot go on. Call it once. When it has returned the store is closed: subscriptions end with ErrClosed,
	// SetState returns it, Load and State go on to answer from memory.
	Run(ctx context.Context) error
}

// A Kind says what a Change is about.
type Kind string

// The kinds of a Change.
const (
	Loaded       Kind = "loaded"  // a rule is new, edited, or has another path
	Removed      Kind = "removed" // a rule's file is gone
	Refused      Kind = "refused" // a file is not what a rule file should be; what was in force stays
	StateChanged Kind = "state"   // the state in force of a rule is another one now
)

// Kinds lists all kinds of a Change.
func Kinds() []Kind { return []Kind{Loaded, Removed, Refused, StateChanged} }

// A Change is about one rule, never a batch.
type Change struct {
	Kind   Kind
	RuleID string     // "" for a refused file that does not say
	Path   string     // the file; "" for StateChanged
	Rule   *rule.Rule // Loaded only
	State  State      // StateChanged only
	Err    error      // Refused only
}
