package kafka

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// A Moment is where a range of a topic begins or ends, in each of its partitions: an end of it, the first record of a time or
// later, or an offset. The zero value is Earliest.
type Moment struct {
	kind   momentKind
	time   time.Time
	offset int64
}

type momentKind uint8

const (
	earliest momentKind = iota
	now
	atTime
	atOffset
)

// Earliest is the first record that is there, Now the end.
var (
	Earliest = Moment{kind: earliest}
	Now      = Moment{kind: now}
)

// ParseMoment reads earliest, now, an offset, an RFC 3339 time, or how long before at, such as 24h.
func ParseMoment(text string, at time.Time) (Moment, error) {
	switch text {
	case "earliest":
		return Earliest, nil
	case "now":
		return Now, nil
	}
	if offset, err := strconv.ParseInt(text, 10, 64); err == nil && offset >= 0 {
		return Moment{kind: atOffset, offset: offset}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return Moment{kind: atTime, time: at.Add(-ago)}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return Moment{kind: atTime, time: t}, nil
	}
	return Moment{}, fmt.Errorf("%q is none of earliest, now, an offset, a time such as 2026-01-31T15:04:05Z, and how long ago, such as 24h", text)
}

// IsOffset reports whether m is an offset, which means something in one partition only.
func (m Moment) IsOffset() bool { return m.kind == atOffset }

// After reports whether m lies behind other, as two times or two offsets say; of other moments only the cluster knows.
func (m Moment) After(other Moment) bool {
	return m.kind == other.kind && (m.kind == atTime && m.time.After(other.time) || m.kind == atOffset && m.offset > other.offset)
}

// OffsetsAt are the offsets of a moment, by partition of a topic. They may lie outside what is there.
func (c *Cluster) OffsetsAt(ctx context.Context, topic string, m Moment) (map[int32]int64, error) {
	switch m.kind {
	case now:
		return c.Ends(ctx, topic)
	case atTime:
		return c.OffsetsAfter(ctx, topic, m.time)
	case earliest, atOffset:
	}
	all, err := c.Starts(ctx, topic)
	if m.kind == atOffset {
		for number := range all {
			all[number] = m.offset
		}
	}
	return all, err
}
