package app_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/app"
	"ttpworker/internal/rule"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/engine"
	"ttpworker/internal/wire"
)

// A replica is a worker that runs in this process, and what it said of its changes.
type replica struct {
	worker *app.Worker
	conn   *app.Connection
	cancel context.CancelFunc
	done   chan error

	mu      sync.Mutex
	changes []change
}

type change struct {
	store.Change
	swapped time.Time
}

func (w *world) startReplica(t *testing.T) *replica {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	conn, err := app.Connect(t.Context(), w.cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	r := &replica{conn: conn, done: make(chan error, 1)}
	r.worker, err = app.Start(t.Context(), w.cfg, conn, log, func(c store.Change, swapped time.Time) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.changes = append(r.changes, change{c, swapped})
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r.cancel = cancel
	go func() { r.done <- r.worker.Wait(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-r.done; err != nil {
			t.Errorf("the replica ended with %v, want nil", err)
		}
		conn.Close()
	})
	w.catalogueHas(t, slices.Collect(maps.Keys(w.initial))...)
	return r
}

func (r *replica) stop(t *testing.T) {
	t.Helper()
	r.cancel()
	err := <-r.done
	r.done <- nil // for the cleanup
	if err != nil {
		t.Errorf("the replica stopped with %v, want nil", err)
	}
}

// alive fails the test at once if the replica has ended by itself, instead of waiting for what it will never do.
func (r *replica) alive(t *testing.T) bool {
	t.Helper()
	select {
	case err := <-r.done:
		r.done <- nil // for the cleanup
		t.Fatalf("a replica ended by itself: %v", err)
	default:
	}
	return true
}

// inOrder returns the changes in the order in which they took effect.
func (r *replica) inOrder() []change {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.SortedStableFunc(slices.Values(r.changes), func(a, b change) int { return a.swapped.Compare(b.swapped) })
}

// last is the file in force of a rule.
func (r *replica) last(w *world, id string) savedEntry {
	for _, c := range slices.Backward(r.inOrder()) {
		switch {
		case c.RuleID != id:
		case c.Kind == store.Removed:
			return savedEntry{}
		case c.Kind == store.Loaded:
			return savedEntry{c.Rule.File.SHA256, w.rel(c.Path)}
		}
	}
	return savedEntry{sum: "none yet"}
}

func (w *world) rel(path string) string {
	rel, err := filepath.Rel(w.dir, path)
	if err != nil {
		return path
	}
	return filepath.ToSlash(rel)
}

func (r *replica) standing(id string) tagger.State {
	for _, c := range slices.Backward(r.inOrder()) {
		if c.Kind == store.StateChanged && c.RuleID == id {
			return c.State.State
		}
	}
	return tagger.Enabled
}

func (r *replica) has(id string, s tagger.State) bool {
	return slices.ContainsFunc(r.inOrder(), func(c change) bool {
		return c.Kind == store.StateChanged && c.RuleID == id && c.State.State == s
	})
}

// An oracle knows what should be in the topics.
type oracle struct {
	t      *testing.T
	w      *world
	events []*kgo.Record
}

// A snapshot is what was in force between two changes of a replica.
type snapshot struct {
	rules    map[string]*rule.Rule
	standing map[string]tagger.Standing
}

func (s snapshot) of(id string) tagger.Standing {
	if st, ok := s.standing[id]; ok {
		return st
	}
	return tagger.DefaultStanding()
}

// plans replays the changes of every replica, with the rules as this test saved them, and returns what was in force
// by plan digest.
func (o oracle) plans() map[string]snapshot {
	plans := map[string]snapshot{}
	for _, r := range o.w.replicas {
		now := snapshot{rules: maps.Clone(o.w.initial), standing: map[string]tagger.Standing{}}
		note := func() {
			s := snapshot{maps.Clone(now.rules), maps.Clone(now.standing)}
			plans[engine.PlanDigest(slices.Collect(maps.Values(s.rules)), s.of)] = s
		}
		note()
		for _, c := range r.inOrder() {
			switch c.Kind {
			case store.Loaded:
				saved := o.w.rules[c.Rule.File.SHA256+o.w.rel(c.Path)]
				if saved == nil {
					o.t.Errorf("%s: loaded a content of %s that was never saved", c.RuleID, c.Path)
					continue
				}
				now.rules[c.RuleID] = saved
			case store.Removed:
				delete(now.rules, c.RuleID)
			case store.StateChanged:
				now.standing[c.RuleID] = c.State.Standing()
			case store.Refused:
				continue
			}
			note()
		}
	}
	return plans
}

// tags checks that the committed tag records are, per event, exactly those of one plan.
func (o oracle) tags(recs []*kgo.Record) {
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		o.t.Fatal(err)
	}
	bySource := map[string][]*kgo.Record{}
	for _, r := range recs {
		bySource[header(r, "ttp-source")] = append(bySource[header(r, "ttp-source")], r)
	}
	plans, used := o.plans(), map[string]int{}
	for _, rec := range o.events {
		source := fmt.Sprintf("%s/%d/%d", rec.Topic, rec.Partition, rec.Offset)
		got := bySource[source]
		delete(bySource, source)
		if len(got) == 0 {
			o.t.Fatalf("event %s has no tag at all; the stable rule gives every event two", source)
		}
		digest := header(got[0], "ttp-plan")
		plan, known := plans[digest]
		if !known {
			o.t.Fatalf("event %s was tagged under plan %s, which no change of a replica explains", source, digest)
		}
		used[digest]++
		ev, _, err := dec.Event(rec.Value, rec.Timestamp)
		if err != nil {
			o.t.Fatal(err)
		}
		o.event(source, rec.Partition, &ev, digest, plan, got, dec)
		o.fresh(rec, plan)
	}
	if len(bySource) > 0 {
		o.t.Errorf("tags of %d sources that are no events", len(bySource))
	}
	if len(used) < 20 {
		o.t.Errorf("events were tagged under %d plans only: the stream and the edits hardly met", len(used))
	}
	o.t.Logf("%d events, %d tag records, %d plans in force, %d of them used", len(o.events), len(recs), len(plans), len(used))
}

// fresh checks that an event appended after an edit was told to be in effect met that edit or a later one.
func (o oracle) fresh(rec *kgo.Record, plan snapshot) {
	for _, b := range o.w.barriers {
		if rec.Offset < b.from[rec.Partition] {
			continue
		}
		met := savedEntry{}
		if r := plan.rules[b.id]; r != nil {
			met = savedEntry{r.File.SHA256, o.w.rel(r.File.Path)}
		}
		if !slices.Contains(o.w.wanted[b.id][b.edit:], met) {
			o.t.Errorf("event %s/%d/%d came after edit %d of %s was told to be in effect, but met an older version",
				rec.Topic, rec.Partition, rec.Offset, b.edit, b.id)
		}
	}
}

// event compares the tags of one event with a plain scan: every rule of the plan alone, in turn.
func (o oracle) event(
	source string, partition int32, ev *tagger.TaggerEvent, digest string, plan snapshot, got []*kgo.Record, dec *wire.Decoder,
) {
	var want []tagger.Tag
	for _, id := range slices.Sorted(maps.Keys(plan.rules)) {
		one := engine.New([]*rule.Rule{plan.rules[id]}, plan.of)
		var err error
		if want, err = one.AppendTags(want, ev); err != nil {
			o.t.Fatal(err)
		}
	}
	var have []tagger.Tag
	for _, r := range got {
		tag, _, err := dec.Tag(r.Value)
		if err != nil {
			o.t.Fatal(err)
		}
		topic := o.w.cfg.Topics.Tags.Name
		if tag.RuleState == tagger.Shadow {
			topic = o.w.cfg.Topics.Shadow.Name
		}
		if r.Topic != topic || r.Partition != partition || string(r.Key) != tag.ID.String() || header(r, "ttp-plan") != digest {
			o.t.Errorf("event %s: tag record on %s/%d, key %s, plan %s; want %s/%d, %s, %s",
				source, r.Topic, r.Partition, r.Key, header(r, "ttp-plan"), topic, partition, tag.ID, digest)
		}
		have = append(have, tag)
	}
	order := func(a, b tagger.Tag) int {
		return cmp.Or(strings.Compare(a.RuleID, b.RuleID), strings.Compare(a.Technique(), b.Technique()))
	}
	slices.SortFunc(want, order)
	slices.SortFunc(have, order)
	if diff := gocmp.Diff(want, have); diff != "" {
		o.t.Fatalf("event %s under plan %s (-want +got):\n%s", source, digest, diff)
	}
}

func header(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// catalogue checks that every effective edit gave exactly one record.
func (o oracle) catalogue(recs []*kgo.Record) {
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		o.t.Fatal(err)
	}
	got := map[string][]savedEntry{}
	for _, r := range recs {
		e := savedEntry{}
		if r.Value != nil {
			w, err := dec.RuleReloaded(r.Value)
			if err != nil {
				o.t.Fatal(err)
			}
			e = savedEntry{w.FileSHA256, w.SourcePath}
		}
		got[string(r.Key)] = append(got[string(r.Key)], e)
	}
	if diff := gocmp.Diff(o.w.wanted, got, gocmp.AllowUnexported(savedEntry{})); diff != "" {
		o.t.Errorf("catalogue records by rule (-want +got):\n%s", diff)
	}
}

// A reader notes when the first committed tag by each content of a rule can be read.
type reader struct {
	cancel context.CancelFunc
	done   chan map[string]time.Time // by rule id and digest
}

func (w *world) startReader(t *testing.T) *reader {
	t.Helper()
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	cl := w.cluster.Client(t, kgo.ConsumeTopics(w.cfg.Topics.Tags.Name), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()))
	ctx, cancel := context.WithCancel(t.Context())
	r := &reader{cancel: cancel, done: make(chan map[string]time.Time, 1)}
	go func() {
		first := map[string]time.Time{}
		for ctx.Err() == nil {
			cl.PollFetches(ctx).EachRecord(func(rec *kgo.Record) {
				if tag, _, err := dec.Tag(rec.Value); err == nil {
					if _, seen := first[tag.RuleID+tag.RuleDigest]; !seen {
						first[tag.RuleID+tag.RuleDigest] = time.Now()
					}
				}
			})
		}
		r.done <- first
	}()
	return r
}

func (r *reader) stop() map[string]time.Time {
	r.cancel()
	return <-r.done
}

// printLatencies prints, over all edits and replicas, how long from the end of a save to the swap of the plan, and
// from the first swap to the first committed tag by the new version. The figures are a report, no test.
func (w *world) printLatencies(t *testing.T, first map[string]time.Time) {
	t.Helper()
	var saves, commits []time.Duration
	for _, r := range w.replicas {
		seen := map[string]bool{}
		for _, c := range r.inOrder() {
			if c.Kind != store.Loaded || seen[c.RuleID+c.Rule.File.SHA256] {
				continue
			}
			seen[c.RuleID+c.Rule.File.SHA256] = true
			if at, ok := w.saved[c.RuleID+c.Rule.File.SHA256]; ok {
				saves = append(saves, c.swapped.Sub(at))
			}
			if at, ok := first[c.RuleID+c.Rule.Digest]; ok {
				commits = append(commits, at.Sub(c.swapped))
			}
		}
	}
	t.Logf("save to swap: %s", quantiles(saves))
	t.Logf("swap to first commit: %s", quantiles(commits))
}

func quantiles(d []time.Duration) string {
	if len(d) == 0 {
		return "nothing measured"
	}
	slices.Sort(d)
	at := func(q float64) time.Duration { return d[int(q*float64(len(d)-1)+0.5)].Round(100 * time.Microsecond) }
	return fmt.Sprintf("n %d, p50 %s, p99 %s, max %s", len(d), at(0.5), at(0.99), at(1))
}
