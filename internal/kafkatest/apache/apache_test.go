package apache_test

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/kafkatest"
	"ttpworker/internal/kafkatest/apache"
)

// What three brokers are for: one is killed, and what is acknowledged afterwards is there when it is back.
func TestAClusterOfThreeOutlivesTheCrashOfOne(t *testing.T) {
	kafkatest.NeedsApache(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	c, err := apache.Start(ctx, apache.Config{Nodes: 3, Fast: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	open := func(opts ...kgo.Opt) *kgo.Client {
		t.Helper()
		cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(c.Brokers()...), kgo.MetadataMinAge(100*time.Millisecond))...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cl.Close)
		return cl
	}
	cl := open(kgo.DefaultProduceTopic("t"))
	if _, err := kadm.NewClient(cl).CreateTopic(ctx, 3, 3, nil, "t"); err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		t.Helper()
		if err := cl.ProduceSync(ctx, kgo.StringRecord(text)).FirstErr(); err != nil {
			t.Fatalf("writing %s: %v", text, err)
		}
	}
	write("before")
	node := c.Nodes()[1]
	if err := node.Kill(); err != nil {
		t.Fatal(err)
	}
	write("without")
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	if err := c.Await(ctx); err != nil {
		t.Fatal(err)
	}
	write("after")
	got := map[string]bool{}
	reader := open(kgo.ConsumeTopics("t"), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()))
	for len(got) < 3 {
		fetches := reader.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			t.Fatalf("reading back: got %v: %v", got, err)
		}
		fetches.EachRecord(func(r *kgo.Record) { got[string(r.Value)] = true })
	}
}
