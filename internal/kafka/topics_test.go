package kafka_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
)

// named gives topics the names that they have on the cluster of this test.
func named(c *kafkatest.Cluster, specs ...kafka.TopicSpec) []kafka.TopicSpec {
	for i := range specs {
		specs[i].Name = c.Name(specs[i].Name)
	}
	return specs
}

// unnamed takes from names what makes them this test's own.
func unnamed(c *kafkatest.Cluster, text string) string {
	return strings.ReplaceAll(text, c.Name(""), "")
}

func TestCheckTopicsSaysWhatIsWrongAndWhatToRun(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	for name, settings := range map[string][]string{
		"compact":        {"cleanup.policy=compact"},
		"delete":         {"cleanup.policy=delete"},
		"compact-delete": {"cleanup.policy=compact,delete"},
		"small":          {"max.message.bytes=1000"},
		"arrival":        {"message.timestamp.type=LogAppendTime"},
		"hour":           {"retention.ms=3600000"},
		"ever":           {"retention.ms=-1"},
		"default":        nil,
	} {
		c.CreateTopic(t, c.Name(name), 3, settings...)
	}
	alter := "kafka-configs.sh --bootstrap-server " + c.Brokers()[0] + " --alter --entity-type topics --entity-name "
	for _, tt := range []struct {
		name string
		spec kafka.TopicSpec
		want string // "" = nothing is wrong
	}{
		{
			"missing",
			kafka.TopicSpec{Name: "missing"},
			"topic missing does not exist: run `worker topics ensure`, or set topics.create: true",
		},
		{"delete is the default", kafka.TopicSpec{Name: "default", MinPartitions: 3, MaxPartitions: 3}, ""},
		{"compacted as wanted", kafka.TopicSpec{Name: "compact", Compacted: true, MinPartitions: 2}, ""},
		{
			"deletes what must be kept",
			kafka.TopicSpec{Name: "delete", Compacted: true},
			"topic delete has cleanup.policy=delete, want compact: run `" + alter + "delete --add-config cleanup.policy=compact`",
		},
		{
			"deletes and compacts what must be kept",
			kafka.TopicSpec{Name: "compact-delete", Compacted: true},
			"topic compact-delete has cleanup.policy=compact,delete, want compact: run `" + alter +
				"compact-delete --add-config cleanup.policy=compact`",
		},
		{
			"compacts what has no unique keys",
			kafka.TopicSpec{Name: "compact"},
			"topic compact has cleanup.policy=compact, want delete: run `" + alter + "compact --add-config cleanup.policy=delete`",
		},
		{
			"too few partitions",
			kafka.TopicSpec{Name: "default", MinPartitions: 6},
			"topic default has 3 partitions, want at least 6: partitions are never added to a topic in use, so make a new one " +
				"(topics.*.name) and run `worker topics ensure`",
		},
		{
			"too many partitions",
			kafka.TopicSpec{Name: "compact", Compacted: true, MaxPartitions: 1},
			"topic compact has 3 partitions, want at most 1: make a new one (topics.*.name) and run `worker topics ensure`",
		},
		{"room enough", kafka.TopicSpec{Name: "small", MinMessage: 1000}, ""},
		{
			"records do not fit",
			kafka.TopicSpec{Name: "small", MinMessage: 1001},
			"topic small has max.message.bytes=1000, want at least 1001: run `" + alter + "small --add-config max.message.bytes=1001`",
		},
		{"own times as wanted", kafka.TopicSpec{Name: "default", Settings: map[string]string{"message.timestamp.type": "CreateTime"}}, ""},
		{"times of arrival where nobody minds", kafka.TopicSpec{Name: "arrival"}, ""},
		{
			"times of arrival",
			kafka.TopicSpec{Name: "arrival", Settings: map[string]string{"message.timestamp.type": "CreateTime"}},
			"topic arrival has message.timestamp.type=LogAppendTime, want CreateTime, as records must keep their own times: run `" + alter +
				"arrival --add-config message.timestamp.type=CreateTime`",
		},
		{"kept for long enough", kafka.TopicSpec{Name: "hour", MinRetention: time.Hour}, ""},
		{"kept for ever", kafka.TopicSpec{Name: "ever", MinRetention: time.Hour}, ""},
		{
			"gone too soon",
			kafka.TopicSpec{Name: "hour", MinRetention: 2 * time.Hour, Settings: map[string]string{"retention.ms": "14400000"}},
			"topic hour has retention.ms=3600000, and its records are gone after 1h0m0s; to keep them as long as `worker topics ensure` says, " +
				"run `" + alter + "hour --add-config retention.ms=14400000`",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if err := c.CheckTopics(t.Context(), named(c, tt.spec)); err != nil {
				got = unnamed(c, err.Error())
			}
			if got != tt.want {
				t.Errorf("CheckTopics =\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
	t.Run("all faults of all topics", func(t *testing.T) {
		t.Parallel()
		err := c.CheckTopics(t.Context(), named(c,
			kafka.TopicSpec{Name: "delete", Compacted: true, MinPartitions: 4}, kafka.TopicSpec{Name: "default"}, kafka.TopicSpec{Name: "missing"},
		))
		if err == nil {
			t.Fatal("CheckTopics = nil, want three faults")
		}
		var begin []string
		for line := range strings.Lines(unnamed(c, err.Error())) {
			begin = append(begin, strings.Join(strings.Fields(line)[:4], " "))
		}
		want := []string{"topic delete has cleanup.policy=delete,", "topic delete has 3", "topic missing does not"}
		if diff := cmp.Diff(want, begin); diff != "" {
			t.Errorf("faults (-want +got):\n%s", diff)
		}
	})
}

func TestFindingsAreToldByHowBadTheyAre(t *testing.T) {
	t.Parallel()
	c := kafkatest.Embedded(t)
	c.CreateTopic(t, "a", 1, "cleanup.policy=compact", "message.timestamp.type=LogAppendTime", "retention.ms=1000")
	found, err := c.Topics(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	findings := c.Cluster.CheckTopics(found, []kafka.TopicSpec{
		{Name: "a", MinRetention: time.Minute, Settings: map[string]string{"message.timestamp.type": "CreateTime"}}, {Name: "b"},
	})
	for severity, want := range map[kafka.Severity][]string{
		kafka.Dangerous: {"a has cleanup.policy", "b does not exist"},
		kafka.Wrong:     {"a has cleanup.policy", "a has message.timestamp.type", "b does not exist"},
		kafka.Doubtful:  {"a has cleanup.policy", "a has message.timestamp.type", "a has retention.ms", "b does not exist"},
	} {
		var got []string
		for line := range strings.Lines(fmt.Sprint(findings.Of(severity))) {
			begin, _, _ := strings.Cut(strings.TrimPrefix(line, "topic "), "=")
			got = append(got, strings.Split(begin, ":")[0])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("findings of severity %d or worse (-want +got):\n%s", severity, diff)
		}
	}
	if err := (kafka.Findings{}).Of(kafka.Doubtful); err != nil {
		t.Errorf("no findings are an error: %v", err)
	}
}

// settingsOf reads settings of a topic from the broker.
func settingsOf(t *testing.T, c *kafkatest.Cluster, topic string, keys ...string) map[string]string {
	t.Helper()
	configs, err := kadm.NewClient(c.Client(t)).DescribeTopicConfigs(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	rc, err := configs.On(topic, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, kv := range rc.Configs {
		for _, key := range keys {
			if kv.Key == key {
				got[key] = kv.MaybeValue()
			}
		}
	}
	return got
}

func TestEnsureTopicsCreatesWhatIsMissingAndLeavesTheRest(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	c.CreateTopic(t, c.Name("old"), 2, "cleanup.policy=delete", "retention.ms=1234567")
	specs := named(c,
		kafka.TopicSpec{Name: "z", Partitions: 4, Replication: -1, Compacted: true, Settings: map[string]string{"min.compaction.lag.ms": "5"}},
		kafka.TopicSpec{Name: "old", Partitions: 9, Replication: -1, Compacted: true},
		kafka.TopicSpec{Name: "a", Partitions: 1, Replication: 1, Settings: map[string]string{"max.message.bytes": "2000000"}},
	)
	created, err := c.EnsureTopics(t.Context(), specs)
	if err != nil {
		t.Fatalf("EnsureTopics = %v", err)
	}
	if diff := cmp.Diff([]string{c.Name("a"), c.Name("z")}, created); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	keys := []string{"cleanup.policy", "min.compaction.lag.ms", "max.message.bytes", "retention.ms"}
	for topic, want := range map[string]map[string]string{
		"a":   {"cleanup.policy": "delete", "max.message.bytes": "2000000"},
		"z":   {"cleanup.policy": "compact", "min.compaction.lag.ms": "5"},
		"old": {"cleanup.policy": "delete", "retention.ms": "1234567"},
	} {
		got := settingsOf(t, c, c.Name(topic), keys...)
		for key, value := range want {
			if got[key] != value {
				t.Errorf("topic %s has %s=%s, want %s", topic, key, got[key], value)
			}
		}
	}
	found, err := c.Topics(t.Context(), c.Name("a"), c.Name("old"), c.Name("z"), c.Name("none"))
	if err != nil {
		t.Fatal(err)
	}
	partitions := map[string]int32{}
	for name, topic := range found {
		partitions[unnamed(c, name)] = topic.Partitions
	}
	if diff := cmp.Diff(map[string]int32{"a": 1, "old": 2, "z": 4}, partitions); diff != "" {
		t.Errorf("partitions of the topics that exist (-want +got):\n%s", diff)
	}
	if got := found[c.Name("a")].MaxMessage; got != 2_000_000 {
		t.Errorf("MaxMessage = %d, want 2000000", got)
	}
	if got := found[c.Name("old")].Retention; got != 1234567*time.Millisecond {
		t.Errorf("Retention = %s, want 1234.567s", got)
	}
	if again, err := c.EnsureTopics(t.Context(), specs); err != nil || len(again) != 0 {
		t.Errorf("EnsureTopics once more = %v, %v, want nothing", again, err)
	}
}

func TestEnsureTopicsNamesTheTopicThatCannotBeCreated(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	created, err := c.EnsureTopics(t.Context(), named(c,
		kafka.TopicSpec{Name: "bad", Partitions: 1, Replication: 3}, // there is one broker
		kafka.TopicSpec{Name: "good", Partitions: 1, Replication: -1},
	))
	if err == nil || !strings.HasPrefix(unnamed(c, err.Error()), "creating topic bad: ") || !errors.Is(err, kerr.InvalidReplicationFactor) {
		t.Errorf("EnsureTopics = %v, want INVALID_REPLICATION_FACTOR for topic bad", err)
	}
	if diff := cmp.Diff([]string{c.Name("good")}, created); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
}

// On several brokers it is the next one asked that has not heard of it. Seen: "topic ttp_events_dlq does not exist" from
// worker topics ensure, and "settings of topic x_dlq: UNKNOWN_TOPIC_OR_PARTITION" from worker run.
func TestEnsureTopicsWaitsForEveryBroker(t *testing.T) {
	t.Parallel()
	for _, node := range []int32{0, 1, 2} {
		t.Run(strconv.Itoa(int(node)), func(t *testing.T) {
			t.Parallel()
			c := kafkatest.Embedded(t, kfake.NumBrokers(3))
			for _, fault := range []kfake.Fault{
				{Keys: []kmsg.Key{kmsg.Metadata}, Topic: "new", Nodes: []int32{node}, Err: kerr.UnknownTopicOrPartition, Count: 3},
				{Keys: []kmsg.Key{kmsg.DescribeConfigs}, Resource: "new", Err: kerr.UnknownTopicOrPartition, Count: 2},
			} {
				handle := c.Broker.Fault(fault)
				defer func() {
					if got := handle.Hits(); got != fault.Count {
						t.Errorf("%s was refused %d times, want %d", fault.Keys[0].Name(), got, fault.Count)
					}
				}()
			}
			spec := kafka.TopicSpec{Name: "new", Partitions: 6, Replication: -1}
			if _, err := c.EnsureTopics(t.Context(), []kafka.TopicSpec{spec}); err != nil {
				t.Fatalf("EnsureTopics = %v", err)
			}
			if err := c.CheckTopics(t.Context(), []kafka.TopicSpec{spec}); err != nil {
				t.Errorf("CheckTopics right behind it = %v, want nil", err)
			}
		})
	}
}

func TestEnsureTopicsSaysWhichBrokerDoesNotKnowTheTopic(t *testing.T) {
	t.Parallel()
	c := kafkatest.Embedded(t, kfake.NumBrokers(3))
	c.Broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: "new", Nodes: []int32{1}, Err: kerr.UnknownTopicOrPartition, Count: -1})
	hasty := cluster(t, kafka.Config{Brokers: c.Brokers(), StartTimeout: 500 * time.Millisecond})
	_, err := hasty.EnsureTopics(t.Context(), []kafka.TopicSpec{{Name: "new", Partitions: 1, Replication: -1}})
	if want := "waiting for the brokers to know the topics: broker 1: topic new: UNKNOWN_TOPIC_OR_PARTITION"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("EnsureTopics = %v, want %s", err, want)
	}
}

// A controller answers before every broker has heard of the new topic. The check right behind the creation then said
// that the topic does not exist, and to run what had just been run. The embedded broker is made to answer like that.
func TestEnsureTopicsWaitsUntilTheBrokersKnowTheTopic(t *testing.T) {
	t.Parallel()
	c := kafkatest.Embedded(t)
	c.Broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: "new", Err: kerr.UnknownTopicOrPartition, Count: 3})
	spec := kafka.TopicSpec{Name: "new", Partitions: 1, Replication: -1}
	if _, err := c.EnsureTopics(t.Context(), []kafka.TopicSpec{spec}); err != nil {
		t.Fatalf("EnsureTopics = %v", err)
	}
	if err := c.CheckTopics(t.Context(), []kafka.TopicSpec{spec}); err != nil {
		t.Errorf("CheckTopics right behind it = %v, want nil", err)
	}
}
