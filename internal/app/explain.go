package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"ttpworker/internal/deadletter"
	"ttpworker/internal/explain"
	"ttpworker/internal/kafka"
	"ttpworker/internal/produce"
	"ttpworker/internal/retag"
	"ttpworker/internal/rule"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

// A TagQuery asks about a tag.
type TagQuery struct {
	ID       uuid.UUID
	Anchor   string                                            // of its event, to look first where that should be; "" = not known
	Topics   []string                                          // to look in, one after the other; empty = the tags, then the shadow tags
	Rules    func() ([]*rule.Rule, error)                      // local rules, for a rule that is not archived; nil = none
	Progress func(total int64) (read func(int64), done func()) // of a topic that is read; it may be nil, and so may read
}

// ExplainTag says why a tag is there. Of what is missing in Kafka the answer tells in its faults; the error is about a
// tag that is not there (explain.ErrNoTag), or about Kafka.
func ExplainTag(ctx context.Context, cfg Config, log *slog.Logger, q TagQuery) (*explain.Answer, error) {
	conn, err := Reach(ctx, cfg, log)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	dec, err := newDecoder(cfg, nil)
	if err != nil {
		return nil, err
	}
	cfg.Kafka.SchemaWait = 0
	asking, cancel := context.WithCancel(ctx)
	schemas, await, err := startResolver(asking, cfg, dec, log)
	if err != nil {
		cancel()
		return nil, err
	}
	defer func() { cancel(); await() }()
	x := &explainer{
		cfg: cfg, conn: conn, log: log, query: q, lookup: produce.Lookup{Cluster: conn.Cluster, Decoder: dec, Schemas: schemas},
	}
	return x.explain(ctx)
}

// An explainer answers one query.
type explainer struct {
	cfg    Config
	conn   *Connection
	log    *slog.Logger
	query  TagQuery
	lookup produce.Lookup
}

func (x *explainer) explain(ctx context.Context) (*explain.Answer, error) {
	rec, err := x.find(ctx)
	if err != nil {
		return nil, err
	}
	var taggedAt time.Time
	t, err := awaited(ctx, x.lookup, rec.Value, func(value []byte) (t tagger.Tag, err error) {
		t, taggedAt, err = x.lookup.Decoder.Tag(value)
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading tag %s at %s/%d/%d: %w", x.query.ID, rec.Topic, rec.Partition, rec.Offset, err)
	}
	a, err := explain.NewAnswer(&t, explain.Found{
		Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset, Source: rec.Header(produce.HeaderSource), Plan: rec.Header(produce.HeaderPlan),
		TaggedAt: taggedAt.UTC(), Retag: rec.Header(retag.HeaderJob),
	})
	if err != nil {
		return nil, err
	}
	r := x.rule(ctx, a, &t)
	ev := x.event(ctx, a)
	x.now(ctx, a, &t)
	a.Judge(r, ev)
	return a, ctx.Err()
}

// find is the record of the tag.
func (x *explainer) find(ctx context.Context) (*kafka.Record, error) {
	topics := x.query.Topics
	if len(topics) == 0 {
		topics = []string{x.cfg.Topics.Tags.Name, x.cfg.Topics.Shadow.Name}
	}
	var gone *kafka.Record
	for _, topic := range topics {
		if err := x.conn.needs(ctx, topic, "topics.tags.name, topics.shadow.name or --topic"); err != nil {
			return nil, err
		}
		switch rec, err := x.findIn(ctx, topic); {
		case err != nil:
			return nil, err
		case rec != nil && rec.Value != nil:
			return rec, nil
		case rec != nil:
			gone = rec
		}
	}
	if gone != nil {
		by := ""
		if job := gone.Header(retag.HeaderJob); job != "" {
			by = ", by retag job " + strconv.Quote(job)
		}
		return nil, fmt.Errorf("%w: %s was taken back, by the tombstone at %s/%d/%d of %s%s", explain.ErrNoTag, x.query.ID,
			gone.Topic, gone.Partition, gone.Offset, gone.Time.UTC().Format(time.RFC3339), by)
	}
	return nil, fmt.Errorf("%w: %s is not in %v; a tag that was taken back is not there either once its tombstone is over (delete.retention.ms)",
		explain.ErrNoTag, x.query.ID, topics)
}

// findIn looks in one topic, first in the partition where the event should be. Nil = there is neither the tag nor a tombstone
// of it.
func (x *explainer) findIn(ctx context.Context, topic string) (*kafka.Record, error) {
	all, err := x.conn.Cluster.Spans(ctx, topic, time.Time{})
	if err != nil {
		return nil, err
	}
	first := map[int32]kafka.Span{}
	for _, input := range x.cfg.InputTopics() {
		if x.query.Anchor == "" {
			break
		}
		ends, err := x.conn.Cluster.Ends(ctx, input)
		if err != nil {
			return nil, err
		}
		p := kafka.PartitionOf([]byte(x.query.Anchor), int32(len(ends))) //nolint:gosec // a topic has far fewer
		if span, there := all[p]; there {
			first[p] = span
			delete(all, p)
		}
	}
	var last *kafka.Record
	for _, spans := range []map[int32]kafka.Span{first, all} {
		rec, err := x.latest(ctx, topic, spans)
		if err != nil {
			return nil, err
		}
		if rec != nil && (last == nil || rec.Time.After(last.Time)) {
			last = rec
		}
		if last != nil && last.Value != nil {
			break // after a tombstone the others are looked at: the event may have been sent to another partition since
		}
	}
	return last, nil
}

func (x *explainer) latest(ctx context.Context, topic string, spans map[int32]kafka.Span) (*kafka.Record, error) {
	var read func(int64)
	if x.query.Progress != nil && len(spans) > 0 {
		total := int64(0)
		for _, s := range spans {
			total += s.To - s.From
		}
		var done func()
		read, done = x.query.Progress(total)
		defer done()
	}
	return x.conn.Cluster.Latest(ctx, topic, []byte(x.query.ID.String()), spans, read)
}

// rule makes the rule of the tag again, from the archive or else from local files; nil if neither has it.
func (x *explainer) rule(ctx context.Context, a *explain.Answer, t *tagger.Tag) *rule.Rule {
	w, err := x.archived(ctx, t.RuleDigest)
	if err != nil {
		a.Fault("%v", err)
		return nil
	}
	if w == nil {
		return x.localRule(a, t)
	}
	src := produce.SourceOf(w)
	a.Rule = &explain.Rule{
		RuleID: w.RuleID, RuleVersion: w.RuleVersion, RuleDigest: w.RuleDigest, From: explain.FromArchive, SourcePath: w.SourcePath, YAML: w.YAML,
		Filters: []explain.FilterFile{}, ArchivedAt: &w.ArchivedAt, ArchivedBy: w.ArchivedBy, EngineSemantics: w.EngineSemantics,
	}
	for _, f := range w.Filters {
		a.Rule.Filters = append(a.Rule.Filters, explain.FilterFile{Path: f.Path, YAML: f.YAML})
	}
	r, err := src.Parse()
	switch {
	case err != nil:
		a.Fault("the archived rule was checked against ATT&CK %s and is no rule to this version of the worker, so its tag cannot be evaluated here: %v", w.AttackRelease, err)
		return nil
	case r.Digest != t.RuleDigest:
		a.Fault("this version of the worker gives the archived rule another digest, %s: it reads rules in another way, and what it says here may not be what was then", r.Digest)
	}
	return r
}

func (x *explainer) archived(ctx context.Context, digest string) (*wire.RuleArchive, error) {
	name := x.cfg.Topics.Archive.Name
	if err := x.conn.needs(ctx, name, "topics.archive.name"); err != nil {
		return nil, err
	}
	return x.lookup.Archived(ctx, name, digest)
}

// localRule is the rule of the tag's digest among local files.
func (x *explainer) localRule(a *explain.Answer, t *tagger.Tag) *rule.Rule {
	if x.query.Rules == nil {
		a.Fault("rule %s of digest %s is not in the archive (%s): give --rules DIR with the rule files of that time", t.RuleID, t.RuleDigest, x.cfg.Topics.Archive.Name)
		return nil
	}
	rules, err := x.query.Rules()
	if err != nil {
		a.Fault("%v", err)
	}
	at := slices.IndexFunc(rules, func(r *rule.Rule) bool { return r.ID == t.RuleID })
	switch {
	case at < 0:
		a.Fault("rule %s of digest %s is neither in the archive (%s) nor in the rule files", t.RuleID, t.RuleDigest, x.cfg.Topics.Archive.Name)
		return nil
	case rules[at].Digest != t.RuleDigest:
		a.Fault("rule %s of digest %s is not in the archive (%s), and the one in %s is another one, of digest %s",
			t.RuleID, t.RuleDigest, x.cfg.Topics.Archive.Name, rules[at].File.Path, rules[at].Digest)
		return nil
	}
	a.Rule = explain.NewRule(rules[at], explain.FromFiles)
	return rules[at]
}

// event reads the event of the tag; nil if it is gone.
func (x *explainer) event(ctx context.Context, a *explain.Answer) *tagger.TaggerEvent {
	at, err := deadletter.ParsePosition(a.Found.Source)
	if err != nil {
		a.Fault("the tag's header %s, %.100q, does not say where its event is", produce.HeaderSource, a.Found.Source)
		return nil
	}
	switch exists, err := x.conn.Cluster.Exists(ctx, at.Topic); {
	case err != nil:
		a.Fault("looking for the topic of the event at %s: %v", at, err)
		return nil
	case !exists:
		a.Fault("the event at %s is gone: its topic does not exist any more, so the rule cannot be evaluated again", at)
		return nil
	}
	rec, err := x.conn.Cluster.ReadAt(ctx, kafka.Partition{Topic: at.Topic, Number: at.Partition}, at.Offset)
	if err != nil {
		a.Fault("reading the event at %s: %v", at, err)
		return nil
	}
	if rec == nil {
		a.Fault("the event at %s is gone: the topic has no record there any more (retention.ms, retention.bytes), so the rule cannot be evaluated again", at)
		return nil
	}
	ev, err := awaited(ctx, x.lookup, rec.Value, func(value []byte) (tagger.TaggerEvent, error) {
		ev, _, err := x.lookup.Decoder.Event(value, rec.Time)
		return ev, err
	})
	if skip, is := errors.AsType[wire.SkipError](err); is {
		a.Fault("the record at %s is no event to tag, input.format %s skips it (%s): the tag does not hold, and a retag takes it away", at, x.cfg.Input.Format, skip.Reason)
		return nil
	}
	if err != nil {
		a.Fault("the record at %s cannot be read as an event (input.format %s): %v", at, x.cfg.Input.Format, err)
		return nil
	}
	return &ev
}

// now finds out what became of the rule.
func (x *explainer) now(ctx context.Context, a *explain.Answer, t *tagger.Tag) {
	live, err := x.lookup.Live(ctx, x.cfg.Topics.Reloaded.Name, t.RuleID)
	switch {
	case err != nil:
		a.Fault("whether rule %s is live could not be read: %v", t.RuleID, err)
	case live != nil:
		a.Live = &explain.Live{RuleVersion: live.RuleVersion, RuleDigest: live.RuleDigest, Same: live.RuleDigest == t.RuleDigest}
	}
	err = WithStates(ctx, x.cfg, x.log, func(s *store.States) error {
		now := s.State(t.RuleID)
		a.Now(explain.State{State: now.State, ConfidenceMax: now.ConfidenceMax, Reason: now.Reason, SetBy: now.SetBy, SetAt: orNull(now.SetAt)})
		return nil
	})
	if err != nil {
		a.Fault("the state of rule %s could not be read: %v", t.RuleID, err)
	}
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// awaited reads a record, asking the schema registry for its schema if need be.
func awaited[T any](ctx context.Context, l produce.Lookup, value []byte, read func([]byte) (T, error)) (T, error) {
	v, err := read(value)
	missing, ok := errors.AsType[*wire.MissingSchemaError](err)
	if !ok {
		return v, err
	}
	if err := l.Schemas.Await(ctx, missing.Ref); err != nil {
		return v, err
	}
	return read(value)
}
