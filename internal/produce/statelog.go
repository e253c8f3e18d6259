package produce

import (
	"context"
	"log/slog"

	"ttpworker/internal/kafka"
	"ttpworker/internal/store"
	"ttpworker/internal/wire"
)

var _ store.StateLog = (*StateLog)(nil)

// A StateLog is the state topic as package store wants it. It is safe for concurrent use.
type StateLog struct {
	cluster  *kafka.Cluster
	appender *kafka.Appender
	encoder  *wire.Encoder
	decoder  *wire.Decoder
	schemas  Schemas
	topic    string
	log      *slog.Logger
}

// NewStateLog makes the log over topic, read with dec, which schemas teaches. It does not close appender.
func NewStateLog(
	cluster *kafka.Cluster, appender *kafka.Appender, enc *wire.Encoder, dec *wire.Decoder, schemas Schemas, topic string, log *slog.Logger,
) *StateLog {
	return &StateLog{cluster: cluster, appender: appender, encoder: enc, decoder: dec, schemas: schemas, topic: topic, log: log}
}

// Append implements store.StateLog.
func (l *StateLog) Append(ctx context.Context, s store.State) error {
	rec, err := RuleStateRecord(l.encoder, l.topic, s)
	if err != nil {
		return err
	}
	return l.appender.Append(ctx, rec)
}

// Follow implements store.StateLog.
func (l *StateLog) Follow(ctx context.Context, apply func(string, *store.State), caughtUp func()) error {
	return l.cluster.Follow(ctx, l.topic, func(r *kafka.Record) { l.take(ctx, r, apply) }, caughtUp)
}

// ReadAll calls apply for every record in the log and returns.
func (l *StateLog) ReadAll(ctx context.Context, apply func(string, *store.State)) error {
	return l.cluster.ReadAll(ctx, l.topic, func(r *kafka.Record) { l.take(ctx, r, apply) })
}

// take decodes one record. One that cannot be decoded is no order: it is logged, and what is in force stays.
func (l *StateLog) take(ctx context.Context, r *kafka.Record, apply func(string, *store.State)) {
	id := string(r.Key)
	if r.Value == nil {
		apply(id, nil)
		return
	}
	w, err := decode(ctx, l.schemas, r.Value, l.decoder.RuleState)
	if ctx.Err() != nil {
		return // who follows is gone
	}
	if err != nil {
		l.log.Warn("state record cannot be read and is ignored", "rule", id, "offset", r.Offset, "err", err)
		return
	}
	apply(id, &store.State{
		RuleID: w.RuleID, StateID: w.StateID, State: w.State, ConfidenceMax: w.ConfidenceMax, Reason: w.Reason,
		SetBy: w.SetBy, SetAt: w.SetAt, ExpiresAt: w.ExpiresAt, Reverts: w.Reverts,
	})
}
