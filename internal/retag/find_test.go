package retag

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
)

// A job that has begun is found again with all that it hangs on, and under another plan or for other rules it is not gone
// on with.
func TestAJobIsFoundUnderItsPlanAndForItsRulesOnly(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	events, tags, shadowTags := c.Name("ev"), c.Name("tags"), c.Name("shadow")
	for _, topic := range []string{events, tags, shadowTags} {
		c.CreateTopic(t, topic, 2)
	}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i := range 10 {
		c.Write(t, &kgo.Record{Topic: events, Partition: int32(i % 2), Value: []byte("x"), Timestamp: at.Add(time.Duration(i) * time.Minute)})
	}
	live := c.Name("live")
	must(t, c.SetPositions(t.Context(), live, map[kafka.Partition]kafka.Position{
		{Topic: events, Number: 0}: {Offset: 4, Metadata: "plan-1"}, {Topic: events, Number: 1}: {Offset: 5, Metadata: "plan-0"},
	}))
	from, err := kafka.ParseMoment("2026-03-01T12:02:00Z", at)
	must(t, err)
	spec := Spec{Topics: []string{events}, From: from, To: kafka.Now, LiveGroup: live, TagTopics: [sides]string{tags, shadowTags}, Rules: []string{"R1"}}
	job, err := spec.Resolve(t.Context(), c.Cluster, "plan-1")
	must(t, err)
	want := map[kafka.Partition]Part{ // partition 0 has minutes 0, 2, 4, 6, 8, of which the live group has read four
		{Topic: events, Number: 0}: {Span: kafka.Span{From: 1, To: 4}, Cut: 4, Plan: "plan-1"},
		{Topic: events, Number: 1}: {Span: kafka.Span{From: 1, To: 5}, Cut: 5, Plan: "plan-0"},
	}
	if diff := cmp.Diff(want, job.Parts); diff != "" {
		t.Fatalf("parts (-want +got):\n%s", diff)
	}
	if behind := job.UnderOther(); len(behind) != 1 || behind[0].Number != 1 {
		t.Errorf("UnderOther = %v, want partition 1", behind)
	}
	if _, err := spec.Find(t.Context(), c.Cluster, job.ID, "plan-1"); !errors.Is(err, ErrNoJob) {
		t.Errorf("Find before it has begun = %v, want ErrNoJob", err)
	}
	must(t, job.Begin(t.Context(), c.Cluster))
	again, err := spec.Find(t.Context(), c.Cluster, job.ID, "plan-1")
	must(t, err)
	if diff := cmp.Diff(want, again.Parts); diff != "" { // seen: all partitions were said to be under the job's plan
		t.Errorf("parts when it is found again (-want +got):\n%s", diff)
	}
	for _, tt := range []struct {
		plan  string
		rules []string
		want  string
	}{
		{"plan-2", spec.Rules, "was begun under plan plan-1, and the plan is plan-2 now"},
		{"plan-1", nil, "was begun for other rules"},
		{"plan-1", []string{"R1", "R2"}, "was begun for other rules"},
	} {
		other := spec
		other.Rules = tt.rules
		if _, err := other.Find(t.Context(), c.Cluster, job.ID, tt.plan); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Find under %s for %v = %v, want an error with %q", tt.plan, tt.rules, err, tt.want)
		}
	}
}
