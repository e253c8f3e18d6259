package deadletter

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"ttpworker/internal/kafka"
)

// Headers of a mark: a record without key and value in the dead letter topic, in the partition of the letters it is about
// and in the transaction that has replayed them.
const (
	HeaderReplayed   = "ttp-replayed"    // their offsets, such as 12-40,57
	HeaderReplayedBy = "ttp-replayed-by" // who did it
)

// offsets is a set of them. Add, then sort, then ask.
type offsets []kafka.Span

func (o *offsets) add(from, to int64) { *o = append(*o, kafka.Span{From: from, To: to}) }

// sort orders the spans and joins those that touch.
func (o *offsets) sort() {
	slices.SortFunc(*o, func(a, b kafka.Span) int { return cmp.Compare(a.From, b.From) })
	joined := (*o)[:0]
	for _, s := range *o {
		if n := len(joined); n > 0 && s.From <= joined[n-1].To {
			joined[n-1].To = max(joined[n-1].To, s.To)
			continue
		}
		joined = append(joined, s)
	}
	*o = joined
}

func (o offsets) has(offset int64) bool {
	i := sort.Search(len(o), func(i int) bool { return o[i].To > offset })
	return i < len(o) && o[i].From <= offset
}

// String writes the set as a mark has it.
func (o offsets) String() string {
	parts := make([]string, len(o))
	for i, s := range o {
		parts[i] = strconv.FormatInt(s.From, 10)
		if s.To > s.From+1 {
			parts[i] += "-" + strconv.FormatInt(s.To-1, 10)
		}
	}
	return strings.Join(parts, ",")
}

// parse adds what String has written.
func (o *offsets) parse(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, err := strconv.ParseInt(first, 10, 64)
		to, err2 := strconv.ParseInt(last, 10, 64)
		if err = cmp.Or(err, err2); err != nil || from > to {
			return fmt.Errorf("%q is no range of offsets", part)
		}
		o.add(from, to+1)
	}
	return nil
}

// marks are the offsets of letters that were replayed, by partition.
type marks map[int32]*offsets

func (m marks) of(partition int32) *offsets {
	if m[partition] == nil {
		m[partition] = new(offsets)
	}
	return m[partition]
}

func (m marks) has(p Position) bool { return m[p.Partition] != nil && m[p.Partition].has(p.Offset) }

// records are the marks as records of topic.
func (m marks) records(topic, by string) []kafka.Record {
	var recs []kafka.Record
	for p, o := range m {
		o.sort()
		recs = append(recs, kafka.Record{Topic: topic, Partition: p, Headers: []kafka.Header{
			{Key: HeaderReplayed, Value: []byte(o.String())},
			{Key: HeaderReplayedBy, Value: []byte(by)},
		}})
	}
	return recs
}
