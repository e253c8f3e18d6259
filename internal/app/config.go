package app

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ttpworker/internal/kafka"
	"ttpworker/internal/match"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/produce"
	"ttpworker/internal/registry"
	"ttpworker/internal/rule"
	"ttpworker/internal/store/filesystem"
	"ttpworker/internal/tagger/engine"
	"ttpworker/internal/telemetry"
	"ttpworker/internal/wire"
	"ttpworker/internal/yamlx"
)

// Config is the configuration of the worker: file keys are the yaml tags, environment variables DECNET_TTP_ and
// the path in capitals.
type Config struct {
	Kafka     kafka.Config          `yaml:"kafka"      envPrefix:"KAFKA_"`
	Input     InputConfig           `yaml:"input"      envPrefix:"INPUT_"`
	Topics    produce.TopicsConfig  `yaml:"topics"     envPrefix:"TOPICS_"`
	Output    OutputConfig          `yaml:"output"     envPrefix:"OUTPUT_"`
	DLQ       pipeline.LetterLimit  `yaml:"dlq"        envPrefix:"DLQ_"`
	Registry  registry.Config       `yaml:"schema_registry" envPrefix:"SCHEMA_REGISTRY_"`
	RuleStore StoreConfig           `yaml:"rule_store" envPrefix:"RULE_STORE_"`
	Sigma     SigmaConfig           `yaml:"sigma"      envPrefix:"SIGMA_"`
	Tagger    TaggerConfig          `yaml:"tagger"     envPrefix:"TAGGER_"`
	Limits    LimitsConfig          `yaml:"limits"     envPrefix:"LIMITS_"`
	Admin     telemetry.AdminConfig `yaml:"admin"      envPrefix:"ADMIN_"`
	Log       telemetry.LogConfig   `yaml:"log"        envPrefix:"LOG_"`
}

// InputConfig says what to read.
type InputConfig struct {
	Topics yamlx.Strings `yaml:"topics" env:"TOPICS"` // empty = topics.events.name
	Format wire.Format   `yaml:"format" env:"FORMAT"` // of the records of all of them
}

func (c InputConfig) validate() error {
	if err := c.Format.Validate(); err != nil {
		return fmt.Errorf("input.format: %w", err)
	}
	return nil
}

// OutputConfig says how to write.
type OutputConfig struct {
	Framing wire.Framing `yaml:"framing" env:"FRAMING"` // single_object, confluent or json
}

// StoreConfig chooses the rule store and configures it.
type StoreConfig struct {
	Type              string `yaml:"type" env:"TYPE"`
	filesystem.Config `yaml:",inline"`
}

// SigmaConfig says what Sigma rules mean here.
type SigmaConfig struct {
	Mapping string      `yaml:"mapping" env:"MAPPING"` // file in place of the shipped mapping; "" = that one
	Levels  rule.Levels `yaml:"levels"  envPrefix:"LEVELS_"`
}

// TaggerConfig chooses the tagger.
type TaggerConfig struct {
	Type       string `yaml:"type"        env:"TYPE"`
	AuditEvery int    `yaml:"audit_every" env:"AUDIT_EVERY"` // one event in so many is checked against a plain scan of rules in turn; 0 = none
}

func (c TaggerConfig) validate() error {
	if c.AuditEvery < 0 {
		return fmt.Errorf("tagger.audit_every %d is less than 0", c.AuditEvery)
	}
	return nil
}

// LimitsConfig bounds what comes in.
type LimitsConfig struct {
	wire.Limits `yaml:",inline"`
	Detection   match.Limits `yaml:",inline"`
	RuleBytes   int          `yaml:"rule_bytes" env:"RULE_BYTES"` // of a rule or list file
	Rules       int          `yaml:"rules"      env:"RULES"`      // in force; also of shared lists
}

// The implementations that a type in the configuration can name.
const (
	storeFilesystem = "filesystem"
	taggerComposite = "composite"
)

// DefaultConfig is a replica beside a local broker with the rules in rules/ttp.
func DefaultConfig() Config {
	return Config{
		Kafka:     kafka.DefaultConfig(),
		Input:     InputConfig{Format: wire.TaggerEvent},
		Topics:    produce.DefaultTopicsConfig(),
		Output:    OutputConfig{Framing: wire.SingleObject},
		DLQ:       pipeline.DefaultLetterLimit(),
		Registry:  registry.DefaultConfig(),
		RuleStore: StoreConfig{Type: storeFilesystem, Config: filesystem.DefaultConfig()},
		Sigma:     SigmaConfig{Levels: rule.DefaultLevels()},
		Tagger:    TaggerConfig{Type: taggerComposite, AuditEvery: engine.DefaultAuditEvery},
		Limits: LimitsConfig{
			Limits: wire.DefaultLimits(), Detection: match.DefaultLimits(), RuleBytes: rule.DefaultMaxBytes, Rules: rule.DefaultMaxRules,
		},
		Admin: telemetry.DefaultAdminConfig(),
		Log:   telemetry.DefaultLogConfig(),
	}
}

// InputTopics are the topics to read, the first of them the one whose partition 0 makes a replica the keeper.
func (c Config) InputTopics() []string {
	if len(c.Input.Topics) == 0 {
		return []string{c.Topics.Events.Name}
	}
	return slices.Clone(c.Input.Topics)
}

// Validate reports everything that is wrong, joined.
func (c Config) Validate() error {
	errs := []error{
		c.Kafka.Validate(), c.Input.validate(), c.Topics.Validate(), c.Output.Framing.Validate(), c.Registry.Validate(), c.DLQ.Validate(),
		known("rule_store.type", c.RuleStore.Type, storeFilesystem),
		c.RuleStore.Validate(), c.Sigma.Levels.Validate(),
		known("tagger.type", c.Tagger.Type, taggerComposite), c.Tagger.validate(),
		c.Limits.Validate(), c.Limits.validate(), c.Admin.Validate(), c.Log.Validate(),
	}
	outputs := []string{c.Topics.Tags.Name, c.Topics.Shadow.Name, c.Topics.Reloaded.Name, c.Topics.State.Name, c.Topics.Archive.Name, c.Topics.DLQ.Name}
	if c.Output.Framing == wire.Confluent && !c.Registry.Configured() {
		errs = append(errs, errors.New("output.framing confluent needs a schema registry: give schema_registry.urls"))
	}
	for i, t := range c.Input.Topics {
		switch {
		case t == "" || slices.Contains(c.Input.Topics[:i], t):
			errs = append(errs, fmt.Errorf("input.topics: %q is empty or named twice", t))
		case slices.Contains(outputs, t):
			errs = append(errs, fmt.Errorf("input.topics: %s is an output topic: the worker would read what it writes, for ever", t))
		}
	}
	return errors.Join(errs...)
}

// validate reports the limits of rules that are out of range, joined.
func (l LimitsConfig) validate() error {
	var errs []error
	for _, limit := range []struct {
		key   string
		value int
	}{
		{"rule_bytes", l.RuleBytes},
		{"rules", l.Rules},
	} {
		if limit.value < 1 {
			errs = append(errs, fmt.Errorf("limits.%s %d is less than 1", limit.key, limit.value))
		}
	}
	return errors.Join(append(errs, l.Detection.Validate())...)
}

// known reports a name that no implementation has.
func known(key, name string, names ...string) error {
	if slices.Contains(names, name) {
		return nil
	}
	return fmt.Errorf("%s: unknown %q; known: %s", key, name, strings.Join(names, ", "))
}
