package wire

import (
	"errors"
	"fmt"
	"time"

	"ttpworker/internal/tagger"
)

// A Framing is how records are written.
type Framing string

// The framings. Confluent is known by name only.
const (
	SingleObject Framing = "single_object" // Avro with the schema's fingerprint in front
	JSON         Framing = "json"          // the schema's fields as a JSON object, in its order
	Confluent    Framing = "confluent"     // Avro with a schema registry's id in front
)

// ErrNoRegistry is what NewEncoder says to Confluent.
var ErrNoRegistry = errors.New("output.framing confluent needs a schema registry, which this version does not support")

// An Encoder writes records in one framing. Its methods append to dst and return it, like append; on error they
// return dst as it was. Texts must be valid UTF-8, numbers finite, times that are not optional set and all times
// within the years 1 to 9999; they are rounded down to microseconds. An Encoder is safe for concurrent use.
type Encoder struct {
	framing Framing
	prints  map[Record]fingerprint
}

// NewEncoder makes an encoder.
func NewEncoder(framing Framing) (*Encoder, error) {
	switch framing {
	case SingleObject, JSON:
	case Confluent:
		return nil, ErrNoRegistry
	default:
		return nil, fmt.Errorf("unknown output.framing %q: one of %s, %s, %s", framing, SingleObject, Confluent, JSON)
	}
	all, err := released()
	if err != nil {
		return nil, err
	}
	e := &Encoder{framing: framing, prints: map[Record]fingerprint{}}
	for _, s := range all {
		e.prints[s.record] = s.print
	}
	return e, nil
}

// ContentType is the header content-type of what the encoder writes.
func (e *Encoder) ContentType() string {
	if e.framing == JSON {
		return "application/json"
	}
	return "application/avro"
}

// Schema is the header ttp-schema of a record: the 8 bytes of the fingerprint of its schema in the order in which
// they stand behind C3 01, in 16 lower-case hexadecimal digits. JSON has the fingerprint of the schema it follows.
func (e *Encoder) Schema(r Record) string { return e.prints[r].String() }

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

func (e *Encoder) write(dst []byte, record Record, fill func(sink)) ([]byte, error) {
	if e.framing == JSON {
		s := &jsonSink{dst: dst}
		fill(s)
		return result(dst, s.dst, s.err, record)
	}
	sum := e.prints[record]
	s := &avroSink{dst: append(append(dst, 0xC3, 0x01), sum[:]...)}
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
