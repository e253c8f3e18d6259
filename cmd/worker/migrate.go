package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"ttpworker/internal/app"
	"ttpworker/internal/attack"
	"ttpworker/internal/yamlx"
)

func newMigrate(g *globals, from *ruleFlags) *cobra.Command {
	var write bool
	c := &cobra.Command{
		Use:   "migrate",
		Short: "Bring rule files of an earlier ATT&CK release to v" + attack.Release,
		Long: "Print, as a diff, what has to change in rule files: techniques that were revoked become those that took their\n" +
			"place, in emits, in what tests expect and in the tags of Sigma rules, and tactics that do not list them any more\n" +
			"become those that do. With --write the files are changed in place, nothing but that and the rule_version, which is\n" +
			"raised by one. What is not certain is told on standard error, and the exit code is 3 at the end.",
		Example: "  worker rules migrate --rules rules/ttp\n  worker rules migrate --rules rules/ttp --write",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, _, err := g.load()
			if err != nil {
				return err
			}
			set, err := app.ReadMigrations(from.over(cfg), from.dirs)
			if err != nil {
				return err
			}
			return migrate(cmd, g, set, write)
		},
	}
	c.Flags().BoolVar(&write, "write", false, "change the files")
	return c
}

// A migratedFile is a file that changes, for machines.
type migratedFile struct {
	Path string `json:"path"`
	Diff string `json:"diff"`
}

func migrate(cmd *cobra.Command, g *globals, set app.MigrationSet, write bool) error {
	changed, left := []migratedFile{}, []error{}
	for _, m := range set.Files {
		left = append(left, m.Left...)
		if m.Text == nil {
			continue
		}
		if write {
			if err := app.WriteOver(m.Path, m.Text); err != nil {
				return err
			}
		}
		changed = append(changed, migratedFile{m.Path, m.Diff})
	}
	faults := yamlx.Faults(set.Faults)
	if g.json() {
		report := map[string]any{"read": set.Read, "changes": changed, "written": write, "left": places(left), "faults": places(faults)}
		if err := writeJSON(cmd.OutOrStdout(), report); err != nil {
			return err
		}
	} else {
		for _, m := range changed {
			fmt.Fprint(cmd.OutOrStdout(), m.Diff)
		}
		for _, err := range append(faults, left...) {
			fmt.Fprintln(cmd.ErrOrStderr(), err)
		}
		done := "would change"
		if write {
			done = "changed"
		} else if len(changed) > 0 {
			done += " (--write changes them)"
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%d of %d files %s, %d left to choose\n", len(changed), set.Read, done, len(left))
	}
	if len(left)+len(faults) > 0 {
		return &codedError{code: exitBadInput}
	}
	return nil
}
