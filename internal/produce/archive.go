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

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kerr"
	"golang.org/x/sync/errgroup"

	"ttpworker/internal/kafka"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger/engine"
	"ttpworker/internal/wire"
)

const (
	// archivePatience is how long rules wait to get into force until the archive has them: longer than a cluster takes that
	// is well, and no longer than a start can bear.
	archivePatience = 2 * time.Second
	// archiveRetry is the pause before what could not be written is tried again.
	archiveRetry = 10 * time.Second
	// archiveChunk is how many rules are written at once: far less than the writer of the control topics holds, as orders
	// must get past them, and so few that replicas that start together write few rules twice.
	archiveChunk = 100
	// maxNamed bounds how many rules a log line names.
	maxNamed = 10
)

// An Archive keeps in its topic the source of every rule that gives tags, so that a tag can be explained whatever has
// become of its rule. Every replica writes what it does not find there. It is safe for concurrent use.
type Archive struct {
	cluster  *kafka.Cluster
	appender *kafka.Appender
	encoder  *wire.Encoder
	topic    string
	dir      string // rule directory: paths in the topic are relative to it
	by       string // this replica, in the records it writes
	log      *slog.Logger
	outcomes *prometheus.CounterVec

	due chan struct{} // size 1: a rule is lacking

	mu      sync.Mutex
	known   map[string]bool  // digests that are in the topic, as far as it was read, or that it refuses
	lacking map[string]*lack // by digest: added, and not known to be in the topic
	trouble bool             // what is lacking could not be written in time: nobody waits until all of it is
	changed chan struct{}    // closed and made anew when rules are lacking no more, or trouble begins
}

// A lack is a rule that is not in the topic.
type lack struct {
	rule *rule.Rule
	late bool // it was told that the rule is in force all the same
}

// The outcomes of archiving a rule.
const (
	archived = "archived"
	late     = "late"    // in force before it was archived
	refused  = "refused" // the topic does not take it
)

// NewArchive makes the archive in topic, of rules below dir; by names this replica. It does not close appender.
func NewArchive(
	cluster *kafka.Cluster, appender *kafka.Appender, enc *wire.Encoder, topic, dir, by string, log *slog.Logger, reg prometheus.Registerer,
) *Archive {
	a := &Archive{
		cluster: cluster, appender: appender, encoder: enc, topic: topic, dir: dir, by: by, log: log,
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ttp_produce_archive_rules_total",
			Help: "Rules written to the archive, in force before they were there, and refused by it as too large.",
		}, []string{"outcome"}),
		due: make(chan struct{}, 1), known: map[string]bool{}, lacking: map[string]*lack{}, changed: make(chan struct{}),
	}
	reg.MustRegister(a.outcomes, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "ttp_produce_archive_lacking_rules", Help: "Rules that give tags, or gave some, and are not in the archive yet.",
	}, func() float64 { return a.count() }))
	for _, o := range []string{archived, late, refused} {
		a.outcomes.WithLabelValues(o)
	}
	return a
}

// count is how many rules are lacking.
func (a *Archive) count() float64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return float64(len(a.lacking))
}

// Add has rules archived. It does not wait.
func (a *Archive) Add(rules ...*rule.Rule) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range rules {
		if !a.known[r.Digest] && a.lacking[r.Digest] == nil {
			a.lacking[r.Digest] = &lack{rule: r}
		}
	}
	if len(a.lacking) > 0 {
		select {
		case a.due <- struct{}{}:
		default:
		}
	}
}

// Wait returns when all rules that were added are in the archive, which takes Run. It does not wait for long: what stops
// the archive must not stop the tagging. What is lacking then is written later, and its tags cannot be explained until then.
func (a *Archive) Wait(ctx context.Context) {
	patience := time.NewTimer(archivePatience)
	defer patience.Stop()
	for {
		a.mu.Lock()
		lacking, trouble, changed := len(a.lacking), a.trouble, a.changed
		a.mu.Unlock()
		switch {
		case lacking == 0:
			return
		case trouble:
			a.giveUp()
			return
		}
		select {
		case <-changed:
		case <-patience.C:
			a.setTrouble()
		case <-ctx.Done():
			return
		}
	}
}

// giveUp tells of rules that get into force while they are lacking, of each once.
func (a *Archive) giveUp() {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, named := 0, []string{}
	for _, l := range a.lacking {
		if l.late {
			continue
		}
		l.late = true
		if n++; n <= maxNamed {
			named = append(named, l.rule.ID)
		}
	}
	if n > 0 {
		a.outcomes.WithLabelValues(late).Add(float64(n))
		a.log.Warn("rules are in force before they are archived: their tags cannot be explained until they are", "topic", a.topic, "rules", n, "some", named)
	}
}

func (a *Archive) setTrouble() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.trouble = true
	a.turn()
}

// turn wakes who waits. The lock is held.
func (a *Archive) turn() {
	close(a.changed)
	a.changed = make(chan struct{})
}

// Run follows the archive, and writes what is lacking there, until ctx ends. Trouble with Kafka is logged and tried again: it
// does not stop the tagging.
func (a *Archive) Run(ctx context.Context) error {
	read := make(chan struct{})
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		a.follow(gctx, sync.OnceFunc(func() { close(read) }))
		return nil
	})
	g.Go(func() error {
		select {
		case <-read:
			a.keep(gctx)
		case <-gctx.Done():
		}
		return nil
	})
	return g.Wait()
}

// follow learns what is in the topic, by whomever, and calls caughtUp when it knows what was there at first.
func (a *Archive) follow(ctx context.Context, caughtUp func()) {
	for ctx.Err() == nil {
		there := map[string]bool{} // what was there at first: a later record may be a tombstone
		take := func(r *kafka.Record) {
			digest := string(r.Key)
			switch {
			case there != nil:
				there[digest] = r.Value != nil
			case r.Value != nil:
				a.settle(digest)
			default:
				a.forget(digest)
			}
		}
		atEnd := func() {
			maps.DeleteFunc(there, func(_ string, is bool) bool { return !is })
			a.settle(slices.Collect(maps.Keys(there))...)
			there = nil
			caughtUp()
		}
		if err := a.cluster.Follow(ctx, a.topic, take, atEnd); err != nil {
			a.setTrouble()
			a.log.Warn("following the archive of rules, trying again", "err", err)
			pause(ctx, archiveRetry)
		}
	}
}

// forget takes note that somebody has deleted a rule.
func (a *Archive) forget(digest string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.known, digest)
}

// keep writes what is lacking, whenever there is something.
func (a *Archive) keep(ctx context.Context) {
	tick := time.NewTicker(archiveRetry)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := a.write(ctx); err != nil && ctx.Err() == nil {
			a.setTrouble()
			a.log.Warn("archiving rules, trying again", "err", err)
			pause(ctx, archiveRetry)
			continue
		}
		select {
		case <-a.due:
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// settle takes note that rules are lacking no more: they are in the topic, or refused by it.
func (a *Archive) settle(digests ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, digest := range digests {
		a.known[digest] = true
		delete(a.lacking, digest)
	}
	if len(a.lacking) > 0 {
		return
	}
	if a.trouble {
		a.log.Info("all rules are archived")
	}
	a.trouble = false
	a.turn()
}

// missing are some of the rules that are lacking, at most n, in no order: replicas that start together write different ones
// first, and learn of those that the others wrote.
func (a *Archive) missing(n int) []*rule.Rule {
	a.mu.Lock()
	defer a.mu.Unlock()
	rules := make([]*rule.Rule, 0, min(n, len(a.lacking)))
	for _, l := range a.lacking {
		if len(rules) == n {
			break
		}
		rules = append(rules, l.rule)
	}
	return rules
}

// write writes what is lacking. A rule that the topic does not take is told, and not tried again.
func (a *Archive) write(ctx context.Context) error {
	for ctx.Err() == nil {
		rules := a.missing(archiveChunk)
		if len(rules) == 0 {
			return nil
		}
		if err := a.writeChunk(ctx, rules); err != nil {
			return err
		}
	}
	return nil
}

func (a *Archive) writeChunk(ctx context.Context, rules []*rule.Rule) error {
	var records []kafka.Record
	var of []*rule.Rule // by record
	var done []string
	var failed []error
	for _, r := range rules {
		rec, err := RuleArchiveRecord(a.encoder, a.topic, ArchivedRule{Rule: r, Shown: a.shown, Semantics: engine.Semantics, By: a.by, At: time.Now()})
		if err != nil {
			a.refuse(r, err)
			done = append(done, r.Digest)
			continue
		}
		records, of = append(records, rec), append(of, r)
	}
	for i, err := range a.appender.AppendAll(ctx, records) {
		switch {
		case err == nil:
			a.outcomes.WithLabelValues(archived).Inc()
			done = append(done, of[i].Digest)
		case errors.Is(err, kerr.MessageTooLarge):
			a.refuse(of[i], err)
			done = append(done, of[i].Digest)
		default:
			failed = append(failed, err)
		}
	}
	a.settle(done...)
	if len(failed) > 0 {
		return fmt.Errorf("%d of %d rules, the first: %w", len(failed), len(rules), failed[0])
	}
	return nil
}

func (a *Archive) shown(path string) string { return shownIn(a.dir, path) }

func (a *Archive) refuse(r *rule.Rule, err error) {
	a.outcomes.WithLabelValues(refused).Inc()
	a.log.Warn("rule cannot be archived: its tags can be explained only with its files", "rule", r.ID, "digest", r.Digest, "err", err)
}
