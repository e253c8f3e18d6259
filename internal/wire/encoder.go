package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"

	"ttpworker/internal/tagger"
)

// A Framing is how records are written.
type Framing string

// The framings.
const (
	SingleObject Framing = "single_object" // Avro with the schema's fingerprint in front
	JSON         Framing = "json"          // the schema's fields as a JSON object, in its order
	Confluent    Framing = "confluent"     // Avro with a schema registry's id in front
)

// Validate reports a framing that there is not.
func (f Framing) Validate() error {
	switch f {
	case SingleObject, JSON, Confluent:
		return nil
	}
	return fmt.Errorf("unknown output.framing %q: one of %s, %s, %s", f, SingleObject, Confluent, JSON)
}

// An Encoder writes records in one framing. Its methods append to dst and return it, like append; on error they
// return dst as it was. Texts must be valid UTF-8, numbers finite, times that are not optional set and all times
// within the years 1 to 9999; they are rounded down to microseconds. An Encoder is safe for concurrent use.
type Encoder struct {
	framing Framing
	headers map[Record][]byte // what stands before a datum
	schemas map[Record]string // the header ttp-schema
}

// errNoID is about a record of which the schema registry has no schema.
var errNoID = errors.New("the schema registry has given its schema no id")

// NewEncoder makes an encoder for SingleObject or JSON.
func NewEncoder(framing Framing) (*Encoder, error) {
	if err := framing.Validate(); err != nil {
		return nil, err
	}
	if framing == Confluent {
		return nil, errors.New("output.framing confluent needs the ids of a schema registry")
	}
	all, err := released()
	if err != nil {
		return nil, err
	}
	e := &Encoder{framing: framing, headers: map[Record][]byte{}, schemas: map[Record]string{}}
	for _, s := range all {
		e.headers[s.record] = append(magicSingleObject[:], s.print[:]...)
		e.schemas[s.record] = s.print.String()
	}
	return e, nil
}

// NewConfluentEncoder makes an encoder for Confluent. ids are those that the registry has given the schemas; a record
// without one cannot be written.
func NewConfluentEncoder(ids map[Record]uint32) *Encoder {
	e := &Encoder{framing: Confluent, headers: map[Record][]byte{}, schemas: map[Record]string{}}
	for r, id := range ids {
		e.headers[r] = binary.BigEndian.AppendUint32([]byte{magicConfluent}, id)
		e.schemas[r] = strconv.FormatUint(uint64(id), 10)
	}
	return e
}

// ContentType is the header content-type of what the encoder writes.
func (e *Encoder) ContentType() string {
	if e.framing == JSON {
		return "application/json"
	}
	return "application/avro"
}

// Schema is the header ttp-schema of a record: the 8 bytes of the fingerprint of its schema in the order in which
// they stand behind C3 01, in 16 lower-case hexadecimal digits. JSON has the fingerprint of the schema it follows,
// Confluent the registry's id in decimal digits.
func (e *Encoder) Schema(r Record) string { return e.schemas[r] }

// Event appends an event. Its payload goes out as it is, so it must be a JSON object.
func (e *Encoder) Event(dst []byte, ev *tagger.TaggerEvent) ([]byte, error) {
	return e.write(dst, EventRecord, func(s sink) { writeEvent(s, ev) })
}

// Tag appends a tag. Its evidence goes out as it is, so it must be a JSON object.
func (e *Encoder) Tag(dst []byte, t *tagger.Tag, taggedAt time.Time) ([]byte, error) {
	return e.write(dst, TagRecord, func(s sink) {
		writeTag(s, t)
		s.time("tagged_at", taggedAt)
		s.end()
	})
}

// RuleReloaded appends a rule of the catalogue.
func (e *Encoder) RuleReloaded(dst []byte, r *RuleReloaded) ([]byte, error) {
	return e.write(dst, RuleReloadedRecord, func(s sink) { writeRuleReloaded(s, r) })
}

// RuleState appends an operator's order.
func (e *Encoder) RuleState(dst []byte, r *RuleState) ([]byte, error) {
	return e.write(dst, RuleStateRecord, func(s sink) { writeRuleState(s, r) })
}

// RuleArchive appends a rule of the archive.
func (e *Encoder) RuleArchive(dst []byte, r *RuleArchive) ([]byte, error) {
	return e.write(dst, RuleArchiveRecord, func(s sink) { writeRuleArchive(s, r) })
}

func (e *Encoder) write(dst []byte, record Record, fill func(sink)) ([]byte, error) {
	if e.framing == JSON {
		s := &jsonSink{dst: dst}
		fill(s)
		return result(dst, s.dst, s.err, record)
	}
	header, ok := e.headers[record]
	if !ok {
		return result(dst, nil, errNoID, record)
	}
	s := &avroSink{dst: append(dst, header...)}
	fill(s)
	return result(dst, s.dst, s.err, record)
}

// AppendTagJSON appends a tag as the command line prints it: one line without its end, the members of the JSON form
// in the same order, but no tagged_at, so that two runs print the same. Errors and dst are as an Encoder's.
func AppendTagJSON(dst []byte, t *tagger.Tag) ([]byte, error) {
	s := &jsonSink{dst: dst}
	writeTag(s, t)
	s.end()
	return result(dst, s.dst, s.err, TagRecord)
}

func result(before, after []byte, err error, record Record) ([]byte, error) {
	if err != nil {
		return before, fmt.Errorf("encoding a %s: %w", record, err)
	}
	return after, nil
}
