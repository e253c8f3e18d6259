package produce

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"

	"ttpworker/internal/kafka"
)

// A TopicConfig names a topic and says how to create it.
type TopicConfig struct {
	Name        string `yaml:"name"        env:"NAME"`
	Partitions  int32  `yaml:"partitions"  env:"PARTITIONS"`  // when it is created; never changed afterwards
	Replication int16  `yaml:"replication" env:"REPLICATION"` // when it is created; -1 = the broker's default
}

// TopicsConfig are the topics of the worker.
type TopicsConfig struct {
	Create   bool        `yaml:"create"   env:"CREATE"` // create what is missing when the worker starts
	Events   TopicConfig `yaml:"events"   envPrefix:"EVENTS_"`
	Tags     TopicConfig `yaml:"tags"     envPrefix:"TAGS_"`
	Shadow   TopicConfig `yaml:"shadow"   envPrefix:"SHADOW_"`
	Reloaded TopicConfig `yaml:"reloaded" envPrefix:"RELOADED_"`
	State    TopicConfig `yaml:"state"    envPrefix:"STATE_"`
	Archive  TopicConfig `yaml:"archive"  envPrefix:"ARCHIVE_"`
	DLQ      TopicConfig `yaml:"dlq"      envPrefix:"DLQ_"`
}

// DefaultTopicsConfig has the names of the documentation, six partitions where order matters per attacker.
func DefaultTopicsConfig() TopicsConfig {
	topic := func(name string, partitions int32) TopicConfig {
		return TopicConfig{Name: name, Partitions: partitions, Replication: -1}
	}
	return TopicsConfig{
		Events:   topic("ttp_events", 6),
		Tags:     topic("ttp_tags", 6),
		Shadow:   topic("ttp_tags_shadow", 6),
		Reloaded: topic("ttp_rule_reloaded", 1),
		State:    topic("ttp_rule_state", 1),
		Archive:  topic("ttp_rule_archive", 1),
		DLQ:      topic("ttp_events_dlq", 1),
	}
}

func (c TopicsConfig) all() []TopicConfig {
	return []TopicConfig{c.Events, c.Tags, c.Shadow, c.Reloaded, c.State, c.Archive, c.DLQ}
}

// control are those of one partition.
func (c TopicsConfig) control() []TopicConfig { return []TopicConfig{c.Reloaded, c.State, c.Archive} }

// Validate reports everything that is wrong, joined.
func (c TopicsConfig) Validate() error {
	var errs []error
	seen := map[string]bool{}
	for _, t := range c.all() {
		switch {
		case t.Name == "":
			errs = append(errs, errors.New("topics: a name is empty"))
		case seen[t.Name]:
			errs = append(errs, fmt.Errorf("topics: %s is named twice", t.Name))
		}
		seen[t.Name] = true
		if t.Partitions < 1 {
			errs = append(errs, fmt.Errorf("topics: %s: %d partitions is less than 1", t.Name, t.Partitions))
		}
		if t.Replication != -1 && t.Replication < 1 {
			errs = append(errs, fmt.Errorf("topics: %s: replication %d is neither -1 nor positive", t.Name, t.Replication))
		}
	}
	for _, t := range c.control() {
		if t.Partitions > 1 {
			errs = append(errs, fmt.Errorf("topics: %s: a control topic has 1 partition, not %d", t.Name, t.Partitions))
		}
	}
	for _, t := range []TopicConfig{c.Tags, c.Shadow} {
		if t.Partitions < c.Events.Partitions {
			errs = append(errs, fmt.Errorf("topics: %s has %d partitions, fewer than the %d of %s: a tag goes to the partition of its event",
				t.Name, t.Partitions, c.Events.Partitions, c.Events.Name))
		}
	}
	return errors.Join(errs...)
}

// headroom is how much larger a dead letter may be than the record it holds: its headers, in bytes.
const headroom = 16 << 10

// defaultMaxMessage is Kafka's default of max.message.bytes.
const defaultMaxMessage = 1_048_588

// letterRetention is how long dead letters wait for people to mend what was wrong.
const letterRetention = 14 * 24 * time.Hour

// Specs says what each topic must look like, the input topics first. Tags need as many partitions as the largest
// input topic has, the dead letter topic must take what the largest input takes; inputs are those that exist.
func (c TopicsConfig) Specs(inputNames []string, inputs map[string]kafka.Topic) []kafka.TopicSpec {
	most, largest := int32(1), 0
	for _, t := range inputs {
		most = max(most, t.Partitions)
		largest = max(largest, t.MaxMessage)
	}
	var specs []kafka.TopicSpec
	for _, name := range inputNames {
		specs = append(specs, kafka.TopicSpec{
			Name: name, Partitions: c.Events.Partitions, Replication: c.Events.Replication,
			Settings: settings(c.Events, nil),
		})
	}
	for _, t := range []TopicConfig{c.Tags, c.Shadow} {
		specs = append(specs, kafka.TopicSpec{
			Name: t.Name, Partitions: max(t.Partitions, most), MinPartitions: most, Replication: t.Replication, Compacted: true,
			Settings: settings(t, map[string]string{
				"min.cleanable.dirty.ratio": "0.1",
				"max.compaction.lag.ms":     ms(6 * time.Hour),
				"segment.ms":                ms(time.Hour),
				"delete.retention.ms":       ms(7 * 24 * time.Hour), // longest time a reader may be behind
			}),
		})
	}
	for _, t := range c.control() {
		extra := map[string]string{"min.compaction.lag.ms": ms(90 * 24 * time.Hour)} // history stays readable
		if t == c.Archive {                                                          // it has none, and every start reads it
			extra = map[string]string{"min.cleanable.dirty.ratio": "0.1", "max.compaction.lag.ms": ms(6 * time.Hour), "segment.ms": ms(time.Hour)}
		}
		specs = append(specs, kafka.TopicSpec{
			Name: t.Name, Partitions: 1, MaxPartitions: 1, Replication: t.Replication, Compacted: true, Settings: settings(t, extra),
		})
	}
	return append(specs, kafka.TopicSpec{
		Name: c.DLQ.Name, Partitions: c.DLQ.Partitions, Replication: c.DLQ.Replication, MinMessage: largest + headroom,
		MinRetention: letterRetention / 2,
		Settings: settings(c.DLQ, map[string]string{
			"retention.ms":      ms(letterRetention),
			"max.message.bytes": strconv.Itoa(max(largest, defaultMaxMessage) + 2*headroom),
		}),
	})
}

// settings adds to extra what every topic has. One acknowledged record must survive the loss of a broker, where
// there are brokers to survive on.
func settings(t TopicConfig, extra map[string]string) map[string]string {
	out := map[string]string{"compression.type": "producer", "message.timestamp.type": "CreateTime", "unclean.leader.election.enable": "false"}
	if t.Replication >= 3 {
		out["min.insync.replicas"] = "2"
	}
	maps.Copy(out, extra)
	return out
}

func ms(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
