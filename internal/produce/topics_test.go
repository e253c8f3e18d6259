package produce_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
	"ttpworker/internal/produce"
)

func TestDefaultTopicsAreValid(t *testing.T) {
	t.Parallel()
	if err := produce.DefaultTopicsConfig().Validate(); err != nil {
		t.Errorf("Validate = %v, want nil", err)
	}
}

func TestTopicsValidateNamesTheTopicAndWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		edit func(*produce.TopicsConfig)
		want string
	}{
		{"no name", func(c *produce.TopicsConfig) { c.DLQ.Name = "" }, "topics: a name is empty"},
		{"one name for two", func(c *produce.TopicsConfig) { c.Shadow.Name = "ttp_tags" }, "topics: ttp_tags is named twice"},
		{
			"no partitions", func(c *produce.TopicsConfig) { c.DLQ.Partitions = 0 },
			"topics: ttp_events_dlq: 0 partitions is less than 1",
		},
		{
			"replication of zero", func(c *produce.TopicsConfig) { c.Events.Replication = 0 },
			"topics: ttp_events: replication 0 is neither -1 nor positive",
		},
		{
			"a control topic in parts", func(c *produce.TopicsConfig) { c.State.Partitions = 2 },
			"topics: ttp_rule_state: a control topic has 1 partition, not 2",
		},
		{
			"tags with fewer partitions than events", func(c *produce.TopicsConfig) { c.Tags.Partitions = 5 },
			"topics: ttp_tags has 5 partitions, fewer than the 6 of ttp_events: a tag goes to the partition of its event",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := produce.DefaultTopicsConfig()
			tt.edit(&cfg)
			if err := cfg.Validate(); err == nil || err.Error() != tt.want {
				t.Errorf("Validate =\n%v\nwant\n%s", err, tt.want)
			}
		})
	}
	cfg := produce.DefaultTopicsConfig()
	cfg.Events.Partitions, cfg.DLQ.Replication, cfg.Reloaded.Partitions = 9, -2, 3
	if err := cfg.Validate(); err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("Validate of four faults =\n%v\nwant all four", err)
	}
}

func TestSpecsSetTopicsUpForWhatTheyHold(t *testing.T) {
	t.Parallel()
	got := produce.DefaultTopicsConfig().Specs([]string{"ttp_events"}, nil)
	common := func(more ...string) map[string]string {
		out := map[string]string{"compression.type": "producer", "message.timestamp.type": "CreateTime", "unclean.leader.election.enable": "false"}
		for pair := range slices.Chunk(more, 2) {
			out[pair[0]] = pair[1]
		}
		return out
	}
	tags := common("min.cleanable.dirty.ratio", "0.1", "max.compaction.lag.ms", "21600000", "segment.ms", "3600000",
		"delete.retention.ms", "604800000")
	control := common("min.compaction.lag.ms", "7776000000") // 90 days
	want := []kafka.TopicSpec{
		{Name: "ttp_events", Partitions: 6, Replication: -1, Settings: common()},
		{Name: "ttp_tags", Partitions: 6, MinPartitions: 1, Replication: -1, Compacted: true, Settings: tags},
		{Name: "ttp_tags_shadow", Partitions: 6, MinPartitions: 1, Replication: -1, Compacted: true, Settings: tags},
		{Name: "ttp_rule_reloaded", Partitions: 1, MaxPartitions: 1, Replication: -1, Compacted: true, Settings: control},
		{Name: "ttp_rule_state", Partitions: 1, MaxPartitions: 1, Replication: -1, Compacted: true, Settings: control},
		{Name: "ttp_rule_archive", Partitions: 1, MaxPartitions: 1, Replication: -1, Compacted: true, Settings: common("min.cleanable.dirty.ratio", "0.1", "max.compaction.lag.ms", "21600000", "segment.ms", "3600000")},
		{
			Name: "ttp_events_dlq", Partitions: 1, Replication: -1, MinMessage: 16384, MinRetention: 7 * 24 * time.Hour,
			Settings: common("retention.ms", "1209600000", "max.message.bytes", "1081356"),
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Specs (-want +got):\n%s", diff)
	}
}

func TestSpecsFollowTheInputTopicsThatExist(t *testing.T) {
	t.Parallel()
	cfg := produce.DefaultTopicsConfig()
	cfg.Tags.Replication = 3
	specs := map[string]kafka.TopicSpec{}
	for _, s := range cfg.Specs([]string{"a", "b"}, map[string]kafka.Topic{
		"a": {Name: "a", Partitions: 12, MaxMessage: 1000}, "b": {Name: "b", Partitions: 3, MaxMessage: 5_000_000},
	}) {
		specs[s.Name] = s
	}
	for _, name := range []string{"ttp_tags", "ttp_tags_shadow"} {
		if s := specs[name]; s.Partitions != 12 || s.MinPartitions != 12 {
			t.Errorf("%s: %d partitions, at least %d, want 12 and 12 as the largest input has", name, s.Partitions, s.MinPartitions)
		}
	}
	dlq := specs["ttp_events_dlq"]
	if dlq.MinMessage <= 5_000_000 || dlq.Settings["max.message.bytes"] <= "5000000" {
		t.Errorf("dead letters: at least %d, created with %s, want both over the 5000000 of the largest input",
			dlq.MinMessage, dlq.Settings["max.message.bytes"])
	}
	if got := specs["ttp_tags"].Settings["min.insync.replicas"]; got != "2" {
		t.Errorf("min.insync.replicas with 3 replicas = %q, want 2", got)
	}
	if got, there := specs["ttp_tags_shadow"].Settings["min.insync.replicas"]; there {
		t.Errorf("min.insync.replicas with the broker's replication = %q, want the broker's own", got)
	}
	if _, there := specs["b"]; !there {
		t.Error("no spec of input topic b")
	}
}

// named are the worker's topics, with names that only this test knows.
func named(c *kafkatest.Cluster) produce.TopicsConfig {
	cfg := produce.DefaultTopicsConfig()
	for _, t := range []*produce.TopicConfig{&cfg.Events, &cfg.Tags, &cfg.Shadow, &cfg.Reloaded, &cfg.State, &cfg.Archive, &cfg.DLQ} {
		t.Name = c.Name(t.Name)
	}
	return cfg
}

func TestTopicsAsCreatedPassTheCheck(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	cfg := named(c)
	inputs := []string{cfg.Events.Name}
	if _, err := c.EnsureTopics(t.Context(), cfg.Specs(inputs, nil)); err != nil {
		t.Fatal(err)
	}
	found, err := c.Topics(t.Context(), inputs...)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.CheckTopics(t.Context(), cfg.Specs(inputs, found)); err != nil {
		t.Errorf("CheckTopics = %v, want nil", err)
	}
}
