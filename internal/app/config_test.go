package app_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/app"
	"ttpworker/internal/wire"
	"ttpworker/internal/yamlx"
)

func TestDefaultConfigIsValid(t *testing.T) {
	t.Parallel()
	if err := app.DefaultConfig().Validate(); err != nil {
		t.Errorf("Validate = %v, want nil", err)
	}
}

func TestConfigValidateNamesTheKeyAndWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		edit func(*app.Config)
		want string
	}{
		{"kafka", func(c *app.Config) { c.Kafka.Group = "" }, "kafka.group is empty"},
		{"topics", func(c *app.Config) { c.Topics.State.Partitions = 2 }, "topics: ttp_rule_state: a control topic has 1 partition, not 2"},
		{
			"a framing without its registry", func(c *app.Config) { c.Output.Framing = wire.Confluent },
			"output.framing confluent needs a schema registry: give schema_registry.urls",
		},
		{
			"an unknown framing", func(c *app.Config) { c.Output.Framing = "xml" },
			`unknown output.framing "xml": one of single_object, confluent, json`,
		},
		{
			"a registry", func(c *app.Config) { c.Registry.URLs = yamlx.Strings{"localhost:8081"} },
			"schema_registry.urls: an address is not like https://host:8081",
		},
		{"an unknown store", func(c *app.Config) { c.RuleStore.Type = "etcd" }, `rule_store.type: unknown "etcd"; known: filesystem`},
		{"an unknown tagger", func(c *app.Config) { c.Tagger.Type = "" }, `tagger.type: unknown ""; known: composite`},
		{
			"no rule directory", func(c *app.Config) { c.RuleStore.Dir = "" },
			"rule_store.dir is empty: name the directory of the rule files",
		},
		{
			"lists among the rules", func(c *app.Config) { c.RuleStore.ListsDir = "rules" },
			"rule_store.lists_dir is rules, where the rules are (rule_store.dir): give the lists a directory of their own",
		},
		{"a level", func(c *app.Config) { c.Sigma.Levels.High = 1.5 }, "sigma.levels.high 1.5 is not between 0 and 1"},
		{"no level", func(c *app.Config) { c.Sigma.Levels.Missing = -1 }, "sigma.levels.missing -1 is not between 0 and 1"},
		{"no rules", func(c *app.Config) { c.Limits.Rules = 0 }, "limits.rules 0 is less than 1"},
		{"fields", func(c *app.Config) { c.Limits.Fields = -1 }, "limits.fields -1 is less than 0"},
		{"detections", func(c *app.Config) { c.Limits.Detection.Atoms = -1 }, "limits.detection_size -1 is less than 1"},
		{"no room for a rule", func(c *app.Config) { c.Limits.RuleBytes = 0 }, "limits.rule_bytes 0 is less than 1"},
		{
			"an admin address", func(c *app.Config) { c.Admin.Listen = "8080" },
			`admin.listen "8080" is not host:port: address 8080: missing port in address`,
		},
		{"a log level", func(c *app.Config) { c.Log.Level = "loud" }, `log.level "loud": one of debug, info, warn, error`},
		{
			"an input named twice", func(c *app.Config) { c.Input.Topics = yamlx.Strings{"a", "a"} },
			`input.topics: "a" is empty or named twice`,
		},
		{
			"a dead letter read again", func(c *app.Config) { c.Input.Topics = yamlx.Strings{"a", "ttp_events_dlq"} },
			"input.topics: ttp_events_dlq is an output topic: the worker would read what it writes, for ever",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := app.DefaultConfig()
			tt.edit(&cfg)
			if err := cfg.Validate(); err == nil || err.Error() != tt.want {
				t.Errorf("Validate =\n%v\nwant\n%s", err, tt.want)
			}
		})
	}
	cfg := app.DefaultConfig()
	cfg.Kafka.Group, cfg.Tagger.Type, cfg.Limits.Depth, cfg.Log.Format = "", "x", 0, "xml"
	if err := cfg.Validate(); err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("Validate of four faults =\n%v\nwant all four", err)
	}
}

func TestTheInputIsTheEventsTopicUnlessOthersAreNamed(t *testing.T) {
	t.Parallel()
	cfg := app.DefaultConfig()
	if diff := cmp.Diff([]string{"ttp_events"}, cfg.InputTopics()); diff != "" {
		t.Errorf("InputTopics (-want +got):\n%s", diff)
	}
	cfg.Input.Topics = yamlx.Strings{"b", "a"}
	got := cfg.InputTopics()
	if diff := cmp.Diff([]string{"b", "a"}, got); diff != "" {
		t.Errorf("InputTopics (-want +got):\n%s", diff)
	}
	got[0] = "changed"
	if cfg.Input.Topics[0] != "b" {
		t.Error("InputTopics hands out the configuration's own list")
	}
}

func TestSigmaAndLimitsComeFromTheEnvironmentAndFlags(t *testing.T) {
	t.Parallel()
	cfg, warnings, err := app.Load("", []string{
		"DECNET_TTP_SIGMA_LEVELS_HIGH=0.8", "DECNET_TTP_LIMITS_REGEXP_SIZE=1000", "DECNET_TTP_LIMITS_FIELDS=7", "DECNET_TTP_SIGMA_MAPPING=m.yaml",
	}, []string{"limits.rules=3", "limits.expansion=5", "limits.detection_size=6", "sigma.mapping=n.yaml"})
	if err != nil || len(warnings) > 0 {
		t.Fatalf("Load = %q, %v, want all keys known", warnings, err)
	}
	want := app.DefaultConfig()
	want.Sigma.Levels.High, want.Sigma.Mapping = 0.8, "n.yaml"
	want.Limits.Fields, want.Limits.Rules = 7, 3
	want.Limits.Detection.Regexp, want.Limits.Detection.Expansion, want.Limits.Detection.Atoms = 1000, 5, 6
	if diff := cmp.Diff(want, cfg); diff != "" {
		t.Errorf("Load (-want +got):\n%s", diff)
	}
}
