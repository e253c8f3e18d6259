package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"ttpworker/internal/tagger"
)

// What the values of the two Avro framings begin with.
var magicSingleObject = [2]byte{0xC3, 0x01}

const magicConfluent = 0

// How long their headers are, in bytes.
const (
	singleObjectHeader = len(magicSingleObject) + len(fingerprint{})
	confluentHeader    = 1 + 4
)

// A Decoder reads records of any framing, which it tells apart by their first bytes. It knows the released schemas by
// their fingerprints and learns others: see Learn. It is safe for concurrent use. All errors of its readers are of
// type *Error; one about a schema that it does not know yet has a *MissingSchemaError in it. Only events of a format
// that has records which are none give a SkipError, too.
type Decoder struct {
	limits   Limits
	honeypot *cowrieReader // nil unless events are of the format cowrie
	schemas  map[Record]*schema
	scratch  sync.Pool // of *scratch

	learning sync.Mutex // held by those who store into prints and ids
	prints   atomic.Pointer[map[fingerprint]*writer]
	ids      atomic.Pointer[map[uint32]*writer] // neither map changes once stored
}

// NewDecoder makes a decoder. limits are those of events.
func NewDecoder(limits Limits) (*Decoder, error) { return NewDecoderOf(TaggerEvent, limits) }

// NewDecoderOf makes a decoder whose events are of a format. What it reads besides does not depend on that.
func NewDecoderOf(format Format, limits Limits) (*Decoder, error) {
	if err := errors.Join(format.Validate(), limits.Validate()); err != nil {
		return nil, err
	}
	all, err := released()
	if err != nil {
		return nil, err
	}
	d := &Decoder{limits: limits, schemas: map[Record]*schema{}}
	if format == Cowrie {
		d.honeypot = newCowrieReader()
	}
	d.scratch.New = newScratch
	prints := map[fingerprint]*writer{}
	for _, s := range all {
		d.schemas[s.record] = s
		w := &writer{record: s.record}
		prints[s.print], prints[s.alias] = w, w
	}
	d.prints.Store(&prints)
	d.ids.Store(&map[uint32]*writer{})
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
	if d.honeypot != nil {
		return d.cowrie(value)
	}
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

// RuleArchive reads a rule of the archive. It does not alias value.
func (d *Decoder) RuleArchive(value []byte) (RuleArchive, error) {
	return readControl(d, RuleArchiveRecord, value, readRuleArchive)
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
	switch text := trim(value); {
	case len(text) == 0:
		return nil, faultf(Undecodable, "the value is empty")
	case len(value) > 1 && [2]byte(value) == magicSingleObject:
		return d.openDatum(s, record, value, singleObjectHeader)
	case value[0] == magicConfluent:
		return d.openDatum(s, record, value, confluentHeader)
	case text[0] == '{':
		m, err := s.split(value, d.schemas[record].fields, limits)
		if err != nil {
			return nil, err
		}
		m.d = d
		return m, nil
	}
	return nil, faultf(Undecodable, "neither Avro nor a JSON object: the value begins with %s", beginning(value))
}

// beginning shows how a value begins, as a text if it is one in ASCII.
func beginning(value []byte) string {
	const texts, bytesShown = 12, 4
	text := value[:min(texts, len(value))]
	if bytes.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		return fmt.Sprintf("% x", value[:min(bytesShown, len(value))])
	}
	return strconv.Quote(string(text))
}

// openDatum finds the schema that the header of value names and returns the fields of the datum behind it.
func (d *Decoder) openDatum(s *scratch, record Record, value []byte, header int) (source, error) {
	if len(value) < header {
		return nil, faultf(Undecodable, "the value ends after %d bytes, inside the header of %d", len(value), header)
	}
	ref := refOf(value)
	w := d.writer(ref)
	datum := value[header:]
	switch {
	case w == nil:
		return nil, &Error{Class: UnknownSchema, Err: &MissingSchemaError{Ref: ref}}
	case w.fault != nil:
		return nil, faultf(UnknownSchema, "%v%s: %w", ref, w.from(), w.fault)
	case w.record != record:
		return nil, faultf(UnknownSchema, "%v is of %s, want %s", ref, w.record, record)
	case w.translate != nil:
		var err error
		if datum, err = w.translate.run(datum); err != nil {
			return nil, err
		}
	}
	s.avro = cursor{buf: datum}
	if record == EventRecord {
		s.avro.ahead = eventTexts(datum)
	}
	return &s.avro, nil
}

// refOf is the schema that the header of value names. It is complete.
func refOf(value []byte) SchemaRef {
	if value[0] == magicConfluent {
		return RefByID(binary.BigEndian.Uint32(value[1:]))
	}
	return SchemaRef{print: fingerprint(value[len(magicSingleObject):singleObjectHeader]), byPrint: true}
}

func (d *Decoder) take() *scratch {
	return d.scratch.Get().(*scratch) // newScratch gives nothing else
}

func (d *Decoder) put(s *scratch) {
	s.release()
	d.scratch.Put(s)
}
