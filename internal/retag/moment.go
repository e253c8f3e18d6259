package retag

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"ttpworker/internal/kafka"
)

// A Moment is where a range begins or ends: a time, an offset, or an end of the topic. The zero value is Earliest.
type Moment struct {
	kind   momentKind
	time   time.Time
	offset int64
}

type momentKind uint8

const (
	earliestMoment momentKind = iota
	nowMoment
	timeMoment
	offsetMoment
)

// Earliest is the first event that is there; Now is the last that workers have tagged.
var (
	Earliest = Moment{kind: earliestMoment}
	Now      = Moment{kind: nowMoment}
)

// ParseMoment reads earliest, now, an offset, an RFC 3339 time, or how long before now, such as 24h.
func ParseMoment(text string, now time.Time) (Moment, error) {
	switch text {
	case "earliest":
		return Earliest, nil
	case "now":
		return Now, nil
	}
	if offset, err := strconv.ParseInt(text, 10, 64); err == nil && offset >= 0 {
		return Moment{kind: offsetMoment, offset: offset}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return Moment{kind: timeMoment, time: now.Add(-ago)}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return Moment{kind: timeMoment, time: at}, nil
	}
	return Moment{}, fmt.Errorf("%q is none of earliest, now, an offset, a time such as 2026-01-31T15:04:05Z, and how long ago, such as 24h", text)
}

// IsOffset reports whether m is an offset, which means something in one partition only.
func (m Moment) IsOffset() bool { return m.kind == offsetMoment }

// offsets are those of a moment, by partition of a topic; latest is where each partition ends.
func (m Moment) offsets(ctx context.Context, c *kafka.Cluster, topic string, latest map[int32]int64) (map[int32]int64, error) {
	switch m.kind {
	case earliestMoment:
		return c.Starts(ctx, topic)
	case timeMoment:
		return c.OffsetsAfter(ctx, topic, m.time)
	case offsetMoment:
		out := map[int32]int64{}
		for p := range latest {
			out[p] = m.offset
		}
		return out, nil
	default:
		return latest, nil
	}
}
