package main

import (
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

// setByHand is a cluster with an event, behind which somebody other than a worker has put the live group, and a rule
// directory.
func setByHand(t *testing.T) (c *kafkatest.Cluster, rules string) {
	t.Helper()
	c = kafkatest.Embedded(t)
	c.CreateTopic(t, "ttp_events", 1)
	for _, topic := range []string{"ttp_tags", "ttp_tags_shadow", "ttp_rule_state"} {
		c.CreateTopic(t, topic, 1, "cleanup.policy=compact")
	}
	c.Write(t, &kgo.Record{Topic: "ttp_events", Value: []byte(`{"source_kind":"command","source_id":"a","payload":{}}`)})
	must(t, c.SetPositions(t.Context(), "ttp-worker", map[kafka.Partition]kafka.Position{{Topic: "ttp_events"}: {Offset: 1}}))
	rules = t.TempDir()
	must(t, os.WriteFile(filepath.Join(rules, "a.yaml"), []byte("rule_id: R1\nrule_version: 1\nname: n\napplies_to: [command]\n"+
		"match: {pattern: one}\nemits: [{tactic: TA0007, technique_id: T1016, confidence: 0.5}]\n"), 0o600))
	return c, rules
}

// execute runs a command line in this process.
func execute(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	root := newRoot()
	root.SetArgs(args)
	var out, errs strings.Builder
	root.SetOut(&out)
	root.SetErr(&errs)
	err = root.ExecuteContext(t.Context())
	return out.String(), errs.String(), err
}

func TestOffsetsOfTheLiveGroupThatNoWorkerHasCommitted(t *testing.T) {
	t.Parallel()
	c, rules := setByHand(t)
	for command, want := range map[string]string{
		"retag":  "live workers tag under another plan, not named by the group's offsets (set by another program?), in ttp_events/0 from 1 on: ",
		"verify": "the live workers have another plan, not named by the group's offsets (set by another program?), in ttp_events/0\n",
	} {
		args := []string{command, "--brokers", strings.Join(c.Brokers(), ","), "--set", "rule_store.dir=" + rules}
		if command == "retag" {
			args = append(args, "--dry-run")
		}
		if _, stderr, err := execute(t, args...); err != nil || !strings.Contains(stderr, want) {
			t.Errorf("worker %s: %v\n%s\nwant %s", command, err, stderr, want)
		}
	}
}

// A job that could not be written down is not there to go on with, and the message does not say so.
func TestARetagThatMayNotBegin(t *testing.T) {
	t.Parallel()
	c, rules := setByHand(t)
	c.Broker.ControlKey(int16(kmsg.OffsetCommit), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.Broker.KeepControl()
		asked, ok := req.(*kmsg.OffsetCommitRequest)
		if !ok || !strings.HasPrefix(asked.Group, "ttp-retag-") {
			return nil, nil, false
		}
		refusal := asked.ResponseKind().(*kmsg.OffsetCommitResponse) //nolint:forcetypeassert // as kmsg has it
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
	stdout, _, err := execute(t, "retag", "--wait", "0s", "--brokers", strings.Join(c.Brokers(), ","), "--set", "rule_store.dir="+rules)
	if err == nil || !strings.Contains(err.Error(), "the principal lacks an ACL on that group: see docs/security.md") {
		t.Fatalf("a retag without access to its group: %v", err)
	}
	if strings.Contains(err.Error(), "--job") || stdout != "" {
		t.Errorf("it has an id to go on with, or a report, of what has not begun: %v\n%s", err, stdout)
	}
}
