package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"ttpworker/internal/app"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/yamlx"
)

func newRules(g *globals) *cobra.Command {
	var dirs []string
	c := group("rules", "Check, test and show rules",
		rulesCommand(g, &dirs, "lint", "Report everything that is wrong with rule files, with file:line:column", cobra.NoArgs, lint),
		rulesCommand(g, &dirs, "test", "Run the tests that the rules carry", cobra.NoArgs, test),
		rulesCommand(g, &dirs, "list", "List the rules", cobra.NoArgs, list),
		rulesCommand(g, &dirs, "show RULE_ID", "Show one rule: its file, digest and text", cobra.ExactArgs(1), show))
	c.PersistentFlags().StringArrayVar(&dirs, "rules", nil, "rule `directory`, read recursively; may be given several times; "+
		"without it those of the configuration, else ./rules/ttp, else the rules in the binary")
	return c
}

// A rulesJob is a sub-command over the rules that are good and the faults of the others.
type rulesJob func(g *globals, w io.Writer, rules []*rule.Rule, faults error, args []string) error

func rulesCommand(g *globals, dirs *[]string, use, short string, args cobra.PositionalArgs, job rulesJob) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: usageArgs(args),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, _, err := g.load()
			if err != nil {
				return err
			}
			rules, faults := app.LoadRules(cfg, *dirs)
			return job(g, cmd.OutOrStdout(), rules, faults, args)
		},
	}
}

func lint(g *globals, w io.Writer, rules []*rule.Rule, faults error, _ []string) error {
	found := yamlx.Faults(faults)
	if g.json() {
		type fault struct {
			File  string `json:"file"`
			Line  int    `json:"line"`
			Col   int    `json:"col"`
			Rule  string `json:"rule_id"`
			Error string `json:"error"`
		}
		all := make([]fault, len(found))
		for i, err := range found {
			all[i].Error = err.Error()
			if e, ok := errors.AsType[*rule.Error](err); ok {
				all[i] = fault{e.File, e.Line, e.Col, e.Rule, e.Err.Error()}
			}
		}
		if err := writeJSON(w, map[string]any{"rules": len(rules), "faults": all}); err != nil {
			return err
		}
	} else {
		for _, err := range found {
			fmt.Fprintln(w, err)
		}
		fmt.Fprintf(w, "%d rules, %d faults\n", len(rules), len(found))
	}
	if len(rules)+len(found) == 0 {
		return errors.New("no rule file found: the name of one is letters, digits and underscores and ends in .yaml or .yml")
	}
	if len(found) > 0 {
		return &codedError{code: exitFailure}
	}
	return nil
}

func test(g *globals, w io.Writer, rules []*rule.Rule, faults error, _ []string) error {
	monitor := tagger.NewMonitor(discard(), prometheus.NewRegistry())
	tests, failures := 0, yamlx.Faults(faults)
	for _, r := range rules {
		plan := pipeline.NewPlan([]*rule.Rule{r}, func(string) tagger.Standing { return tagger.DefaultStanding() }, monitor)
		failures = append(failures, yamlx.Faults(rule.RunTests(r, plan))...)
		tests += len(r.Tests)
	}
	if g.json() {
		texts := make([]string, len(failures))
		for i, err := range failures {
			texts[i] = err.Error()
		}
		if err := writeJSON(w, map[string]any{"rules": len(rules), "tests": tests, "failures": texts}); err != nil {
			return err
		}
	} else {
		for _, err := range failures {
			fmt.Fprintln(w, err)
		}
		fmt.Fprintf(w, "%d rules, %d tests, %d failed\n", len(rules), tests, len(failures))
	}
	if len(failures) > 0 {
		return &codedError{code: exitFailure}
	}
	return nil
}

func list(g *globals, w io.Writer, rules []*rule.Rule, faults error, _ []string) error {
	if g.json() {
		type row struct {
			RuleID     string   `json:"rule_id"`
			Version    *int     `json:"rule_version"`
			Name       string   `json:"name"`
			Kinds      []string `json:"kinds"`
			Techniques []string `json:"techniques"`
			Path       string   `json:"path"`
			Digest     string   `json:"rule_digest"`
			Tests      int      `json:"tests"`
		}
		rows := make([]row, len(rules))
		for i, r := range rules {
			rows[i] = row{r.ID, r.Version, r.Name, r.Kinds, techniques(r), r.File.Path, r.Digest, len(r.Tests)}
		}
		return errors.Join(writeJSON(w, rows), faults)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "RULE\tVERSION\tNAME\tKINDS\tTECHNIQUES\tTESTS")
	for _, r := range rules {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\n", r.ID, versionOf(r), r.Name, strings.Join(r.Kinds, ","), strings.Join(techniques(r), ","), len(r.Tests))
	}
	return errors.Join(t.Flush(), faults)
}

func techniques(r *rule.Rule) []string {
	ids := make([]string, len(r.Emits))
	for i, e := range r.Emits {
		ids[i] = e.Technique()
	}
	return ids
}

func versionOf(r *rule.Rule) string {
	if r.Version == nil {
		return "-"
	}
	return strconv.Itoa(*r.Version)
}

func show(g *globals, w io.Writer, rules []*rule.Rule, faults error, args []string) error {
	for _, r := range rules {
		if r.ID != args[0] {
			continue
		}
		if g.json() {
			return writeJSON(w, map[string]any{
				"rule_id": r.ID, "rule_version": r.Version, "name": r.Name, "rule_digest": r.Digest,
				"file_sha256": r.File.SHA256, "path": r.File.Path, "yaml": r.File.Text,
			})
		}
		_, err := fmt.Fprintf(w, "# %s\n# rule_digest %s\n%s", r.File.Path, r.Digest, r.File.Text)
		return err
	}
	return errors.Join(fmt.Errorf("no rule %q among %d rules", args[0], len(rules)), faults)
}
