package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"ttpworker/internal/app"
	"ttpworker/internal/kafka"
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
			findings, err := app.CheckTopics(cmd.Context(), cfg, conn.Cluster)
			if err != nil {
				return err
			}
			return printTopics(g, cmd, created, findings)
		},
	}
}

// printTopics prints what was created and what is not as it should be; faults make the command fail, doubts do not.
func printTopics(g *globals, cmd *cobra.Command, created []string, findings kafka.Findings) error {
	faults, warnings := []string{}, []string{}
	for _, f := range findings {
		if f.Severity == kafka.Doubtful {
			warnings = append(warnings, f.Err.Error())
		} else {
			faults = append(faults, f.Err.Error())
		}
	}
	w := cmd.OutOrStdout()
	if g.json() {
		if created == nil {
			created = []string{}
		}
		if err := writeJSON(w, map[string]any{"created": created, "faults": faults, "warnings": warnings}); err != nil {
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
	for _, text := range warnings {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning:", text)
	}
	if len(faults) > 0 {
		return &codedError{exitFailure, errors.New(strings.Join(faults, "\n"))}
	}
	_, err := fmt.Fprintln(w, "all topics are as they must be")
	return err
}
