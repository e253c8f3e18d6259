package kafka_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/kafka"
)

func TestOffsetsAtAMoment(t *testing.T) {
	t.Parallel()
	c, topic := onTopic(t, 2)
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i := range 3 { // at noon, 13:00 and 14:00, all in partition 1
		c.Write(t, &kgo.Record{Topic: topic, Partition: 1, Value: []byte("x"), Timestamp: noon.Add(time.Duration(i) * time.Hour)})
	}
	for _, tt := range []struct {
		text string
		want map[int32]int64
	}{
		{"earliest", map[int32]int64{0: 0, 1: 0}},
		{"now", map[int32]int64{0: 0, 1: 3}},
		{"2", map[int32]int64{0: 2, 1: 2}},
		{"2026-03-01T12:00:00Z", map[int32]int64{0: 0, 1: 0}},
		{"2026-03-01T12:00:01Z", map[int32]int64{0: 0, 1: 1}},
		{"2026-03-02T00:00:00Z", map[int32]int64{0: 0, 1: 3}},
		{"90m", map[int32]int64{0: 0, 1: 2}}, // before 15:00
		{"48h", map[int32]int64{0: 0, 1: 0}},
	} {
		m, err := kafka.ParseMoment(tt.text, noon.Add(3*time.Hour))
		if err != nil {
			t.Errorf("ParseMoment(%q) = %v", tt.text, err)
			continue
		}
		got, err := c.OffsetsAt(t.Context(), topic, m)
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("OffsetsAt(%q) = %v (-want +got):\n%s", tt.text, err, diff)
		}
		if m.IsOffset() != (tt.text == "2") {
			t.Errorf("IsOffset of %q = %t", tt.text, m.IsOffset())
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second) // brokers may not have heard of it yet
	defer cancel()
	if _, err := c.OffsetsAt(ctx, c.Name("nothing"), kafka.Earliest); err == nil {
		t.Error("OffsetsAt of a topic that does not exist gives no error")
	}
}

func TestParseMomentRefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "yesterday", "-5", "-24h", "2026-02-01", "latest"} {
		if got, err := kafka.ParseMoment(text, time.Now()); err == nil {
			t.Errorf("ParseMoment(%q) = %v, want an error", text, got)
		}
	}
}

func TestMomentsThatLieBehindOthers(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		first, second string
		want          bool
	}{
		{"1h", "2h", true},
		{"2h", "1h", false},
		{"1h", "1h", false},
		{"2026-03-01T11:30:00Z", "1h", true},
		{"2026-03-01T10:30:00Z", "1h", false},
		{"7", "5", true},
		{"5", "7", false},
		{"7", "1h", false},
		{"now", "1h", false},
		{"1h", "earliest", false},
		{"now", "earliest", false},
	} {
		first, err := kafka.ParseMoment(tt.first, noon)
		if err != nil {
			t.Fatal(err)
		}
		second, err := kafka.ParseMoment(tt.second, noon)
		if err != nil {
			t.Fatal(err)
		}
		if got := first.After(second); got != tt.want {
			t.Errorf("%s after %s = %t, want %t", tt.first, tt.second, got, tt.want)
		}
	}
}
