package produce

import (
	"context"
	"fmt"

	"ttpworker/internal/kafka"
	"ttpworker/internal/wire"
)

// A Lookup reads single entries of control topics, for commands. Each one reads the topic.
type Lookup struct {
	Cluster *kafka.Cluster
	Decoder *wire.Decoder
	Schemas Schemas // teaches the decoder; nil = nothing does
}

// Archived is the rule of a digest in the archive, nil if it is not there.
func (l Lookup) Archived(ctx context.Context, topic, digest string) (*wire.RuleArchive, error) {
	return lookUp(ctx, l, topic, digest, l.Decoder.RuleArchive)
}

// Live is what the catalogue says of a rule, nil if it is not live.
func (l Lookup) Live(ctx context.Context, topic, ruleID string) (*wire.RuleReloaded, error) {
	return lookUp(ctx, l, topic, ruleID, l.Decoder.RuleReloaded)
}

// lookUp reads the last record of a key, nil for a tombstone.
func lookUp[T any](ctx context.Context, l Lookup, topic, key string, read func([]byte) (T, error)) (*T, error) {
	var value []byte
	err := l.Cluster.ReadAll(ctx, topic, func(r *kafka.Record) {
		if string(r.Key) == key {
			value = r.Value
		}
	})
	if err != nil || value == nil {
		return nil, err
	}
	w, err := decode(ctx, l.Schemas, value, read)
	if err != nil {
		return nil, fmt.Errorf("reading the record of %q in topic %s: %w", key, topic, err)
	}
	return &w, nil
}
