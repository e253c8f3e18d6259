package kafka_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/kafka"
)

func TestARecordGoesToTheClientAndBackUnchanged(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]kafka.Record{
		"full": {
			Topic: "t", Partition: 3, Time: time.UnixMilli(1), Key: []byte("k"), Value: []byte("v"),
			Headers: []kafka.Header{{Key: "a", Value: []byte("1")}, {Key: "b"}},
		},
		"tombstone":   {Topic: "t", Key: []byte("k")},
		"empty value": {Topic: "t", Key: []byte("k"), Value: []byte{}},
	} {
		got := kafka.FromClient(want.ToClient())
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if (got.Value == nil) != (want.Value == nil) {
			t.Errorf("%s: a nil value and an empty one are mixed up", name)
		}
	}
	got := kafka.FromClient(&kgo.Record{Topic: "t", Partition: 1, Offset: 42})
	if got.Offset != 42 {
		t.Errorf("offset of a record that was read = %d, want 42", got.Offset)
	}
}

func TestOfEqualHeadersTheLastOneCounts(t *testing.T) {
	t.Parallel()
	r := kafka.Record{Headers: []kafka.Header{{Key: "h", Value: []byte("1")}, {Key: "o"}, {Key: "h", Value: []byte("2")}}}
	for key, want := range map[string]string{"h": "2", "o": "", "none": ""} {
		if got := r.Header(key); got != want {
			t.Errorf("Header(%q) = %q, want %q", key, got, want)
		}
	}
}

func TestSizeCountsKeyValueAndHeaders(t *testing.T) {
	t.Parallel()
	r := kafka.Record{Topic: "ignored", Key: []byte("kk"), Value: []byte("vvv"), Headers: []kafka.Header{{Key: "h", Value: []byte("xxxx")}}}
	if got := r.Size(); got != 20 {
		t.Errorf("Size = %d, want 20", got)
	}
}
