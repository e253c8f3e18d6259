package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
)

// A job that could not be written down is not there to go on with, and the message does not say so.
func TestARetagThatMayNotBegin(t *testing.T) {
	t.Parallel()
	c := kafkatest.Embedded(t)
	c.CreateTopic(t, "ttp_events", 1)
	for _, topic := range []string{"ttp_tags", "ttp_tags_shadow", "ttp_rule_state"} {
		c.CreateTopic(t, topic, 1, "cleanup.policy=compact")
	}
	c.Write(t, &kgo.Record{Topic: "ttp_events", Value: []byte(`{"source_kind":"command","source_id":"a","payload":{}}`)})
	must(t, c.SetPositions(t.Context(), "ttp-worker", map[kafka.Partition]kafka.Position{{Topic: "ttp_events"}: {Offset: 1}}))
	c.Broker.ControlKey(int16(kmsg.OffsetCommit), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.Broker.KeepControl()
		asked, ok := req.(*kmsg.OffsetCommitRequest)
		if !ok || !strings.HasPrefix(asked.Group, "ttp-retag-") {
			return nil, nil, false
		}
		refusal := asked.ResponseKind().(*kmsg.OffsetCommitResponse) //nolint:errcheck,forcetypeassert // as kmsg has it
		for _, topic := range asked.Topics {
			to := kmsg.NewOffsetCommitResponseTopic()
			to.Topic, to.TopicID = topic.Topic, topic.TopicID
			for _, p := range topic.Partitions {
				to.Partitions = append(to.Partitions, kmsg.OffsetCommitResponseTopicPartition{Partition: p.Partition, ErrorCode: kerr.GroupAuthorizationFailed.Code})
			}
			refusal.Topics = append(refusal.Topics, to)
		}
		return refusal, nil, true
	})
	rules := t.TempDir()
	must(t, os.WriteFile(filepath.Join(rules, "a.yaml"), []byte("rule_id: R1\nrule_version: 1\nname: n\napplies_to: [command]\n"+
		"match: {pattern: one}\nemits: [{tactic: TA0007, technique_id: T1016, confidence: 0.5}]\n"), 0o600))

	root := newRoot()
	root.SetArgs([]string{"retag", "--wait", "0s", "--brokers", strings.Join(c.Brokers(), ","), "--set", "rule_store.dir=" + rules})
	var out strings.Builder
	root.SetOut(&out)
	root.SetErr(io.Discard)
	err := root.ExecuteContext(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the principal lacks an ACL on that group: see docs/security.md") {
		t.Fatalf("a retag without access to its group: %v", err)
	}
	if strings.Contains(err.Error(), "--job") || out.Len() > 0 {
		t.Errorf("it has an id to go on with, or a report, of what has not begun: %v\n%s", err, out.String())
	}
}
