package deadletter

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"ttpworker/internal/wire"
)

// A Filter says which letters are wanted: those that meet all that is set. The zero value wants all.
type Filter struct {
	Classes  []wire.Class
	Sources  []Source
	From, To time.Time // when the letter was written: at From or later, before To
	Contains string    // in the error's text, whatever its case
	Key      []byte    // nil = any
}

// A Source is records of a topic: all of them, those of a partition, or a range of these.
type Source struct {
	topic     string
	partition int32 // -1 = all
	from, to  int64 // the first and the last
}

// ParseSource reads TOPIC, TOPIC/PARTITION, TOPIC/PARTITION/OFFSET or TOPIC/PARTITION/FIRST-LAST.
func ParseSource(text string) (Source, error) {
	s := Source{partition: -1}
	fail := func(err error) (Source, error) {
		return s, fmt.Errorf("source %q is not topic, topic/partition, topic/partition/offset or topic/partition/first-last: %w", text, err)
	}
	parts := strings.Split(text, "/")
	if len(parts) > 3 || parts[0] == "" {
		return fail(errors.New("a topic and at most two parts more"))
	}
	s.topic = parts[0]
	if len(parts) == 1 {
		return s, nil
	}
	partition, err := strconv.ParseUint(parts[1], 10, 31)
	if err != nil {
		return fail(err)
	}
	s.partition = int32(partition)
	if len(parts) == 2 {
		s.to = math.MaxInt64
		return s, nil
	}
	first, last, isRange := strings.Cut(parts[2], "-")
	if s.from, err = strconv.ParseInt(first, 10, 64); err != nil {
		return fail(err)
	}
	if s.to = s.from; isRange {
		if s.to, err = strconv.ParseInt(last, 10, 64); err != nil {
			return fail(err)
		}
	}
	if s.from > s.to {
		return fail(errors.New("the first is behind the last"))
	}
	return s, nil
}

func (s Source) has(p Position) bool {
	return s.topic == p.Topic && (s.partition < 0 || s.partition == p.Partition && s.from <= p.Offset && p.Offset <= s.to)
}

// matches reports whether the letter is wanted.
func (f *Filter) matches(l *Letter) bool {
	switch {
	case len(f.Classes) > 0 && !slices.Contains(f.Classes, l.Class),
		len(f.Sources) > 0 && !slices.ContainsFunc(f.Sources, func(s Source) bool { return s.has(l.Source) }),
		!f.From.IsZero() && l.Time.Before(f.From),
		!f.To.IsZero() && !l.Time.Before(f.To),
		!strings.Contains(strings.ToLower(l.Error), strings.ToLower(f.Contains)),
		f.Key != nil && !bytes.Equal(f.Key, l.Key):
		return false
	}
	return true
}
