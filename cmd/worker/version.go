package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"ttpworker/internal/attack"
	"ttpworker/internal/tagger/engine"
	"ttpworker/internal/telemetry"
)

func newVersion(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print version, ATT&CK release and engine semantics", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, _, err := g.load(); err != nil {
				return err
			}
			v, w := telemetry.Version(), cmd.OutOrStdout()
			if g.json() {
				return writeJSON(w, map[string]any{
					"version": v, "go": runtime.Version(), "attack_release": attack.Release, "engine_semantics": engine.Semantics,
				})
			}
			_, err := fmt.Fprintf(w, "worker %s (%s, ATT&CK %s, engine semantics %d)\n", v, runtime.Version(), attack.Release, engine.Semantics)
			return err
		},
	}
}
