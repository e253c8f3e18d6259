package app_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/app"
	"ttpworker/internal/deadletter"
	"ttpworker/internal/kafkatest"
	"ttpworker/internal/wire"
)

// lastTags is what a reader of tags sees: the last value per partition and key, but for when it was tagged.
func lastTags(t *testing.T, c *kafkatest.Cluster) map[string]string {
	t.Helper()
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	tags := map[string]string{}
	for _, r := range c.ReadAll(t, c.Name("ttp_tags")) {
		tag, _, err := dec.Tag(r.Value)
		if err != nil {
			t.Fatal(err)
		}
		text, err := wire.AppendTagJSON(nil, &tag)
		if err != nil {
			t.Fatal(err)
		}
		tags[fmt.Sprintf("%d/%s", r.Partition, r.Key)] = string(text)
	}
	return tags
}

// deepEvents are events whose payloads nest four deep, with and without a key and a time of their own.
func deepEvents(n int) []*kgo.Record {
	recs := make([]*kgo.Record, n)
	for i := range recs {
		when := ""
		if i%3 == 0 {
			when = `"event_time":"2026-03-01T12:00:00Z",`
		}
		recs[i] = &kgo.Record{
			Partition: int32(i % 6), Timestamp: time.UnixMilli(time.Now().UnixMilli() - int64(1000-i)),
			Value: fmt.Appendf(nil, `{"source_kind":"command","source_id":"deep-%d","session_id":"s-%d",%s"payload":{"command_text":"curl","a":{"b":{"c":{"d":%d}}}}}`,
				i, i%7, when, i),
			Headers: []kgo.RecordHeader{{Key: "sensor", Value: []byte("x")}},
		}
		if i%4 > 0 {
			recs[i].Key = fmt.Appendf(nil, "s-%d", i%7)
		}
	}
	return recs
}

// What was a dead letter under one configuration and is replayed under another gives what it would have given at once:
// the same tags under the same keys, in the same partitions.
func TestAReplayedLetterGivesTheTagsOfARecordThatWasGoodAtOnce(t *testing.T) {
	t.Parallel()
	const n = 700
	recs := deepEvents(n)
	log := slog.New(slog.DiscardHandler)
	run := func(c *kafkatest.Cluster, cfg app.Config, tags int) {
		t.Helper()
		w := startWorker(t, cfg, log)
		w.ready(t)
		kafkatest.Eventually(t, "all records to be committed", func() bool {
			ends := int64(len(c.ReadAll(t, c.Name("ttp_events"))))
			return ends >= n && sum(committed(t, c, cfg)) >= ends
		})
		waitForTags(t, c, tags)
		if err := w.stop(); err != nil {
			t.Fatalf("Wait = %v", err)
		}
		c.Settle(t, cfg.Topics.Tags.Name, cfg.Topics.DLQ.Name)
	}
	start := func() (*kafkatest.Cluster, app.Config) {
		c := kafkatest.Start(t)
		cfg := quickConfig(t, c)
		conn, err := app.Connect(t.Context(), cfg, log) // creates the topics
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		fresh := make([]*kgo.Record, n)
		for i, r := range recs {
			fresh[i] = &kgo.Record{Partition: r.Partition, Timestamp: r.Timestamp, Key: r.Key, Value: r.Value, Headers: r.Headers}
		}
		write(t, c, fresh...)
		return c, cfg
	}
	control, cfg := start()
	run(control, cfg, n)
	want := lastTags(t, control)

	c, cfg := start()
	shallow := cfg
	shallow.Limits.Depth = 3
	run(c, shallow, 0)
	if got := len(c.ReadAll(t, c.Name("ttp_events_dlq"))); got != n {
		t.Fatalf("%d dead letters, want %d", got, n)
	}
	report, err := app.ReplayDeadLetters(t.Context(), shallow, log, deadletter.Replay{}, true)
	if err != nil || report.Replayed != 0 || len(report.Stuck) != 1 || report.Stuck[0].Letters != n ||
		!strings.Contains(report.Stuck[0].Detail, "too_deep: ") {
		t.Errorf("a replay that would fail again = %+v, %v, want nothing replayed, and why", report, err)
	}
	report, err = app.ReplayDeadLetters(t.Context(), cfg, log, deadletter.Replay{By: "tester"}, true)
	if err != nil || report.Replayed != n || len(report.Stuck) != 0 {
		t.Fatalf("replay = %+v, %v, want %d replayed", report, err, n)
	}
	run(c, cfg, n)
	if diff := cmp.Diff(want, lastTags(t, c)); diff != "" {
		t.Errorf("tags (-good at once +replayed):\n%s", diff)
	}
	// Order and times are those of the records, and nothing of ours is left on them.
	got := map[int32][]string{}
	for _, r := range c.ReadAll(t, c.Name("ttp_events")) {
		if len(r.Headers) != 1 {
			t.Fatalf("headers %v, want the record's own", r.Headers)
		}
		got[r.Partition] = append(got[r.Partition], fmt.Sprintf("%s %s %s", r.Timestamp, r.Key, r.Value))
	}
	for p, lines := range got {
		half := len(lines) / 2
		if diff := cmp.Diff(lines[:half], lines[half:]); diff != "" {
			t.Errorf("records of partition %d (-first +replayed):\n%s", p, diff)
		}
	}
}

func TestDeadLettersOfATopicThatIsNotThere(t *testing.T) {
	t.Parallel()
	cfg := quickConfig(t, kafkatest.Start(t))
	called := errors.New("called")
	err := app.WithDeadLetters(t.Context(), cfg, slog.New(slog.DiscardHandler), func(*deadletter.Box) error { return called })
	if err == nil || err.Error() != "topic "+cfg.Topics.DLQ.Name+" does not exist (topics.dlq.name): run `worker topics ensure`" {
		t.Errorf("WithDeadLetters = %v, want an error that names the topic", err)
	}
}

// Seen: worker dlq list and "reading topic settings: TOPIC_AUTHORIZATION_FAILED", of which topic it did not say.
func TestWhoMayNotReadATopicIsToldWhich(t *testing.T) {
	t.Parallel()
	g := startGuarded(t)
	setUp := g.config(t, g.admin)
	setUp.Topics.Create = true
	conn, err := app.Connect(t.Context(), setUp, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	cl := g.client(t, g.admin)
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: "ttp_events_dlq", Value: []byte("x")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	cfg := g.config(t, scramUser("ttp-replay"))
	list := func() error {
		return app.WithDeadLetters(t.Context(), cfg, slog.New(slog.DiscardHandler), func(b *deadletter.Box) error {
			_, err := b.List(t.Context(), deadletter.Filter{}, 0, func(*deadletter.Letter) error { return nil })
			return err
		})
	}
	check := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, kerr.TopicAuthorizationFailed) || !containsText(err, "ttp_events_dlq") {
			t.Errorf("%s = %v, want an error that names the topic", what, err)
		}
	}
	check("List without an ACL", list())
	allow(t, kadm.NewClient(cl), []acl{{principal: "ttp-replay", on: "topic", name: "ttp_events_dlq", operation: "Describe"}})
	check("List without Read", list())
	as, err := app.Reach(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(as.Close)
	_, err = as.Cluster.Topics(t.Context(), "ttp_events_dlq")
	check("Topics without DescribeConfigs", err)
}
