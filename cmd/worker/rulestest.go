package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"text/tabwriter"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"ttpworker/internal/app"
	"ttpworker/internal/match"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/quality"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/engine"
	"ttpworker/internal/yamlx"
)

func newRulesTest(g *globals, from *ruleFlags) *cobra.Command {
	var cover bool
	var least float64
	c := rulesCommand(g, from, "test", "Run the tests that the rules carry", cobra.NoArgs,
		func(g *globals, out streams, set app.RuleSet, _ []string) error {
			if least < 0 || least > 100 {
				return usage(fmt.Errorf("--min %v: a percentage, 0 to 100", least))
			}
			return test(g, out, set, cover || least > 0, least)
		})
	c.Long = "Run the tests that the rules carry. Behind one that fails stand the fields that are derived from its payload.\n\n" +
		"With --coverage also say which branches of each rule no test covers: the selections and the sides of an `or` that its\n" +
		"condition names, the items and values of its lists, its patterns. A branch is covered if it has made the rule match in\n" +
		"some test; an exception, behind a `not`, if it has kept the rule from matching. Sigma rules carry no tests."
	c.Flags().BoolVar(&cover, "coverage", false, "say which branches of each rule no test covers")
	c.Flags().Float64Var(&least, "min", 0, "with --coverage: end with exit code 4 if fewer than this `percentage` of the branches of a rule are covered")
	return c
}

// test runs the tests of all rules, and measures their coverage if it is to. A rule of which less than least per cent is
// covered is told by the exit code.
func test(g *globals, to streams, set app.RuleSet, cover bool, least float64) error {
	w := to.out
	monitor := tagger.NewMonitor(discard(), prometheus.NewRegistry())
	tests, failures := 0, yamlx.Faults(set.Faults)
	for _, r := range set.Rules {
		plan := pipeline.NewPlan([]*rule.Rule{r}, func(string) tagger.Standing { return tagger.DefaultStanding() }, monitor)
		failures = append(failures, yamlx.Faults(rule.RunTests(r, plan))...)
		tests += len(r.Tests)
	}
	var covered []*quality.Coverage
	if cover {
		var err error
		if covered, err = coverages(set.Rules); err != nil {
			return err
		}
	}
	if g.json() {
		if err := writeJSON(w, testReport(set, tests, failures, cover, covered)); err != nil {
			return err
		}
	} else {
		for _, err := range failures {
			fmt.Fprintln(w, err)
			if e, ok := errors.AsType[*rule.TestError](err); ok {
				tellDerived(w, e.Test)
			}
		}
		for _, err := range set.PassedOver {
			fmt.Fprintln(w, "warning:", err)
		}
		if cover {
			if err := tellCoverage(w, covered, len(set.Rules)); err != nil {
				return err
			}
		}
		fmt.Fprintf(w, "%d rules, %d tests, %d failed\n", len(set.Rules), tests, len(failures))
	}
	if err := set.Missing(); err != nil {
		return err
	}
	if len(failures) > 0 {
		return &codedError{code: exitFailure}
	}
	return below(covered, least)
}

// tellDerived shows what was derived from the payload of a test, a field a line: that is what rules match, and nobody sees.
func tellDerived(w io.Writer, t *rule.Test) {
	var given, extended map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(t.Payload, &given), json.Unmarshal(engine.Extended(t.Kind, t.Payload), &extended)); err != nil {
		return // the failure is about that
	}
	for _, name := range slices.Sorted(maps.Keys(extended)) {
		if !bytes.Equal(given[name], extended[name]) {
			fmt.Fprintf(w, "  %s: %s\n", name, extended[name])
		}
	}
}

// below is an error if a rule is covered less than least per cent.
func below(covered []*quality.Coverage, least float64) error {
	n := 0
	for _, c := range covered {
		if c.Percent() < least {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return &codedError{exitLimit, fmt.Errorf("%d of %d rules are covered less than %v %% (--min)", n, len(covered), least)}
}

// coverages are those of the rules that can carry tests and have a detection or patterns.
func coverages(rules []*rule.Rule) ([]*quality.Coverage, error) {
	all := []*quality.Coverage{}
	var errs []error
	for _, r := range quality.Detecting(rules) {
		if r.IsSigma() {
			continue
		}
		c, err := quality.Cover(r)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		all = append(all, c)
	}
	return all, errors.Join(errs...)
}

// tellCoverage says what is missing, a branch a line, then the share of each rule, then that of all.
func tellCoverage(w io.Writer, covered []*quality.Coverage, rules int) error {
	branches, good := 0, 0
	for _, c := range covered {
		for i := range c.Missing {
			b := &c.Missing[i]
			fmt.Fprintln(w, &rule.Error{File: c.Rule.File.Path, Line: b.Line, Col: b.Col, Rule: c.Rule.ID, Err: errors.New(missing(b))})
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "RULE\tBRANCHES\tCOVERED\tPERCENT")
	for _, c := range covered {
		fmt.Fprintf(t, "%s\t%d\t%d\t%.1f\n", c.Rule.ID, c.Branches, c.Covered(), c.Percent())
		branches, good = branches+c.Branches, good+c.Covered()
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if sigma := rules - len(covered); sigma > 0 {
		fmt.Fprintf(w, "%d Sigma rules carry no tests\n", sigma)
	}
	fmt.Fprintf(w, "%d of %d branches covered, %.1f %%\n", good, branches, quality.Percent(good, branches))
	return nil
}

// maxBranchText bounds what is shown of a branch, in characters: a pattern can be as long as a page.
const maxBranchText = 120

// missing says of a branch what no test does.
func missing(b *match.Branch) string {
	if b.Negated {
		return fmt.Sprintf("no test in which the exception %s %s keeps the rule from matching", b.Kind, quoted(b.Text))
	}
	return fmt.Sprintf("no test in which %s %s makes the rule match", b.Kind, quoted(b.Text))
}

// quoted is the beginning of a text of a rule on one line, in back quotes if it can be: patterns are full of backslashes.
func quoted(text string) string {
	more := ""
	if runes := []rune(text); len(runes) > maxBranchText {
		text, more = string(runes[:maxBranchText]), "..."
	}
	if strconv.CanBackquote(text) {
		return "`" + text + "`" + more
	}
	return strconv.Quote(text) + more
}

// testReport is what test found, for machines.
func testReport(set app.RuleSet, tests int, failures []error, cover bool, covered []*quality.Coverage) any {
	type branch struct {
		File      string `json:"file"`
		Line      int    `json:"line"`
		Col       int    `json:"col"`
		Kind      string `json:"kind"`
		Text      string `json:"text"`
		Exception bool   `json:"exception"`
	}
	type row struct {
		RuleID   string   `json:"rule_id"`
		Branches int      `json:"branches"`
		Covered  int      `json:"covered"`
		Percent  float64  `json:"percent"`
		Missing  []branch `json:"missing"`
	}
	type total struct {
		Rules    []row   `json:"rules"`
		Branches int     `json:"branches"`
		Covered  int     `json:"covered"`
		Percent  float64 `json:"percent"`
	}
	report := map[string]any{"rules": len(set.Rules), "tests": tests, "failures": texts(failures), "warnings": texts(set.PassedOver)}
	if !cover {
		return report
	}
	sum := total{Rules: []row{}}
	for _, c := range covered {
		r := row{c.Rule.ID, c.Branches, c.Covered(), c.Percent(), []branch{}}
		for _, b := range c.Missing {
			r.Missing = append(r.Missing, branch{c.Rule.File.Path, b.Line, b.Col, b.Kind.String(), b.Text, b.Negated})
		}
		sum.Rules = append(sum.Rules, r)
		sum.Branches, sum.Covered = sum.Branches+c.Branches, sum.Covered+c.Covered()
	}
	sum.Percent = quality.Percent(sum.Covered, sum.Branches)
	report["coverage"] = sum
	return report
}

func texts(errs []error) []string {
	all := make([]string, len(errs))
	for i, err := range errs {
		all[i] = err.Error()
	}
	return all
}
