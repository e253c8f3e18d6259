package wire

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// A jsonSink writes a JSON object to the end of dst, without white space and without escaping for HTML.
type jsonSink struct {
	sinkFault
	dst   []byte
	comma bool // something stands before the next member
}

var _ sink = (*jsonSink)(nil)

func (s *jsonSink) begin() { s.dst, s.comma = append(s.dst, '{'), false }
func (s *jsonSink) end()   { s.dst, s.comma = append(s.dst, '}'), true }

func (s *jsonSink) name(field string) {
	if s.comma {
		s.dst = append(s.dst, ',')
	}
	s.dst = append(s.dst, '"')
	s.dst = append(s.dst, field...)
	s.dst = append(s.dst, '"', ':')
	s.comma = true
}

func (s *jsonSink) null(field string) {
	s.name(field)
	s.dst = append(s.dst, "null"...)
}

func (s *jsonSink) quote(field, v string) {
	var err error
	if s.dst, err = jsontext.AppendQuote(s.dst, v); err != nil {
		s.fail(field, errUTF8)
	}
}

func (s *jsonSink) text(field, v string) {
	s.name(field)
	s.quote(field, v)
}

func (s *jsonSink) optionalText(field, v string) {
	if v == "" {
		s.null(field)
		return
	}
	s.text(field, v)
}

func (s *jsonSink) time(field string, v time.Time) {
	s.name(field)
	n, err := microsOf(v)
	if err != nil {
		s.fail(field, err)
		return
	}
	s.dst = append(s.dst, '"')
	s.dst = time.UnixMicro(n).UTC().AppendFormat(s.dst, time.RFC3339Nano)
	s.dst = append(s.dst, '"')
}

func (s *jsonSink) optionalTime(field string, v time.Time) {
	if v.IsZero() {
		s.null(field)
		return
	}
	s.time(field, v)
}

func (s *jsonSink) double(field string, v float64) {
	s.name(field)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		s.fail(field, errFinite)
		return
	}
	s.dst = strconv.AppendFloat(s.dst, v, 'g', -1, 64) // the shortest text that reads back as v
}

func (s *jsonSink) optionalDouble(field string, v *float64) {
	if v == nil {
		s.null(field)
		return
	}
	s.double(field, *v)
}

func (s *jsonSink) optionalInt(field string, v *int) {
	if v == nil {
		s.null(field)
		return
	}
	if *v < math.MinInt32 || *v > math.MaxInt32 {
		s.fail(field, fmt.Errorf("%d has more than 32 bits", *v))
	}
	s.name(field)
	s.dst = strconv.AppendInt(s.dst, int64(*v), 10)
}

func (s *jsonSink) object(field string, v []byte) {
	if len(v) == 0 {
		s.fail(field, errEmpty)
	}
	s.name(field)
	s.dst = append(s.dst, v...)
}

func (s *jsonSink) texts(field string, v []string) {
	s.list(field, len(v), func(i int) { s.quote(field, v[i]) })
}

func (s *jsonSink) each(field string, n int, item func(i int)) {
	s.list(field, n, func(i int) {
		s.begin()
		item(i)
		s.end()
	})
}

func (s *jsonSink) list(field string, n int, item func(i int)) {
	s.name(field)
	s.dst = append(s.dst, '[')
	for i := range n {
		if i > 0 {
			s.dst = append(s.dst, ',')
		}
		item(i)
	}
	s.dst = append(s.dst, ']')
	s.comma = true
}
