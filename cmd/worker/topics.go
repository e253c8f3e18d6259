package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"ttpworker/internal/app"
	"ttpworker/internal/yamlx"
)

func newTopics(g *globals) *cobra.Command {
	return group("topics", "Create and check the topics",
		topicsCommand(g, "ensure", "Create the topics that are missing, then check all", true),
		topicsCommand(g, "check", "Report topics that are missing or set up wrongly, and what to run", false))
}

func topicsCommand(g *globals, use, short string, create bool) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, log, err := g.loadForKafka()
			if err != nil {
				return err
			}
			conn, err := app.Reach(cmd.Context(), cfg, log)
			if err != nil {
				return err
			}
			defer conn.Close()
			created := []string{}
			if create {
				if created, err = app.EnsureTopics(cmd.Context(), cfg, conn.Cluster); err != nil {
					return err
				}
			}
			faults := yamlx.Faults(app.CheckTopics(cmd.Context(), cfg, conn.Cluster))
			return printTopics(g, cmd, created, faults)
		},
	}
}

// printTopics prints what was created and what is wrong; faults make the command fail.
func printTopics(g *globals, cmd *cobra.Command, created []string, faults []error) error {
	texts := make([]string, len(faults))
	for i, err := range faults {
		texts[i] = err.Error()
	}
	w := cmd.OutOrStdout()
	if g.json() {
		if created == nil {
			created = []string{}
		}
		if err := writeJSON(w, map[string]any{"created": created, "faults": texts}); err != nil {
			return err
		}
		if len(faults) > 0 {
			return &codedError{code: exitFailure}
		}
		return nil
	}
	for _, t := range created {
		fmt.Fprintln(w, "created", t)
	}
	if len(faults) > 0 {
		return &codedError{exitFailure, fmt.Errorf("%s", strings.Join(texts, "\n"))}
	}
	_, err := fmt.Fprintln(w, "all topics are as they must be")
	return err
}
