package deadletter

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
	"ttpworker/internal/wire"
)

// A Position is where a record was read.
type Position struct {
	Topic     string
	Partition int32
	Offset    int64
}

// String is topic/partition/offset.
func (p Position) String() string { return fmt.Sprintf("%s/%d/%d", p.Topic, p.Partition, p.Offset) }

// ParsePosition reads what String writes. The name of a topic holds no slash.
func ParsePosition(s string) (Position, error) {
	parts := strings.Split(s, "/")
	if len(parts) != 3 || parts[0] == "" {
		return Position{}, errors.New("not topic/partition/offset")
	}
	partition, err := strconv.ParseInt(parts[1], 10, 32)
	offset, err2 := strconv.ParseInt(parts[2], 10, 64)
	if err = cmp.Or(err, err2); err != nil {
		return Position{}, err
	}
	if partition < 0 || offset < 0 {
		return Position{}, errors.New("a number is less than 0")
	}
	return Position{Topic: parts[0], Partition: int32(partition), Offset: offset}, nil
}

// A Letter is a record that was no event, and what was said about it.
type Letter struct {
	At         Position  // of the letter
	Time       time.Time // of the letter
	Class      wire.Class
	Error      string
	Source     Position
	SourceTime time.Time      // of the record; zero if the letter does not say
	CutFrom    string         // sizes that the record had, if the letter holds less
	Key        []byte         // nil = none
	Value      []byte         // nil = none
	Headers    []kafka.Header // the record's own
	Replayed   bool
}

// ownHeaders begin all headers that are ours.
const ownHeaders = "ttp-"

// parse reads a letter. It reports false for a record that is none: a mark, or what somebody else has written. What
// was said of it begins at the last header of the class; headers of these names before that are the record's own, and
// whoever wrote it may have meant to mislead.
func parse(rec *kafka.Record) (Letter, bool) {
	n := len(rec.Headers) - 1
	for n >= 0 && rec.Headers[n].Key != consume.HeaderErrorClass {
		n--
	}
	if n < 0 {
		return Letter{}, false
	}
	said := kafka.Record{Headers: rec.Headers[n:]}
	source, err := ParsePosition(said.Header(consume.HeaderSource))
	if err != nil {
		return Letter{}, false
	}
	l := Letter{
		At:   Position{rec.Topic, rec.Partition, rec.Offset},
		Time: rec.Time, Class: wire.Class(said.Header(consume.HeaderErrorClass)), Error: said.Header(consume.HeaderError), Source: source,
		CutFrom: said.Header(consume.HeaderCutFrom), Key: rec.Key, Value: rec.Value,
		Headers: slices.DeleteFunc(slices.Clone(rec.Headers[:n]), func(h kafka.Header) bool { return strings.HasPrefix(h.Key, ownHeaders) }),
	}
	if at, err := time.Parse(time.RFC3339Nano, said.Header(consume.HeaderSourceTime)); err == nil {
		l.SourceTime = at
	}
	return l, true
}

// Unreadable reports whether the letter stands for records that nobody could unpack: it holds none of them.
func (l *Letter) Unreadable() bool { return l.Class == wire.TooLarge && l.Value == nil && l.Key == nil }

// futureLimit is how far in the future a record's time may be: brokers refuse more than an hour
// (message.timestamp.after.max.ms), and clocks differ.
const futureLimit = 59 * time.Minute

// record is the record as it was, for where it was: without any header of ours, at its own time. retimed says that
// this is so far ahead that brokers refuse it, and that the record has the present time instead.
func (l *Letter) record(now time.Time) (rec kafka.Record, retimed bool) {
	rec = kafka.Record{
		Topic: l.Source.Topic, Partition: l.Source.Partition, Time: l.SourceTime, Key: l.Key, Value: l.Value, Headers: l.Headers,
	}
	if l.SourceTime.After(now.Add(futureLimit)) {
		rec.Time, retimed = now, true
	}
	return rec, retimed
}
