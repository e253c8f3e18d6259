package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"ttpworker/internal/app"
	"ttpworker/internal/telemetry"
)

// globals are the flags that every command has.
type globals struct {
	config  string
	sets    []string
	brokers []string
	output  string
}

func newRoot() *cobra.Command {
	g := &globals{}
	root := &cobra.Command{
		Use:   "worker",
		Short: "Says which MITRE ATT&CK techniques attacker telemetry shows",
		Long: "worker reads TaggerEvents from Kafka, tags them with MITRE ATT&CK techniques by YAML rules that it reloads\n" +
			"as they are edited, and writes the tags back, exactly once.\n\n" +
			"Try `worker demo` first: it needs nothing.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          usageArgs(cobra.NoArgs),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	f := root.PersistentFlags()
	f.StringVar(&g.config, "config", "", "configuration file (YAML)")
	f.StringArrayVar(&g.sets, "set", nil, "set a configuration key, over file and environment: `key=value`, e.g. kafka.group=x")
	f.StringSliceVar(&g.brokers, "brokers", nil, "Kafka brokers, short for --set kafka.brokers=`host:port,...`")
	f.StringVar(&g.output, "output", "text", "form of results: `text or json`")
	root.AddCommand(newRun(g), newDemo(g), newTag(g), newRules(g), newState(g), newTopics(g), newExplain(g), newDLQ(g), newRetag(g), newVerify(g), newSchemas(g), newVersion(g))
	return root
}

// load reads the configuration and makes the logger that goes with it.
func (g *globals) load() (app.Config, *slog.Logger, error) { return g.loadOver(app.DefaultConfig()) }

// loadOver is load with other defaults: base.
func (g *globals) loadOver(base app.Config) (app.Config, *slog.Logger, error) {
	if g.output != "text" && g.output != "json" {
		return app.Config{}, nil, usage(fmt.Errorf("--output %q: text or json", g.output))
	}
	sets := g.sets
	if len(g.brokers) > 0 {
		sets = append(sets, "kafka.brokers="+strings.Join(g.brokers, ","))
	}
	cfg, warnings, err := app.LoadOver(base, g.config, os.Environ(), sets)
	if err != nil {
		return cfg, nil, usage(fmt.Errorf("configuration:\n  %s", strings.ReplaceAll(err.Error(), "\n", "\n  ")))
	}
	log := telemetry.NewLogger(os.Stderr, cfg.Log)
	for _, w := range warnings {
		log.Warn("doubtful configuration", "warning", w)
	}
	return cfg, log, nil
}

// loadForKafka is load for a command that talks to a broker that is there already. Unless the configuration says otherwise it
// logs warnings only: it says itself what it does.
func (g *globals) loadForKafka() (app.Config, *slog.Logger, error) {
	base := app.DefaultConfig()
	base.Log.Level = "warn"
	cfg, log, err := g.loadOver(base)
	if err == nil && cfg.Kafka.UseEmbedded() {
		err = usage(errors.New("kafka.brokers is embedded: that broker lives inside the worker that started it; give its address, --brokers host:port"))
	}
	return cfg, log, err
}

// json reports whether results go out as JSON.
func (g *globals) json() bool { return g.output == "json" }

// writeJSON writes v as one indented JSON value.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// group makes a command that only has sub-commands.
func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usage(errors.New(cmd.CommandPath() + " needs a sub-command: " + names(subs)))
		},
	}
	c.AddCommand(subs...)
	return c
}

func names(cmds []*cobra.Command) string {
	all := make([]string, len(cmds))
	for i, c := range cmds {
		all[i] = c.Name()
	}
	return strings.Join(all, ", ")
}
