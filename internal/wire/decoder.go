package wire

import (
	"bytes"
	"encoding/binary"
	"sync"
	"time"

	"github.com/google/uuid"

	"ttpworker/internal/tagger"
)

// A Decoder reads records of any framing, which it tells apart by their first bytes. It is safe for concurrent use.
// All its errors are of type *Error.
type Decoder struct {
	limits  Limits
	schemas map[Record]*schema
	prints  map[fingerprint]Record
	scratch sync.Pool // of *scratch
}

// NewDecoder makes a decoder. limits are those of events.
func NewDecoder(limits Limits) (*Decoder, error) {
	if err := limits.Validate(); err != nil {
		return nil, err
	}
	all, err := released()
	if err != nil {
		return nil, err
	}
	d := &Decoder{limits: limits, schemas: map[Record]*schema{}, prints: map[fingerprint]Record{}}
	d.scratch.New = newScratch
	for _, s := range all {
		d.schemas[s.record] = s
		d.prints[s.print], d.prints[s.alias] = s.record, s.record
	}
	return d, nil
}

// Event reads an event. recordTime, that of its Kafka record, stands in for an event_time of null; zero leaves it
// null. repairs counts what was no Unicode in the payload and is U+FFFD now. ev.Payload may alias value, which must
// not change as long as the event is in use; it has no white space around it, and of equal keys in it the last one
// counts. The limits are on the payload as received: a replacement may take 2 bytes more than what it replaces.
func (d *Decoder) Event(value []byte, recordTime time.Time) (ev tagger.TaggerEvent, repairs int, err error) {
	return d.EventOr(value, recordTime, "")
}

// EventOr is Event, but sourceID stands in for a source_id that is missing or empty, if it is not empty itself. The
// command line numbers its lines so.
func (d *Decoder) EventOr(value []byte, recordTime time.Time, sourceID string) (tagger.TaggerEvent, int, error) {
	s := d.take()
	defer d.put(s)
	src, err := d.open(s, EventRecord, value, d.limits)
	if err != nil {
		return tagger.TaggerEvent{}, 0, err
	}
	ev := tagger.TaggerEvent{SourceKind: src.text("source_kind")}
	if sourceID == "" || src.has("source_id") {
		ev.SourceID = src.text("source_id")
	}
	ev.AttackerUUID = src.optionalText("attacker_uuid")
	ev.IdentityUUID = src.optionalText("identity_uuid")
	ev.SessionID = src.optionalText("session_id")
	ev.DeckyID = src.optionalText("decky_id")
	ev.EventTime = src.optionalTime("event_time")
	payload := src.object("payload")
	if err := src.fault(); err != nil {
		return tagger.TaggerEvent{}, 0, err
	}
	if ev.SourceID == "" {
		ev.SourceID = sourceID
	}
	if err := complete(&ev, recordTime); err != nil {
		return tagger.TaggerEvent{}, 0, err
	}
	text, repairs, err := d.check("payload", payload, d.limits)
	if err != nil {
		return tagger.TaggerEvent{}, 0, err
	}
	ev.Payload = text
	return ev, repairs, nil
}

// complete checks an event's fields and sets its time.
func complete(ev *tagger.TaggerEvent, recordTime time.Time) error {
	switch "" {
	case ev.SourceKind:
		return faultf(BadField, "source_kind is empty")
	case ev.SourceID:
		return faultf(BadField, "source_id is empty")
	}
	if !ev.EventTime.IsZero() || recordTime.IsZero() {
		return nil
	}
	n, err := microsOf(recordTime)
	if err != nil {
		return faultf(BadField, "event_time is null and the record's own does not do: %w", err)
	}
	ev.EventTime, err = timeOf(n)
	return err
}

// Tag reads a tag. taggedAt is zero if the record leaves it out, as the command line does. The tag does not alias
// value.
func (d *Decoder) Tag(value []byte) (t tagger.Tag, taggedAt time.Time, err error) {
	s := d.take()
	defer d.put(s)
	src, err := d.open(s, TagRecord, value, Limits{Depth: maxDepth})
	if err != nil {
		return tagger.Tag{}, time.Time{}, err
	}
	t, id, evidence, taggedAt := readTag(src)
	if err := src.fault(); err != nil {
		return tagger.Tag{}, time.Time{}, err
	}
	if t.ID, err = uuid.Parse(id); err != nil || len(id) != 36 {
		return tagger.Tag{}, time.Time{}, faultf(BadField, "tag_id: %.50q is not a UUID of 36 characters", id)
	}
	text, _, err := d.check("evidence", evidence, Limits{PayloadBytes: len(value), Depth: maxDepth})
	if err != nil {
		return tagger.Tag{}, time.Time{}, err
	}
	t.Evidence = bytes.Clone(text)
	return t, taggedAt, nil
}

// RuleReloaded reads a rule of the catalogue. It does not alias value.
func (d *Decoder) RuleReloaded(value []byte) (RuleReloaded, error) {
	return readControl(d, RuleReloadedRecord, value, readRuleReloaded)
}

// RuleState reads an operator's order. It does not alias value.
func (d *Decoder) RuleState(value []byte) (RuleState, error) {
	return readControl(d, RuleStateRecord, value, readRuleState)
}

func readControl[T any](d *Decoder, record Record, value []byte, read func(source) T) (T, error) {
	var zero T
	s := d.take()
	defer d.put(s)
	src, err := d.open(s, record, value, Limits{Depth: d.limits.Depth})
	if err != nil {
		return zero, err
	}
	r := read(src)
	if err := src.fault(); err != nil {
		return zero, err
	}
	return r, nil
}

// open tells the framing of value and returns its fields. They stand in s until it is put back.
func (d *Decoder) open(s *scratch, record Record, value []byte, limits Limits) (source, error) {
	text := bytes.TrimLeft(value, jsonSpace)
	switch {
	case len(text) == 0:
		return nil, faultf(Undecodable, "the value is empty")
	case len(value) > 1 && value[0] == 0xC3 && value[1] == 0x01:
		datum, err := d.singleObject(record, value)
		if err != nil {
			return nil, err
		}
		s.avro = cursor{buf: datum}
		return &s.avro, nil
	case value[0] == 0:
		return nil, confluent(value)
	case text[0] == '{':
		m, err := s.split(value, d.schemas[record].fields, limits)
		if err != nil {
			return nil, err
		}
		m.d = d
		return m, nil
	}
	return nil, faultf(Undecodable, "neither Avro nor JSON: the value begins with % x", value[:min(4, len(value))])
}

// singleObject is the datum behind the header of Avro's single-object encoding.
func (d *Decoder) singleObject(record Record, value []byte) ([]byte, error) {
	const header = 2 + len(fingerprint{})
	if len(value) < header {
		return nil, faultf(Undecodable, "the value ends after %d bytes, inside the header of %d", len(value), header)
	}
	sum := fingerprint(value[2:header])
	switch got, ok := d.prints[sum]; {
	case !ok:
		return nil, faultf(UnknownSchema, "no schema has the fingerprint %s", sum)
	case got != record:
		return nil, faultf(UnknownSchema, "fingerprint %s is of %s, want %s", sum, got, record)
	}
	return value[header:], nil
}

// confluent says what keeps a value in the framing of a schema registry from being read. Once there is one, its id
// leads to a schema here as a fingerprint does in singleObject.
func confluent(value []byte) error {
	if len(value) < 5 {
		return faultf(Undecodable, "the value ends after %d bytes, inside the header of 5", len(value))
	}
	return faultf(UnknownSchema, "schema id %d: no schema registry is configured", binary.BigEndian.Uint32(value[1:]))
}

func (d *Decoder) take() *scratch {
	return d.scratch.Get().(*scratch) // newScratch gives nothing else
}

func (d *Decoder) put(s *scratch) {
	s.release()
	d.scratch.Put(s)
}
