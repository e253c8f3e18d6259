package app_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/kafkatest"
	"ttpworker/internal/wire"
)

// A broker refuses records of more than an hour in the future (message.timestamp.after.max.ms), and retention takes old
// ones at once. So the time of an event is in the value of its tag, and every output has the time at which it was
// written. The embedded broker takes any time.
func TestOutputsAreOfNowWhateverTheTimeOfTheEvent(t *testing.T) {
	kafkatest.NeedsApache(t)
	t.Parallel()
	c := kafkatest.Start(t)
	cfg := quickConfig(t, c)
	c.CreateTopic(t, cfg.Topics.Events.Name, 6, "message.timestamp.after.max.ms=9223372036854775807", "retention.ms=-1")
	w := startWorker(t, cfg, slog.New(slog.DiscardHandler))
	w.ready(t)

	times := map[string]time.Time{ // by source_id
		"old": time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC), "new": time.Now().Add(48 * time.Hour).UTC().Truncate(time.Millisecond),
	}
	for id, at := range times {
		c.Write(t,
			&kgo.Record{Topic: cfg.Topics.Events.Name, Timestamp: at, Value: fmt.Appendf(nil,
				`{"source_kind":"command","source_id":%q,"payload":{"command_text":"curl"}}`, id)},
			&kgo.Record{Topic: cfg.Topics.Events.Name, Value: fmt.Appendf(nil,
				`{"source_kind":"command","source_id":%q,"event_time":%q,"payload":{"command_text":"curl"}}`, id+" in words", at.Format(time.RFC3339Nano))},
			&kgo.Record{Topic: cfg.Topics.Events.Name, Timestamp: at, Value: []byte("no event")})
	}
	waitForTags(t, c, 4)
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]time.Time{}
	tags := c.ReadAll(t, cfg.Topics.Tags.Name)
	for _, r := range tags {
		tag, _, err := dec.Tag(r.Value)
		if err != nil {
			t.Fatal(err)
		}
		got[tag.SourceID] = tag.EventTime
	}
	want := map[string]time.Time{"old": times["old"], "old in words": times["old"], "new": times["new"], "new in words": times["new"]}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("event times of the tags (-want +got):\n%s", diff)
	}
	kafkatest.Eventually(t, "the dead letters", func() bool { return len(c.ReadAll(t, cfg.Topics.DLQ.Name)) == 2 })
	for _, r := range append(tags, c.ReadAll(t, cfg.Topics.DLQ.Name)...) {
		if age := time.Since(r.Timestamp); age.Abs() > time.Minute {
			t.Errorf("a record of %s is of %s, want of now", r.Topic, r.Timestamp)
		}
	}
}

// What an input topic takes, the dead letter topic takes, too, with all that is said about it.
func TestALargeRecordBecomesADeadLetterWhole(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	cfg := quickConfig(t, c)
	const limit = 6 << 20
	c.CreateTopic(t, cfg.Topics.Events.Name, 6, fmt.Sprint("max.message.bytes=", limit))
	w := startWorker(t, cfg, slog.New(slog.DiscardHandler))
	w.ready(t)
	value := bytes.Repeat([]byte("x"), limit-100)
	cl := c.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(limit), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: cfg.Topics.Events.Name, Key: []byte("k"), Value: value}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	kafkatest.Eventually(t, "the dead letter", func() bool { return len(c.ReadAll(t, cfg.Topics.DLQ.Name)) > 0 })
	letter := c.ReadAll(t, cfg.Topics.DLQ.Name)[0]
	if !bytes.Equal(letter.Value, value) || string(letter.Key) != "k" {
		t.Errorf("the dead letter has %d bytes under key %q, want the %d received under k", len(letter.Value), letter.Key, len(value))
	}
}
