package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
)

// ErrUnconfirmed is in the error of a SetState whose order the log has taken but this store has not read back in
// time. Nothing has changed yet; the order will take effect when it is read.
var ErrUnconfirmed = errors.New("order is written but not read back yet")

// maxSleep bounds how long the expiry timer sleeps, so that a step of the system clock delays the announcement
// of an expiry by no more than this. What State returns is exact at any time.
const maxSleep = time.Minute

// maxWarned bounds the memory for faults of the log already logged; past it they are only counted.
const maxWarned = 1024

// States are the operators' states as every implementation of Store keeps them: it follows a StateLog into a
// table, announces what changes, and lets orders end by a timer of its own. An implementation embeds it. All
// methods are safe for concurrent use.
type States struct {
	log     StateLog
	known   func(ruleID string) bool
	changes *Broadcaster
	logger  *slog.Logger
	metrics *Metrics
	ready   chan struct{} // closed when the log was read to its end
	over    chan struct{} // closed when Run has returned
	rearm   chan struct{} // size 1: the next expiry may be another one
	due     chan struct{} // size 1: see UpkeepDue

	mu       sync.Mutex
	table    *table
	caughtUp bool
	waiting  map[*waiter]struct{}
	warned   map[string]struct{} // "unknown <rule id>", "invalid <rule id> <state id>": has had its line
}

// A waiter is a SetState that waits for its order to be read back.
type waiter struct {
	order State
	seen  chan struct{} // closed when it was
}

// NewStates makes the states over log. known says whether a rule of this id is in force; true where it cannot tell
// yet. It is called with a lock held, so it must not call States. Changes go to changes.
func NewStates(
	log StateLog, known func(ruleID string) bool, changes *Broadcaster, logger *slog.Logger, metrics *Metrics,
) *States {
	return &States{
		log: log, known: known, changes: changes, logger: logger, metrics: metrics,
		ready: make(chan struct{}), over: make(chan struct{}), rearm: make(chan struct{}, 1), due: make(chan struct{}, 1),
		table: newTable(), waiting: map[*waiter]struct{}{}, warned: map[string]struct{}{},
	}
}

// Ready is closed when the log was read to its end: before that State may tell of the past. The states found then
// are announced as one change per rule that is not in the default.
func (s *States) Ready() <-chan struct{} { return s.ready }

// State implements Store.
func (s *States) State(ruleID string) State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.table.inForce(ruleID, time.Now())
}

// Orders returns the orders in force, sorted by rule id.
func (s *States) Orders() []State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.table.orders(time.Now())
}

// Upkeep returns what a keeper has to write to the log, each sorted by rule id. For every expired order: a
// revert, a value of the default state whose Reverts is the order's StateID. For every buried order: the order
// once more as it is, since a stale revert was written behind it and compaction would keep only that.
// It tells what is, not what happened, so a keeper that starts later sees it too.
func (s *States) Upkeep() (expired, buried []State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.caughtUp {
		return nil, nil
	}
	return s.table.upkeep(time.Now())
}

// UpkeepDue receives when Upkeep may have more to tell than at the last receive. It is for one reader, who looks
// at Upkeep once before the first receive.
func (s *States) UpkeepDue() <-chan struct{} { return s.due }

// SetState implements Store. Before Run it waits for Run; afterwards it returns ErrClosed. If ctx ends after the
// log took the order, the error says so: ErrUnconfirmed.
func (s *States) SetState(ctx context.Context, order State) error {
	now := time.Now()
	order.StateID = uuid.NewString()
	if order.ConfidenceMax != nil {
		ceiling := *order.ConfidenceMax
		order.ConfidenceMax = &ceiling
	}
	order.SetAt = now.UTC().Truncate(time.Microsecond)
	if !order.ExpiresAt.IsZero() {
		order.ExpiresAt = order.ExpiresAt.UTC().Truncate(time.Microsecond)
	}
	if err := checkOrder(order, now); err != nil {
		return fmt.Errorf("setting state of rule %q: %w", order.RuleID, err)
	}
	select {
	case <-s.over:
		return fmt.Errorf("setting state of rule %q: %w", order.RuleID, ErrClosed)
	default:
	}
	w := &waiter{order: order, seen: make(chan struct{})}
	s.mu.Lock()
	s.waiting[w] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.waiting, w)
	}()
	if err := s.log.Append(ctx, order); err != nil {
		if ctx.Err() != nil { // it may be on its way
			err = fmt.Errorf("%w: %w", ErrUnconfirmed, err)
		}
		return fmt.Errorf("setting state of rule %q: %w", order.RuleID, err)
	}
	select {
	case <-w.seen:
		return nil
	case <-s.over:
		return fmt.Errorf("setting state of rule %q: %w: %w", order.RuleID, ErrUnconfirmed, ErrClosed)
	case <-ctx.Done():
		return fmt.Errorf("setting state of rule %q: %w: %w", order.RuleID, ErrUnconfirmed, ctx.Err())
	}
}

// checkOrder reports everything that is wrong with a new order, joined.
func checkOrder(order State, now time.Time) error {
	errs := []error{order.Validate()}
	if order.Reverts != "" {
		errs = append(errs, errors.New("reverts is for the keeper's records, not for orders"))
	}
	if order.Expired(now) {
		errs = append(errs, fmt.Errorf("expires_at %s is in the past", order.ExpiresAt.Format(time.RFC3339Nano)))
	}
	return errors.Join(errs...)
}

// Run follows the log until ctx ends and returns nil then; if following fails it returns that error. Call it
// once. When it has returned, State goes on to answer from what was read.
func (s *States) Run(ctx context.Context) error {
	defer close(s.over)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		err := s.log.Follow(gctx, s.read, s.readToEnd)
		select {
		case <-ctx.Done(): // asked to end: how the log took it does not matter
			return nil
		default:
		}
		if err == nil {
			err = errors.New("the log ended")
		}
		return fmt.Errorf("following rule states: %w", err)
	})
	g.Go(func() error {
		s.keepTime(gctx)
		return nil
	})
	return g.Wait()
}

// read takes one record of the log.
func (s *States) read(ruleID string, rec *State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	v, changed, err := s.table.apply(ruleID, rec, now)
	if v != applied {
		s.metrics.ignore(v)
	}
	if err != nil {
		s.warnInvalid(ruleID, rec, err)
	}
	if s.caughtUp {
		if changed {
			s.announce(ruleID, now)
		}
		s.noticed(now)
	}
	if rec != nil {
		s.release(rec)
	}
}

// readToEnd announces what the log held when it was opened.
func (s *States) readToEnd() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.table.expire(now)
	for _, order := range s.table.orders(now) {
		s.announce(order.RuleID, now)
	}
	s.caughtUp = true
	s.noticed(now)
	close(s.ready)
}

// announce publishes the state in force of a rule. The lock is held, so that changes are in the order of the log.
func (s *States) announce(ruleID string, now time.Time) {
	s.changes.Publish(Change{Kind: StateChanged, RuleID: ruleID, State: s.table.inForce(ruleID, now)})
}

// noticed does what follows a look at the table: metrics, the timer, the keeper, warnings. The lock is held.
func (s *States) noticed(now time.Time) {
	s.metrics.orders(s.table.count(now))
	s.warnUnknown()
	signal(s.rearm)
	s.noticeUpkeep(now)
}

// noticeUpkeep tells the keeper, and whoever reads the metrics, what there is for it to do. The lock is held.
func (s *States) noticeUpkeep(now time.Time) {
	expired, buried := s.table.upkeep(now)
	s.metrics.upkeep.Set(float64(len(expired) + len(buried)))
	if len(expired)+len(buried) > 0 {
		signal(s.due)
	}
}

// release ends the wait of the SetState whose order was read back. The log keeps every record for far longer than
// anybody waits, whatever comes behind it. The lock is held.
func (s *States) release(rec *State) {
	for w := range s.waiting {
		if rec.StateID == w.order.StateID {
			close(w.seen)
			delete(s.waiting, w)
		}
	}
}

// keepTime announces every expiry when it is there, until ctx ends. It starts when the log was read.
func (s *States) keepTime(ctx context.Context) {
	select {
	case <-s.ready:
	case <-ctx.Done():
		return
	}
	for {
		timer := time.NewTimer(s.expire())
		select {
		case <-timer.C:
		case <-s.rearm:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// expire announces the orders that have ended and returns how long to sleep until the next one might.
func (s *States) expire() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	ended := s.table.expire(now)
	for _, id := range ended {
		s.announce(id, now)
	}
	if len(ended) > 0 {
		s.metrics.orders(s.table.count(now))
		s.noticeUpkeep(now)
	}
	next := s.table.nextExpiry()
	if next.IsZero() {
		return maxSleep
	}
	return min(next.Sub(now), maxSleep)
}

// CheckRules warns, once per rule, about orders for rules that are not in force: kept, in case the rule comes
// back, but most likely a typing error. An implementation calls it when it has first read its rules.
func (s *States) CheckRules() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.caughtUp {
		s.warnUnknown()
	}
}

func (s *States) warnUnknown() {
	for _, id := range s.table.ids() {
		if !s.known(id) && s.first("unknown "+id) {
			s.logger.Warn("state set for a rule that is not loaded", "rule", id)
		}
	}
}

func (s *States) warnInvalid(ruleID string, rec *State, err error) {
	if s.first("invalid " + ruleID + " " + rec.StateID) {
		s.logger.Warn("state record ignored", "rule", ruleID, "state_id", rec.StateID, "set_by", rec.SetBy, "err", err)
	}
}

// first reports whether key has not had its line yet. The lock is held.
func (s *States) first(key string) bool {
	if _, had := s.warned[key]; had || len(s.warned) >= maxWarned {
		return false
	}
	s.warned[key] = struct{}{}
	return true
}
