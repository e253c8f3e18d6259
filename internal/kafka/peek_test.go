package kafka_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
)

func TestFirstTimesPassesOverMarkersAndAbortedRecords(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	topic := c.Name("events")
	c.CreateTopic(t, topic, 4)
	at := func(s int) time.Time { return time.Date(2026, 3, 1, 12, 0, s, 0, time.UTC) }
	rec := func(p int32, at time.Time) *kgo.Record {
		return &kgo.Record{Topic: topic, Partition: p, Timestamp: at, Value: []byte("x")}
	}
	transact(t, c, kgo.TryCommit, rec(0, at(1)), rec(0, at(2))) // 0, 1, marker 2
	transact(t, c, kgo.TryAbort, rec(1, at(3)), rec(1, at(4)))  // 0, 1, marker 2
	transact(t, c, kgo.TryCommit, rec(1, at(5)))                // 3, marker 4
	transact(t, c, kgo.TryAbort, rec(2, at(6)))                 // 0, marker 1
	c.Write(t, rec(3, at(7)))                                   // 0

	part := func(n int32) kafka.Partition { return kafka.Partition{Topic: topic, Number: n} }
	for _, tt := range []struct {
		name  string
		spans map[kafka.Partition]kafka.Span
		want  map[kafka.Partition]time.Time
	}{
		{"nothing is asked", nil, map[kafka.Partition]time.Time{}},
		{
			"from the start",
			map[kafka.Partition]kafka.Span{part(0): {0, 3}, part(1): {0, 5}, part(2): {0, 2}, part(3): {0, 1}},
			map[kafka.Partition]time.Time{part(0): at(1), part(1): at(5), part(2): {}, part(3): at(7)},
		},
		{
			"from the middle",
			map[kafka.Partition]kafka.Span{part(0): {1, 3}, part(1): {2, 5}, part(2): {1, 2}},
			map[kafka.Partition]time.Time{part(0): at(2), part(1): at(5), part(2): {}},
		},
		{"only a marker is left", map[kafka.Partition]kafka.Span{part(0): {2, 3}}, map[kafka.Partition]time.Time{part(0): {}}},
		{"the record is behind the span", map[kafka.Partition]kafka.Span{part(1): {0, 3}}, map[kafka.Partition]time.Time{part(1): {}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), kafkatest.Patience)
			defer cancel()
			got, err := c.FirstTimes(ctx, tt.spans)
			if err != nil {
				t.Fatalf("FirstTimes = %v", err)
			}
			for p := range got {
				if !got[p].IsZero() {
					got[p] = got[p].UTC()
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("FirstTimes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFirstTimesLeavesOutWhatCannotBeReadInTime(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	topic := c.Name("events")
	c.CreateTopic(t, topic, 2)
	c.Write(t, &kgo.Record{Topic: topic, Partition: 0, Value: []byte("x")})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	got, err := c.FirstTimes(ctx, map[kafka.Partition]kafka.Span{{Topic: topic, Number: 0}: {0, 1}, {Topic: topic, Number: 1}: {0, 1}})
	if err != nil || len(got) != 1 {
		t.Errorf("FirstTimes = %v, %v, want the time of partition 0 only", got, err)
	}
}
