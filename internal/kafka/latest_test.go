package kafka_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
)

// The values are those of Kafka's own Utils.murmur2, which its tests have, made positive and taken modulo 1000.
func TestPartitionOfIsKafkas(t *testing.T) {
	t.Parallel()
	for key, hash := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536, "a-little-bit-longer-string": -1486304829, "abc": 479470107,
	} {
		want := (hash & 0x7fffffff) % 1000
		if got := kafka.PartitionOf([]byte(key), 1000); got != want {
			t.Errorf("PartitionOf(%q, 1000) = %d, want %d", key, got, want)
		}
	}
}

func TestLatestIsTheLastOfItsKey(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	topic := c.Name("tags")
	c.CreateTopic(t, topic, 3)
	now := time.Now()
	rec := func(p int32, key, value string, age time.Duration) *kgo.Record {
		r := &kgo.Record{Topic: topic, Partition: p, Key: []byte(key), Timestamp: now.Add(-age)}
		if value != "" {
			r.Value = []byte(value)
		}
		return r
	}
	c.Write(t, rec(0, "a", "1", time.Hour), rec(0, "b", "2", time.Hour), rec(0, "a", "3", 0), rec(1, "b", "4", 0), rec(1, "c", "5", time.Hour), rec(2, "c", "", 0))
	spans, err := c.Spans(t.Context(), topic, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"a": "3", "b": "4", "c": "", "d": "none"} {
		var read int64
		r, err := c.Latest(t.Context(), topic, []byte(key), spans, func(n int64) { read += n })
		got := "none"
		if r != nil {
			got = string(r.Value)
		}
		if err != nil || got != want || read != 6 {
			t.Errorf("Latest(%s) = %s after %d offsets, %v, want %s after 6", key, got, read, err, want)
		}
	}
	if r, err := c.Latest(t.Context(), topic, []byte("a"), nil, nil); r != nil || err != nil {
		t.Errorf("Latest in nothing = %v, %v", r, err)
	}
}
