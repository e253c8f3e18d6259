package produce

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"ttpworker/internal/kafka"
	"ttpworker/internal/rule"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

// Headers of every output record. All values are ASCII.
const (
	HeaderContentType = "content-type" // application/avro or application/json
	HeaderSchema      = "ttp-schema"   // fingerprint of the writer's schema, 16 hexadecimal digits
	HeaderPlan        = "ttp-plan"     // tags: digest of the plan
	HeaderSource      = "ttp-source"   // tags: topic/partition/offset of the event
)

// Outputs says where tags go and how they are written. It is safe for concurrent use.
type Outputs struct {
	Encoder  *wire.Encoder
	Tags     string // topic
	Shadow   string // topic of tags by rules in state shadow
	MaxBytes int    // of a tag record; a larger one is refused. 0 = no bound
}

// A Source is where the event of a tag came from and what it was tagged under.
type Source struct {
	Partition int32
	Position  string         // topic/partition/offset
	Plan      string         // digest
	Trace     []kafka.Header // the event's trace context, if it carries one
}

// recordOverhead is what a record batch of one record takes beside key, value and headers, generously, in bytes.
const recordOverhead = 200

// TagRecord is the record of a tag: keyed by its id, on the partition of its event, so that the order of an
// attacker's events is the order of their tags. A tag that would not fit is an error of class output_too_large.
func (o Outputs) TagRecord(t *tagger.Tag, from Source, taggedAt time.Time) (kafka.Record, error) {
	value, err := o.Encoder.Tag(nil, t, taggedAt)
	if err != nil {
		return kafka.Record{}, fmt.Errorf("encoding tag of rule %q: %w", t.RuleID, err)
	}
	r := kafka.Record{
		Topic: o.Tags, Partition: from.Partition, Key: []byte(t.ID.String()), Value: value,
		Headers: append(headers(o.Encoder, wire.TagRecord),
			kafka.Header{Key: HeaderPlan, Value: []byte(from.Plan)},
			kafka.Header{Key: HeaderSource, Value: []byte(from.Position)}),
	}
	r.Headers = append(r.Headers, from.Trace...)
	if t.RuleState == tagger.Shadow {
		r.Topic = o.Shadow
	}
	if size := r.Size() + recordOverhead; o.MaxBytes > 0 && size > o.MaxBytes {
		return kafka.Record{}, &wire.Error{
			Class: wire.OutputTooLarge,
			Err:   fmt.Errorf("tag of rule %q takes %d bytes, the topic takes %d", t.RuleID, size, o.MaxBytes),
		}
	}
	return r, nil
}

// TagKey is the id that is the key of a tag's record: 36 characters in lower case. False for any other key, which no worker writes.
func TagKey(key []byte) (id uuid.UUID, is bool) {
	id, err := uuid.ParseBytes(key)
	return id, err == nil && id.String() == string(key)
}

// TagTombstone says that a tag does not hold any more in one of the topics of tags. from is what the tag came from.
func (o Outputs) TagTombstone(topic string, id uuid.UUID, from Source) kafka.Record {
	return kafka.Record{
		Topic: topic, Partition: from.Partition, Key: []byte(id.String()),
		Headers: append(headers(o.Encoder, wire.TagRecord),
			kafka.Header{Key: HeaderPlan, Value: []byte(from.Plan)},
			kafka.Header{Key: HeaderSource, Value: []byte(from.Position)}),
	}
}

// A LoadedRule is a rule that is loaded now.
type LoadedRule struct {
	Rule *rule.Rule
	Path string // of its file, relative to the rule directory
	By   string // the replica that says so
	At   time.Time
}

// RuleReloadedRecord says that a rule is loaded. A nil l is a tombstone: the rule ruleID is gone.
func RuleReloadedRecord(enc *wire.Encoder, topic, ruleID string, l *LoadedRule) (kafka.Record, error) {
	rec := kafka.Record{Topic: topic, Key: []byte(ruleID), Headers: headers(enc, wire.RuleReloadedRecord)}
	if l == nil {
		return rec, nil
	}
	r := l.Rule
	w := wire.RuleReloaded{
		RuleID: r.ID, Name: r.Name, RuleDigest: r.Digest, FileSHA256: r.File.SHA256, SourcePath: l.Path,
		YAML: r.File.Text, RuleVersion: r.Version, Kinds: r.Kinds, LoadedBy: l.By, LoadedAt: l.At,
	}
	for _, e := range r.Emits {
		w.Emits = append(w.Emits, wire.Emit{
			Tactic: e.Tactic, TechniqueID: e.TechniqueID, SubTechniqueID: e.SubTechniqueID, Confidence: e.Confidence,
		})
	}
	var err error
	if rec.Value, err = enc.RuleReloaded(nil, &w); err != nil {
		return kafka.Record{}, fmt.Errorf("encoding rule %q: %w", r.ID, err)
	}
	return rec, nil
}

// RuleStateRecord is an order about a rule, or the keeper's revert of one.
func RuleStateRecord(enc *wire.Encoder, topic string, s store.State) (kafka.Record, error) {
	if s.RuleID == "" {
		return kafka.Record{}, errors.New("a state without rule_id has no key")
	}
	value, err := enc.RuleState(nil, &wire.RuleState{
		RuleID: s.RuleID, StateID: s.StateID, State: s.State, Reason: s.Reason, SetBy: s.SetBy,
		ConfidenceMax: s.ConfidenceMax, ExpiresAt: s.ExpiresAt, SetAt: s.SetAt, Reverts: s.Reverts,
	})
	if err != nil {
		return kafka.Record{}, fmt.Errorf("encoding state of rule %q: %w", s.RuleID, err)
	}
	return kafka.Record{Topic: topic, Key: []byte(s.RuleID), Value: value, Headers: headers(enc, wire.RuleStateRecord)}, nil
}

func headers(enc *wire.Encoder, of wire.Record) []kafka.Header {
	return append(make([]kafka.Header, 0, 4),
		kafka.Header{Key: HeaderContentType, Value: []byte(enc.ContentType())},
		kafka.Header{Key: HeaderSchema, Value: []byte(enc.Schema(of))})
}
