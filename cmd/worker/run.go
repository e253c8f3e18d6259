package main

import (
	"github.com/spf13/cobra"

	"ttpworker/internal/app"
)

func newRun(g *globals) *cobra.Command {
	var leave bool
	c := &cobra.Command{
		Use:   "run",
		Short: "Run a replica until SIGTERM",
		Long: "Run a replica: take part in the consumer group, tag events, write tags, until SIGTERM or SIGINT.\n" +
			"A second signal exits at once; the open transaction is then aborted by the next start.\n\n" +
			"With kafka.brokers: embedded it brings its own broker, for trying out.",
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, log, err := g.load()
			if err != nil {
				return err
			}
			cfg.Kafka.Leave = leave
			return app.Run(cmd.Context(), cfg, log)
		},
	}
	c.Flags().BoolVar(&leave, "leave", false, "leave the group at the end, for scaling down; a replica with a name else keeps its place for a restart")
	return c
}
