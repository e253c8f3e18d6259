package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"ttpworker/internal/demo"
	"ttpworker/internal/kafka"
	"ttpworker/internal/wire"
	"ttpworker/internal/yamlx"
)

func newDemo(g *globals) *cobra.Command {
	var once bool
	var hold time.Duration
	var dir string
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show the worker at work: embedded broker, simulated attacks, no set-up",
		Long: "Start an embedded broker and a replica, play attack sessions, print every tag as it comes out of Kafka, until\n" +
			"Ctrl-C. Ports are free ones (kafka.embedded.port, admin.listen to choose). The rules of the binary are copied to\n" +
			"./demo-rules, to be edited while it runs; a directory that is there is used as it is. Nothing else is written.\n\n" +
			"--once plays a fixed script, compares the tags that came out of Kafka with those expected, prints a table and\n" +
			"ends: exit code 0, or 1 if they differ. Rules that were edited give other tags.",
		Example: "  worker demo\n  worker demo --once --hold 60s",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, log, err := g.loadOver(demo.DefaultConfig())
			if err != nil {
				return err
			}
			if err := checkDemo(g, once, hold); err != nil {
				return usage(err)
			}
			cfg.Kafka.Brokers = yamlx.Strings{kafka.EmbeddedBroker} // whatever file and environment say for other commands
			cfg.Input.Format = wire.TaggerEvent                     // as the simulated sensors write
			if dir != "" {
				cfg.RuleStore.Dir = dir
			}
			return demo.Run(cmd.Context(), demo.Options{
				Config: cfg, Log: log, Out: cmd.OutOrStdout(), Colour: !color.NoColor, Once: once, Hold: hold,
			})
		},
	}
	c.Flags().BoolVar(&once, "once", false, "play a fixed script, compare, end")
	c.Flags().DurationVar(&hold, "hold", 0, "with --once: keep the broker up for other readers before it ends, e.g. 60s")
	c.Flags().StringVar(&dir, "rules", "", "rule `directory`, made if it is not there (default ./demo-rules)")
	return c
}

// checkDemo reports flags that do not go together.
func checkDemo(g *globals, once bool, hold time.Duration) error {
	switch {
	case hold < 0:
		return fmt.Errorf("--hold %s is negative", hold)
	case hold > 0 && !once:
		return errors.New("--hold goes with --once; without it the demo stays until Ctrl-C")
	case g.json():
		return errors.New("--output json: the demo prints for people; `worker tag` prints JSON")
	}
	for _, set := range g.sets {
		if key, value, _ := strings.Cut(set, "="); key == "kafka.brokers" && value != kafka.EmbeddedBroker {
			return errors.New("--set kafka.brokers: the demo brings its own broker; `worker run` takes others")
		}
	}
	if len(g.brokers) > 0 && (len(g.brokers) > 1 || g.brokers[0] != kafka.EmbeddedBroker) {
		return errors.New("--brokers: the demo brings its own broker; `worker run` takes others")
	}
	return nil
}
