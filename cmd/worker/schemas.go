package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"ttpworker/internal/app"
)

func newSchemas(g *globals) *cobra.Command {
	return group("schemas", "Register and check our schemas in the schema registry",
		schemasCommand(g, "register", "Register our schemas under the subjects of the topics, where they are missing", app.RegisterSchemas),
		schemasCommand(g, "check", "Report schemas that are missing, or that records of the input topics could not be read under", app.CheckSchemas))
}

func schemasCommand(
	g *globals, use, short string, job func(context.Context, app.Config) ([]app.SubjectReport, error),
) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, _, err := g.load()
			if err != nil {
				return err
			}
			reports, err := job(cmd.Context(), cfg)
			if errors.Is(err, app.ErrNoRegistry) {
				return usage(err)
			}
			if err != nil {
				return err
			}
			return printSubjects(g, cmd, reports)
		},
	}
}

// printSubjects prints how the subjects stand; faults make the command fail.
func printSubjects(g *globals, cmd *cobra.Command, reports []app.SubjectReport) error {
	var faults []string
	for _, r := range reports {
		for _, f := range r.Faults {
			faults = append(faults, fmt.Sprintf("%s: the schema of %s: %s", r.Subject, r.Schema, f))
		}
	}
	w := cmd.OutOrStdout()
	if g.json() {
		if err := writeJSON(w, map[string]any{"subjects": reports}); err != nil {
			return err
		}
		if len(faults) > 0 {
			return &codedError{code: exitFailure}
		}
		return nil
	}
	for _, r := range reports {
		if r.State != app.SubjectMissing {
			fmt.Fprintf(w, "%s %s %s id %d version %d\n", r.State, r.Subject, r.Schema, r.ID, r.Version)
		}
	}
	if len(faults) > 0 {
		return &codedError{exitFailure, errors.New(strings.Join(faults, "\n"))}
	}
	return nil
}
