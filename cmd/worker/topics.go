package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"ttpworker/internal/app"
	"ttpworker/internal/kafka"
)

func newTopics(g *globals) *cobra.Command {
	ensure := func(ctx context.Context, cfg app.Config, cluster *kafka.Cluster, w io.Writer) error {
		created, err := app.EnsureTopics(ctx, cfg, cluster)
		for _, t := range created {
			fmt.Fprintln(w, "created", t)
		}
		return err
	}
	check := func(ctx context.Context, cfg app.Config, cluster *kafka.Cluster, w io.Writer) error {
		if err := app.CheckTopics(ctx, cfg, cluster); err != nil {
			return err
		}
		_, err := fmt.Fprintln(w, "all topics are as they must be")
		return err
	}
	return group("topics", "Create and check the topics",
		topicsCommand(g, "ensure", "Create the topics that are missing, then check all", ensure, check),
		topicsCommand(g, "check", "Report topics that are missing or set up wrongly, and what to run", check))
}

func topicsCommand(
	g *globals, use, short string, steps ...func(context.Context, app.Config, *kafka.Cluster, io.Writer) error,
) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, log, err := g.load()
			if err != nil {
				return err
			}
			conn, err := app.Reach(cmd.Context(), cfg, log)
			if err != nil {
				return err
			}
			defer conn.Close()
			for _, step := range steps {
				if err := step(cmd.Context(), cfg, conn.Cluster, cmd.OutOrStdout()); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
