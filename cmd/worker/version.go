package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"ttpworker/internal/attack"
	"ttpworker/internal/tagger/engine"
)

// version is set by the linker (-X main.version=...); a plain build says what the module and the checkout say.
var version string

func newVersion(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print version, ATT&CK release and engine semantics", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, _, err := g.load(); err != nil {
				return err
			}
			v, w := buildVersion(), cmd.OutOrStdout()
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

func buildVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return cmp.Or(info.Main.Version, "unknown")
}
