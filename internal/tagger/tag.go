package tagger

import (
	"cmp"
	"crypto/sha1" //nolint:gosec // UUIDv5 is defined over SHA-1 (RFC 9562, 5.5); nothing secret depends on it
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

// A Tag says that one event shows one technique, by one rule. Empty texts are null on the wire.
type Tag struct {
	ID             uuid.UUID
	SourceKind     string
	SourceID       string
	AttackerUUID   string
	IdentityUUID   string
	SessionID      string
	DeckyID        string
	EventTime      time.Time // zero = null
	Tactic         string    // TA0006; "" where a Sigma rule names no technique
	TechniqueID    string    // T1003, the parent
	SubTechniqueID string    // T1003.008, the full id; "" = none
	Confidence     float64   // 0 to 1, under the operator's ceiling
	ConfidenceBase float64   // 0 to 1, as the rule says
	RuleID         string
	RuleVersion    *int   // nil for a Sigma rule; shared, never written to
	RuleDigest     string // 64 hexadecimal digits
	RuleState      State
	Evidence       []byte // a JSON object: keys sorted, no white space
	AttackRelease  string // "19.1"
	MITREURL       string
}

// CutKey is the key of a tag's evidence that lists the keys whose texts were cut.
const CutKey = "_cut"

// Technique is the most specific technique id of the tag.
func (t *Tag) Technique() string { return cmp.Or(t.SubTechniqueID, t.TechniqueID) }

// An Emit is one technique that a rule stands for.
type Emit struct {
	Tactic         string
	TechniqueID    string
	SubTechniqueID string
	Confidence     float64 // 0 to 1
	MITREURL       string
}

// Technique is the most specific technique id of the emit.
func (e *Emit) Technique() string { return cmp.Or(e.SubTechniqueID, e.TechniqueID) }

// An Origin is what a tag says about its rule, the operator's standing order included.
type Origin struct {
	RuleID        string
	RuleVersion   *int
	RuleDigest    string
	AttackRelease string
	Standing      Standing
}

// Tag makes the tag of emit e of this rule on event ev. evidence is kept, not copied.
func (o *Origin) Tag(ev *TaggerEvent, e *Emit, evidence []byte) Tag {
	return Tag{
		ID:             TagID(ev, o.RuleID, e),
		SourceKind:     ev.SourceKind,
		SourceID:       ev.SourceID,
		AttackerUUID:   ev.AttackerUUID,
		IdentityUUID:   ev.IdentityUUID,
		SessionID:      ev.SessionID,
		DeckyID:        ev.DeckyID,
		EventTime:      ev.EventTime,
		Tactic:         e.Tactic,
		TechniqueID:    e.TechniqueID,
		SubTechniqueID: e.SubTechniqueID,
		Confidence:     o.Standing.Limit(e.Confidence),
		ConfidenceBase: e.Confidence,
		RuleID:         o.RuleID,
		RuleVersion:    o.RuleVersion,
		RuleDigest:     o.RuleDigest,
		RuleState:      o.Standing.State,
		Evidence:       evidence,
		AttackRelease:  o.AttackRelease,
		MITREURL:       e.MITREURL,
	}
}

// namespace is the UUID namespace of tag ids, fixed for ever: another value would orphan every key written so far.
var namespace = uuid.MustParse("5307f318-6069-59ee-9960-8c2feecf2388")

// TagID is the identity of a finding: UUIDv5 over the event's anchor, kind and id, the rule and the technique,
// each as a 4-byte big-endian length and its bytes, null as the length FFFFFFFF. The rule's version is no part
// of it, so the same finding under a new version overwrites the same key (I2).
func TagID(ev *TaggerEvent, ruleID string, e *Emit) uuid.UUID {
	buf := make([]byte, 0, 256)
	buf = append(buf, namespace[:]...)
	for _, s := range [...]string{ev.Anchor(), ev.SourceKind, ev.SourceID, ruleID} {
		buf = appendField(buf, s)
	}
	for _, s := range [...]string{e.Tactic, e.TechniqueID, e.SubTechniqueID} {
		if s == "" {
			buf = append(buf, 0xff, 0xff, 0xff, 0xff)
			continue
		}
		buf = appendField(buf, s)
	}
	sum := sha1.Sum(buf) //nolint:gosec // as above
	var id uuid.UUID
	copy(id[:], sum[:])
	id[6] = id[6]&0x0f | 0x50 // version 5
	id[8] = id[8]&0x3f | 0x80 // RFC 9562 variant
	return id
}

func appendField(buf []byte, s string) []byte {
	buf = binary.BigEndian.AppendUint32(buf, uint32(len(s))) //nolint:gosec // identifiers are far below 4 GiB: wire bounds them
	return append(buf, s...)
}
