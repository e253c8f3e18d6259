package verify

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"ttpworker/internal/kafka"
)

// A Point is where a range begins or ends, in every partition: at its first record, at its end, at the first record of a
// time or later, or at an offset. The zero value is the first record.
type Point struct {
	kind   pointKind
	time   time.Time
	offset int64
}

type pointKind int

const (
	earliest pointKind = iota
	latest
	atTime
	atOffset
)

// ParsePoint reads earliest, now, an offset, a time (RFC 3339), or how long before now that was.
func ParsePoint(text string, now time.Time) (Point, error) {
	switch text {
	case "earliest":
		return Point{}, nil
	case "now":
		return Point{kind: latest}, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
		return Point{kind: atOffset, offset: n}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return Point{kind: atTime, time: now.Add(-ago)}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return Point{}, fmt.Errorf("%q is neither earliest, now, RFC 3339, such as 2026-01-31T15:04:05Z, how long ago, such as 24h, nor an offset", text)
	}
	return Point{kind: atTime, time: at}, nil
}

// IsOffset reports whether the point is an offset, which means something in one partition only.
func (p Point) IsOffset() bool { return p.kind == atOffset }

// offsets are the point in each of the partitions of a topic.
func (p Point) offsets(ctx context.Context, c *kafka.Cluster, topic string) (map[int32]int64, error) {
	switch p.kind {
	case latest:
		return c.Ends(ctx, topic)
	case atTime:
		return c.OffsetsAfter(ctx, topic, p.time)
	case earliest, atOffset:
	}
	all, err := c.Starts(ctx, topic)
	if p.kind == atOffset {
		for n := range all {
			all[n] = p.offset
		}
	}
	return all, err
}
