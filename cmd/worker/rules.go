package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ttpworker/internal/app"
	"ttpworker/internal/rule"
	"ttpworker/internal/yamlx"
)

func newRules(g *globals) *cobra.Command {
	var from ruleFlags
	c := group("rules", "Check, test, measure, show, convert and migrate rules",
		newRulesLint(g, &from),
		newRulesTest(g, &from),
		rulesCommand(g, &from, "list", "List the rules", cobra.NoArgs, list),
		rulesCommand(g, &from, "show RULE_ID", "Show one rule: its file, digest and text", cobra.ExactArgs(1), show),
		newRulesBench(g, &from),
		newConvert(g, &from), newMigrate(g, &from), newCoverage(g, &from))
	from.add(c.PersistentFlags())
	return c
}

// ruleFlags say which rules a command is about, and how Sigma rules among them are read.
type ruleFlags struct {
	dirs    []string
	lists   string
	mapping string
}

func (r *ruleFlags) add(f *pflag.FlagSet) {
	f.StringArrayVar(&r.dirs, "rules", nil, "rule `directory`, read recursively; may be given several times; "+
		"without it those of the configuration, else ./rules/ttp, else the rules in the binary")
	f.StringVar(&r.lists, "lists", "", "`directory` of shared lists, short for --set rule_store.lists_dir=DIR; "+
		"without it lists in each rule directory and lists beside it")
	f.StringVar(&r.mapping, "sigma-mapping", "", "`file` of source kinds and fields for Sigma rules, short for --set sigma.mapping=FILE")
}

func (r *ruleFlags) read(cfg app.Config) (app.RuleSet, error) {
	return app.ReadRules(r.over(cfg), r.dirs)
}

func (r *ruleFlags) parser(cfg app.Config) (rule.Parser, error) { return app.NewParser(r.over(cfg)) }

// over is the configuration under the flags.
func (r *ruleFlags) over(cfg app.Config) app.Config {
	if r.lists != "" {
		cfg.RuleStore.ListsDir = r.lists
	}
	if r.mapping != "" {
		cfg.Sigma.Mapping = r.mapping
	}
	return cfg
}

// streams are what a command writes to.
type streams struct{ out, err io.Writer }

// A rulesJob is a sub-command over rules.
type rulesJob func(g *globals, out streams, set app.RuleSet, args []string) error

func rulesCommand(g *globals, from *ruleFlags, use, short string, args cobra.PositionalArgs, job rulesJob) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: usageArgs(args),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, _, err := g.load()
			if err != nil {
				return err
			}
			set, err := from.read(cfg)
			if err != nil {
				return err
			}
			return job(g, streams{cmd.OutOrStdout(), cmd.ErrOrStderr()}, set, args)
		},
	}
}

// tell says what is wrong with the rule files, and what is doubtful, one a line.
func tell(w io.Writer, set app.RuleSet) {
	for _, err := range yamlx.Faults(set.Faults) {
		fmt.Fprintln(w, err)
	}
	for _, err := range slices.Concat(set.Warnings, set.PassedOver) {
		fmt.Fprintln(w, "warning:", err)
	}
}

func list(g *globals, to streams, set app.RuleSet, _ []string) error {
	w := to.out
	tell(to.err, set)
	var failed error
	if set.Faults != nil {
		failed = &codedError{code: exitFailure}
	}
	if g.json() {
		type emit struct {
			Tactic     string  `json:"tactic"`
			Technique  string  `json:"technique"`
			Confidence float64 `json:"confidence"`
		}
		type row struct {
			RuleID     string   `json:"rule_id"`
			Version    *int     `json:"rule_version"`
			Name       string   `json:"name"`
			Kinds      []string `json:"kinds"`
			Techniques []string `json:"techniques"`
			Emits      []emit   `json:"emits"`
			Path       string   `json:"path"`
			Digest     string   `json:"rule_digest"`
			Tests      int      `json:"tests"`
		}
		rows := make([]row, len(set.Rules))
		for i, r := range set.Rules {
			emits := make([]emit, len(r.Emits))
			for k, e := range r.Emits {
				emits[k] = emit{e.Tactic, e.Technique(), e.Confidence}
			}
			rows[i] = row{r.ID, r.Version, r.Name, r.Kinds, techniques(r), emits, r.File.Path, r.Digest, len(r.Tests)}
		}
		return cmp.Or(writeJSON(w, rows), failed)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "RULE\tVERSION\tNAME\tKINDS\tTECHNIQUES\tTESTS")
	for _, r := range set.Rules {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\n", r.ID, versionOf(r), r.Name, strings.Join(r.Kinds, ","), cmp.Or(strings.Join(techniques(r), ","), "-"), len(r.Tests))
	}
	return cmp.Or(t.Flush(), failed)
}

// techniques are what r emits, each once; a Sigma rule may name none.
func techniques(r *rule.Rule) []string {
	ids := []string{}
	for _, e := range r.Emits {
		if id := e.Technique(); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func versionOf(r *rule.Rule) string {
	if r.Version == nil {
		return "-"
	}
	return strconv.Itoa(*r.Version)
}

func show(g *globals, to streams, set app.RuleSet, args []string) error {
	w := to.out
	for _, r := range set.Rules {
		if r.ID != args[0] {
			continue
		}
		if g.json() {
			return writeJSON(w, map[string]any{
				"rule_id": r.ID, "rule_version": r.Version, "name": r.Name, "rule_digest": r.Digest,
				"file_sha256": r.File.SHA256, "path": r.File.Path, "yaml": r.File.Text, "filters": append([]string{}, r.Filters...), "lists": append([]string{}, r.Lists...),
			})
		}
		fmt.Fprintf(w, "# %s\n# rule_digest %s\n", r.File.Path, r.Digest)
		for _, f := range r.Filters {
			fmt.Fprintf(w, "# filter %s\n", f)
		}
		for _, name := range r.Lists {
			fmt.Fprintf(w, "# list %s of %s\n", name, set.Lists[name].Path)
		}
		_, err := fmt.Fprint(w, r.File.Text)
		return err
	}
	return errors.Join(fmt.Errorf("no rule %q among %d rules", args[0], len(set.Rules)), set.Faults)
}
