package produce

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"ttpworker/internal/kafka"
	"ttpworker/internal/rule"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
)

const (
	// reconcileEvery is how often the keeper compares everything: what a failed write left undone, and
	// tombstones that had to wait.
	reconcileEvery = 10 * time.Second
	// readBack is how long the keeper gives its own record to come back before it writes it again.
	readBack = 5 * time.Minute
)

// A KeptStore is what the keeper needs of a rule store.
type KeptStore interface {
	store.Store
	// Healthy says why rules that are missing may not be gone: the place they live in cannot be read.
	Healthy() error
	// RefusedPaths are the files now refused. Their rules are not gone either.
	RefusedPaths() []string
	// Upkeep and UpkeepDue are those of store.States.
	Upkeep() (expired, buried []store.State)
	UpkeepDue() <-chan struct{}
}

// A Keeper writes the control topics while its replica owns partition 0 of the first input topic, and only then;
// otherwise it watches that the catalogue agrees with its own rules. One paused between its check and its write
// may add a record that is there already; readers fold those.
type Keeper struct {
	store     KeptStore
	catalogue *Catalogue
	states    store.StateLog
	log       *slog.Logger
	differs   prometheus.Gauge
	owned     prometheus.Gauge

	turned chan struct{} // size 1: ownership or the catalogue is another one

	mu       sync.Mutex
	owner    bool
	term     int                // counts ownerships
	release  context.CancelFunc // ends the writing of the ownership that is over
	followed entries            // the catalogue as read so far

	// Run's own.
	rules   map[string]*rule.Rule
	removed bool                 // a rule was removed while Run looked on
	written entries              // the catalogue as its only writer knows it; nil until it was read in this term
	served  int                  // the term that written is of
	recent  map[string]time.Time // state ids of state records written and maybe not read back yet
}

// NewKeeper makes a keeper of the catalogue's topic and of the one behind states.
func NewKeeper(s KeptStore, catalogue *Catalogue, states store.StateLog, log *slog.Logger, reg prometheus.Registerer) *Keeper {
	k := &Keeper{
		store: s, catalogue: catalogue, states: states, log: log,
		differs: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ttp_store_catalogue_differs", Help: "Rules for which the catalogue topic and this replica do not agree.",
		}),
		owned: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ttp_produce_keeper", Help: "1 while this replica writes the control topics.",
		}),
		turned: make(chan struct{}, 1), followed: entries{}, rules: map[string]*rule.Rule{}, recent: map[string]time.Time{},
		release: func() {},
	}
	reg.MustRegister(k.differs, k.owned)
	return k
}

// Own says whether this replica is the keeper from now on. It does not block.
func (k *Keeper) Own(owner bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.owner = owner
	k.term++
	k.release()
	k.turn()
}

func (k *Keeper) turn() {
	select {
	case k.turned <- struct{}{}:
	default:
	}
}

// Run keeps until ctx ends. Trouble with Kafka is logged and tried again: it does not stop the tagging.
func (k *Keeper) Run(ctx context.Context) error {
	sub := k.store.Subscribe()
	defer sub.Close()
	rules, err := k.store.Load(ctx)
	if err != nil {
		return fmt.Errorf("loading rules: %w", err)
	}
	for _, r := range rules {
		k.rules[r.ID] = r
	}
	changes := make(chan store.Change)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return pump(gctx, sub, changes) })
	g.Go(func() error { return k.follow(gctx) })
	g.Go(func() error { return k.loop(gctx, changes) })
	if err := g.Wait(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

func pump(ctx context.Context, sub *store.Subscription, changes chan<- store.Change) error {
	for {
		c, err := sub.Next(ctx)
		if err != nil {
			if errors.Is(err, store.ErrClosed) || ctx.Err() != nil {
				return nil //nolint:nilerr // asked to stop
			}
			return err
		}
		select {
		case changes <- c:
		case <-ctx.Done():
			return nil
		}
	}
}

// follow reads the catalogue for ever, to compare.
func (k *Keeper) follow(ctx context.Context) error {
	for ctx.Err() == nil {
		k.mu.Lock()
		k.followed = entries{}
		k.mu.Unlock()
		take := func(r *kafka.Record) {
			now, ok := k.catalogue.decode(ctx, r) // may wait: not under the lock, which Own takes
			if !ok {
				return
			}
			k.mu.Lock()
			defer k.mu.Unlock()
			k.followed.fold(string(r.Key), now)
			k.turn()
		}
		if err := k.catalogue.cluster.Follow(ctx, k.catalogue.topic, take, func() {}); err != nil {
			k.log.Warn("following the catalogue, trying again", "err", err)
			pause(ctx, time.Second)
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (k *Keeper) loop(ctx context.Context, changes <-chan store.Change) error {
	tick := time.NewTicker(reconcileEvery)
	defer tick.Stop()
	for {
		var edited string
		select {
		case <-ctx.Done():
			return nil
		case c := <-changes:
			edited = k.edit(c)
		case <-k.turned:
		case <-tick.C:
			edited = everyRule
		case <-k.store.UpkeepDue():
		}
		if err := k.keep(ctx, edited); err != nil && ctx.Err() == nil {
			k.log.Warn("keeping the control topics, trying again", "err", err)
		}
		k.compare()
	}
}

// everyRule stands for all rules where one rule's id is asked for; it is no rule id.
const everyRule = "*"

// edit takes a change in and returns the id of the rule whose catalogue entry may be another one, or "".
func (k *Keeper) edit(c store.Change) string {
	switch c.Kind {
	case store.Loaded:
		k.rules[c.RuleID] = c.Rule
		return c.RuleID
	case store.Removed:
		delete(k.rules, c.RuleID)
		k.removed = true
		return c.RuleID
	case store.Refused, store.StateChanged:
	}
	return ""
}

// keep writes what is due, if this replica is the keeper.
func (k *Keeper) keep(ctx context.Context, edited string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	k.mu.Lock()
	owner, term := k.owner, k.term
	k.release = cancel
	k.mu.Unlock()
	if k.served != term {
		k.served, k.written = term, nil // another replica may have written in between
	}
	if !owner {
		k.owned.Set(0)
		return nil
	}
	if k.written == nil {
		written, err := k.catalogue.read(ctx)
		if err != nil {
			return err
		}
		k.written, edited = written, everyRule
		k.owned.Set(1)
		k.log.Info("this replica keeps the control topics", "catalogue_rules", len(written), "rules", len(k.rules))
	}
	return errors.Join(k.reconcile(ctx, edited), k.upkeep(ctx))
}

// reconcile brings the catalogue entry of one rule, or of all, in line with the rules in force.
func (k *Keeper) reconcile(ctx context.Context, edited string) error {
	switch edited {
	case "":
		return nil
	case everyRule:
		ids := maps.Clone(k.written)
		for id := range k.rules {
			ids[id] = entry{}
		}
		for _, id := range slices.Sorted(maps.Keys(ids)) {
			if err := k.reconcileRule(ctx, id); err != nil {
				return err
			}
		}
		return nil
	}
	return k.reconcileRule(ctx, edited)
}

func (k *Keeper) reconcileRule(ctx context.Context, id string) error {
	r, loaded := k.rules[id]
	known, listed := k.written[id]
	switch {
	case loaded && (!listed || known != k.catalogue.entryOf(r)):
		if err := k.catalogue.write(ctx, id, r); err != nil {
			return err
		}
		k.written[id] = k.catalogue.entryOf(r)
	case !loaded && listed && k.gone(known):
		if err := k.catalogue.write(ctx, id, nil); err != nil {
			return err
		}
		delete(k.written, id)
	}
	return nil
}

// gone reports whether a rule that is listed and not loaded was really removed: not if the directory cannot be
// read or never held a rule, nor if its file is there and refused or still being written.
func (k *Keeper) gone(known entry) bool {
	if len(k.rules) == 0 && !k.removed {
		return false // a directory that is not mounted yet looks just like this
	}
	refused := func(path string) bool { return k.catalogue.shown(path) == known.path }
	return k.store.Healthy() == nil && !slices.ContainsFunc(k.store.RefusedPaths(), refused)
}

// upkeep writes reverts of expired orders, and once more the orders that a stale revert has buried.
func (k *Keeper) upkeep(ctx context.Context) error {
	now := time.Now()
	expired, buried := k.store.Upkeep()
	due := map[string]bool{}
	for _, s := range slices.Concat(expired, buried) {
		due[s.StateID] = true
	}
	maps.DeleteFunc(k.recent, func(id string, at time.Time) bool { return !due[id] || now.Sub(at) > readBack })
	for _, s := range expired {
		revert := store.State{
			RuleID: s.RuleID, StateID: uuid.NewString(), State: tagger.Enabled, Reason: store.ReasonExpired,
			SetBy: k.catalogue.by, SetAt: now.UTC().Truncate(time.Microsecond), Reverts: s.StateID,
		}
		if err := k.once(ctx, s.StateID, revert); err != nil {
			return err
		}
	}
	for _, s := range buried {
		if err := k.once(ctx, s.StateID, s); err != nil {
			return err
		}
	}
	return nil
}

// once appends rec unless it was appended for this state id a moment ago.
func (k *Keeper) once(ctx context.Context, stateID string, rec store.State) error {
	if _, done := k.recent[stateID]; done {
		return nil
	}
	if err := k.states.Append(ctx, rec); err != nil {
		return err
	}
	k.recent[stateID] = time.Now()
	return nil
}

// compare counts the rules about which the catalogue and this replica do not agree.
func (k *Keeper) compare() {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	for id, r := range k.rules {
		if k.followed[id] != k.catalogue.entryOf(r) {
			n++
		}
	}
	for id := range k.followed {
		if k.rules[id] == nil {
			n++
		}
	}
	k.differs.Set(float64(n))
}
