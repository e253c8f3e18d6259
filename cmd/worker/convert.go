package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/spf13/cobra"

	"ttpworker/internal/app"
	"ttpworker/internal/rule"
)

func newConvert(g *globals, from *ruleFlags) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "convert [RULE_ID]",
		Short: "Write Sigma rules in our own form",
		Long: "Write one Sigma rule to standard output, or with --out each into a file of its own, in the form that the\n" +
			"worker's own rules have: source kind and fields are those of the mapping, so nothing is left to map. What\n" +
			"cannot be said in that form is told on standard error, and the exit code is 3 at the end. No file is overwritten.",
		Example: "  worker rules convert --rules sigma/rules --out rules/from_sigma",
		Args:    usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 0) == (dir == "") {
				return usage(errors.New("give a RULE_ID, whose rule goes to standard output, or --out DIR for all"))
			}
			cfg, _, err := g.load()
			if err != nil {
				return err
			}
			if dir != "" {
				if err := apart(dir, from.dirs); err != nil {
					return err
				}
			}
			set, err := from.read(cfg)
			if err != nil {
				return err
			}
			parser, err := from.parser(cfg)
			if err != nil {
				return err
			}
			if len(args) > 0 {
				return convertOne(cmd, parser, set, args[0])
			}
			return convertAll(cmd, parser, set, dir)
		},
	}
	c.Flags().StringVar(&dir, "out", "", "`directory` to write to, one file per rule; it is made if it is not there")
	return c
}

func convertOne(cmd *cobra.Command, p rule.Parser, set app.RuleSet, id string) error {
	for _, r := range set.Rules {
		if r.ID != id {
			continue
		}
		data, err := p.Convert(r)
		if err != nil {
			fmt.Fprintln(cmd.ErrOrStderr(), err)
			return &codedError{code: exitBadInput}
		}
		_, err = cmd.OutOrStdout().Write(data)
		return err
	}
	return errors.Join(fmt.Errorf("no rule %q among %d rules", id, len(set.Rules)), set.Faults)
}

// apart refuses an output directory that is one of the rule directories, or below one: each rule would be there twice.
func apart(out string, dirs []string) error {
	path, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	for ; ; path = filepath.Dir(path) {
		info, err := os.Stat(path)
		for _, dir := range dirs {
			if rules, e := os.Stat(dir); err == nil && e == nil && os.SameFile(info, rules) {
				return usage(fmt.Errorf("--out %s is in the rule directory %s: its rules would be there twice; give another directory", out, dir))
			}
		}
		if path == filepath.Dir(path) {
			return nil
		}
	}
}

// notInNames is what the name of a rule file has no place for.
var notInNames = regexp.MustCompile(`[^A-Za-z0-9_]`)

// convertAll writes every Sigma rule of the set; rules of our own form are passed over.
func convertAll(cmd *cobra.Command, p rule.Parser, set app.RuleSet, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // rules are for everybody to read
		return err
	}
	bad := set.Faults != nil
	if bad {
		fmt.Fprintln(cmd.ErrOrStderr(), set.Faults)
	}
	written := map[string]string{} // id by file name
	for _, r := range set.Rules {
		if !r.IsSigma() {
			continue
		}
		data, err := p.Convert(r)
		name := notInNames.ReplaceAllString(r.ID, "_") + ".yaml"
		if other := written[name]; err == nil && other != "" {
			err = &rule.Error{File: r.File.Path, Rule: r.ID, Err: fmt.Errorf("its file would be %s, as that of rule %q", name, other)}
		}
		if err != nil {
			fmt.Fprintln(cmd.ErrOrStderr(), err)
			bad = true
			continue
		}
		if err := writeNew(filepath.Join(dir, name), data); err != nil {
			if !errors.Is(err, fs.ErrExist) {
				return err
			}
			fmt.Fprintln(cmd.ErrOrStderr(), &rule.Error{File: r.File.Path, Rule: r.ID, Err: fmt.Errorf("not written: %w", err)})
			bad = true
			continue
		}
		written[name] = r.ID
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%d rules written to %s\n", len(written), dir)
	if bad {
		return &codedError{code: exitBadInput}
	}
	return nil
}

// writeNew writes a file that is not there yet.
func writeNew(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // rules are for everybody to read
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}
