package consume_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
)

func TestADeadLetterIsTheRecordAsReceivedAndHeadersBehindItsOwn(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 123_000_000, time.UTC)
	rec := kafka.Record{
		Topic: "ttp_events", Partition: 5, Offset: 42, Time: at, Key: []byte("k"), Value: []byte{0xff, 0},
		Headers: []kafka.Header{{Key: "own", Value: []byte{0xfe}}},
	}
	got := consume.DeadLetters{Topic: "ttp_events_dlq", Partitions: 3}.Record(&rec, "undecodable", errors.New("caf\xe9"))
	want := kafka.Record{
		Topic: "ttp_events_dlq", Partition: 2, Key: []byte("k"), Value: []byte{0xff, 0},
		Headers: []kafka.Header{
			{Key: "own", Value: []byte{0xfe}},
			{Key: "ttp-error-class", Value: []byte("undecodable")},
			{Key: "ttp-error", Value: []byte("caf\ufffd")},
			{Key: "ttp-source", Value: []byte("ttp_events/5/42")},
			{Key: "ttp-source-time", Value: []byte("2026-03-01T12:00:00.123Z")},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("dead letter (-want +got):\n%s", diff)
	}
	if len(rec.Headers) != 1 {
		t.Errorf("the record got headers: %v", rec.Headers)
	}
}

func TestAnErrorTextIsCutOnARuneBoundary(t *testing.T) {
	rec := kafka.Record{Topic: "t"}
	got := consume.DeadLetters{Topic: "d", Partitions: 1}.Record(&rec, "bad_field", errors.New(strings.Repeat("\u20ac", 1000)))
	text := got.Header("ttp-error")
	if len(text) > 1024 || strings.Trim(text, "\u20ac") != "" {
		t.Errorf("error text has %d bytes and ends %q, want at most 1024 of whole runes", len(text), text[len(text)-4:])
	}
}

// Seen: three megabytes of one letter, compressed, fit the input topic and not the dead letter topic. The worker
// stopped at that record, and so did every replica that got its partition.
func TestARecordTooLargeForTheTopicIsCutAndSaysSo(t *testing.T) {
	rec := kafka.Record{Topic: "t", Key: []byte("k"), Value: []byte(strings.Repeat("a", 3000))}
	letters := consume.DeadLetters{Topic: "d", Partitions: 1, MaxBytes: 2000}
	got := letters.Record(&rec, "too_large", errors.New("too large"))
	if got.Header("ttp-cut-from") != "value 3000, headers 0, key 1" || len(got.Value) == 0 || got.Size() > 2000 {
		t.Errorf("dead letter of %d bytes, %d of them value, cut from %q; want at most 2000, a value, and cut from 3000",
			got.Size(), len(got.Value), got.Header("ttp-cut-from"))
	}
	for name, rec := range map[string]kafka.Record{
		"key":          {Topic: "t", Key: []byte(strings.Repeat("k", 3000)), Value: []byte("v")},
		"header":       {Topic: "t", Key: []byte("k"), Headers: []kafka.Header{{Key: "h", Value: make([]byte, 3000)}}},
		"many headers": {Topic: "t", Key: []byte("k"), Headers: slices.Repeat([]kafka.Header{{Key: "h"}}, 300)},
	} {
		got := letters.Record(&rec, "too_large", errors.New("too large"))
		if got.Size() > 2000 || got.Header("ttp-cut-from") == "" || got.Header("ttp-source") == "" {
			t.Errorf("%s too large: dead letter of %d bytes with headers %v, want at most 2000", name, got.Size(), got.Headers)
		}
	}
	letters.MaxBytes = 1 << 20
	if got := letters.Record(&rec, "too_large", errors.New("too large")); len(got.Value) != 3000 || got.Header("ttp-cut-from") != "" {
		t.Errorf("a record that fits was cut to %d bytes", len(got.Value))
	}
}

// Seen: a record of 7 kB on the wire with 32 million empty headers, which a replica copied until it had 5 GB.
func TestHeadersThatDoNotFitAreNotCopied(t *testing.T) {
	rec := kafka.FromClient(&kgo.Record{Topic: "t", Headers: make([]kgo.RecordHeader, 1_000_000)})
	letters := consume.DeadLetters{Topic: "d", Partitions: 1, MaxBytes: 1 << 20}
	cost := testing.Benchmark(func(b *testing.B) { //nolint:thelper // it is none
		b.ReportAllocs()
		for b.Loop() {
			letters.Record(&rec, "undecodable", errors.New("the value is empty"))
		}
	})
	if got := cost.AllocedBytesPerOp(); got > 10_000 {
		t.Errorf("a dead letter takes %d bytes, want no copy of the headers", got)
	}
}
