package produce

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"ttpworker/internal/kafka"
	"ttpworker/internal/rule"
	"ttpworker/internal/wire"
)

// A Catalogue is the topic of rules that are live. Every replica reads it, the keeper alone writes it.
type Catalogue struct {
	cluster  *kafka.Cluster
	appender *kafka.Appender
	encoder  *wire.Encoder
	decoder  *wire.Decoder
	schemas  Schemas
	topic    string
	dir      string // rule directory: paths in the topic are relative to it
	by       string // this replica, in the records it writes
	log      *slog.Logger
}

// NewCatalogue makes the catalogue over topic, read with dec, which schemas teaches, of rules below dir; by names this replica in the records it writes.
// It does not close appender.
func NewCatalogue(
	cluster *kafka.Cluster, appender *kafka.Appender, enc *wire.Encoder, dec *wire.Decoder, schemas Schemas, topic, dir, by string, log *slog.Logger,
) *Catalogue {
	return &Catalogue{
		cluster: cluster, appender: appender, encoder: enc, decoder: dec, schemas: schemas, topic: topic, dir: dir, by: by, log: log,
	}
}

// shown is a rule file's path as the topic has it.
func (c *Catalogue) shown(path string) string { return shownIn(c.dir, path) }

// shownIn is a rule file's path as topics have it: relative to the rule directory, with slashes, so that replicas
// with the same files agree wherever they keep them.
func shownIn(dir, path string) string {
	rel, err := filepath.Rel(dir, path)
	if err != nil {
		rel = path
	}
	return filepath.ToSlash(rel)
}

// An entry is what a record of the catalogue says, as far as it is compared. An edit of a comment is another
// entry with the same digest.
type entry struct{ digest, file, path string }

func (c *Catalogue) entryOf(r *rule.Rule) entry {
	return entry{r.Digest, r.File.SHA256, c.shown(r.File.Path)}
}

// entries are the live rules by rule id.
type entries map[string]entry

// fold takes in what a record says of a rule: nil if it is gone.
func (e entries) fold(id string, now *entry) {
	if now == nil {
		delete(e, id)
		return
	}
	e[id] = *now
}

// decode is what a record says of its rule, nil for a tombstone. ok is false if ctx has ended.
func (c *Catalogue) decode(ctx context.Context, r *kafka.Record) (now *entry, ok bool) {
	if r.Value == nil {
		return nil, true
	}
	w, err := decode(ctx, c.schemas, r.Value, c.decoder.RuleReloaded)
	switch {
	case ctx.Err() != nil:
		return nil, false
	case err != nil:
		c.log.Warn("catalogue record cannot be read; the keeper will write it anew", "rule", string(r.Key), "offset", r.Offset, "err", err)
		return &entry{}, true
	}
	return &entry{w.RuleDigest, w.FileSHA256, w.SourcePath}, true
}

// read returns what the catalogue says now.
func (c *Catalogue) read(ctx context.Context) (entries, error) {
	e := entries{}
	take := func(r *kafka.Record) {
		if now, ok := c.decode(ctx, r); ok {
			e.fold(string(r.Key), now)
		}
	}
	if err := c.cluster.ReadAll(ctx, c.topic, take); err != nil {
		return nil, fmt.Errorf("reading the catalogue: %w", err)
	}
	return e, nil
}

// write appends what is true of a rule now: r, or its tombstone if r is nil.
func (c *Catalogue) write(ctx context.Context, id string, r *rule.Rule) error {
	rec, err := RuleReloadedRecord(c.encoder, c.topic, id, c.loaded(r, time.Now()))
	if err != nil {
		return err
	}
	return c.appender.Append(ctx, rec)
}

// loaded says that r is loaded, by this replica, at a time; nil for nil.
func (c *Catalogue) loaded(r *rule.Rule, at time.Time) *LoadedRule {
	if r == nil {
		return nil
	}
	return &LoadedRule{Rule: r, Path: c.shown(r.File.Path), By: c.by, At: at}
}
