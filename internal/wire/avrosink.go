package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"
)

// faults of values that no framing can write, for both sinks.
var (
	errUTF8   = errors.New("invalid UTF-8")
	errFinite = errors.New("not a finite number")
	errEmpty  = errors.New("empty, want a JSON object")
)

// sinkFault notes the first fault of a sink.
type sinkFault struct{ err error }

func (s *sinkFault) fail(field string, err error) {
	if s.err == nil {
		s.err = fmt.Errorf("%s: %w", field, err)
	}
}

// An avroSink writes a datum to the end of dst.
type avroSink struct {
	sinkFault
	dst []byte
}

var _ sink = (*avroSink)(nil)

func (s *avroSink) begin() {}
func (s *avroSink) end()   {}

func (s *avroSink) long(v int64) { s.dst = binary.AppendVarint(s.dst, v) }

// branch writes which branch of a union of null and something follows, and reports whether it is not null.
func (s *avroSink) branch(present bool) bool {
	if present {
		s.long(1)
	} else {
		s.long(0)
	}
	return present
}

func (s *avroSink) text(field, v string) {
	if !utf8.ValidString(v) {
		s.fail(field, errUTF8)
	}
	s.long(int64(len(v)))
	s.dst = append(s.dst, v...)
}

func (s *avroSink) optionalText(field, v string) {
	if s.branch(v != "") {
		s.text(field, v)
	}
}

func (s *avroSink) time(field string, v time.Time) {
	n, err := microsOf(v)
	if err != nil {
		s.fail(field, err)
	}
	s.long(n)
}

func (s *avroSink) optionalTime(field string, v time.Time) {
	if s.branch(!v.IsZero()) {
		s.time(field, v)
	}
}

func (s *avroSink) double(field string, v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		s.fail(field, errFinite)
	}
	s.dst = binary.LittleEndian.AppendUint64(s.dst, math.Float64bits(v))
}

func (s *avroSink) optionalDouble(field string, v *float64) {
	if s.branch(v != nil) {
		s.double(field, *v)
	}
}

func (s *avroSink) optionalInt(field string, v *int) {
	if s.branch(v != nil) {
		if *v < math.MinInt32 || *v > math.MaxInt32 {
			s.fail(field, fmt.Errorf("%d has more than 32 bits", *v))
		}
		s.long(int64(*v))
	}
}

func (s *avroSink) object(field string, v []byte) {
	if len(v) == 0 {
		s.fail(field, errEmpty)
	}
	s.long(int64(len(v)))
	s.dst = append(s.dst, v...)
}

func (s *avroSink) texts(field string, v []string) {
	s.each(field, len(v), func(i int) { s.text(field, v[i]) })
}

// each writes one block with all items, and the empty one that ends an array.
func (s *avroSink) each(_ string, n int, item func(i int)) {
	if n > 0 {
		s.long(int64(n))
	}
	for i := range n {
		item(i)
	}
	s.long(0)
}
