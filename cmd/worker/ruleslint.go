package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"ttpworker/internal/app"
	"ttpworker/internal/quality"
	"ttpworker/internal/rule"
	"ttpworker/internal/yamlx"
)

func newRulesLint(g *globals, from *ruleFlags) *cobra.Command {
	var strict bool
	c := rulesCommand(g, from, "lint", "Report everything that is wrong with rule files, and what is doubtful", cobra.NoArgs,
		func(g *globals, out streams, set app.RuleSet, _ []string) error { return lint(g, out, set, strict) })
	c.Long = "Report everything that is wrong with rule files, and what is doubtful about good ones, each with file:line:column.\n\n" +
		"A warning has a name, in brackets, by which a rule can acknowledge it: `lint: {allow: [NAME]}`."
	c.Flags().BoolVar(&strict, "strict", false, "end with exit code 4 if there is a warning")
	return c
}

func lint(g *globals, to streams, set app.RuleSet, strict bool) error {
	w := to.out
	set.Warnings = quality.Lint(set.Rules, slices.Concat(set.Warnings, set.PassedOver))
	set.PassedOver = nil
	found := yamlx.Faults(set.Faults)
	if g.json() {
		report := map[string]any{"rules": len(set.Rules), "filters": set.Filters, "lists": len(set.Lists), "faults": places(found), "warnings": places(set.Warnings)}
		if err := writeJSON(w, report); err != nil {
			return err
		}
	} else {
		tell(w, set)
		sum := fmt.Sprintf("%d rules, ", len(set.Rules))
		if set.Filters > 0 {
			sum += fmt.Sprintf("%d filters, ", set.Filters)
		}
		fmt.Fprintf(w, "%s%d faults, %d warnings\n", sum, len(found), len(set.Warnings))
	}
	if err := set.Missing(); err != nil {
		return err
	}
	switch {
	case len(found) > 0:
		return &codedError{code: exitFailure}
	case strict && len(set.Warnings) > 0:
		return &codedError{exitLimit, fmt.Errorf("%d warnings (--strict): mend what they say, or acknowledge them in lint.allow", len(set.Warnings))}
	}
	return nil
}

// A place is a fault or warning for machines.
type place struct {
	File  string `json:"file"`
	Line  int    `json:"line"`
	Col   int    `json:"col"`
	Rule  string `json:"rule_id"`
	Name  string `json:"name,omitempty"` // of a warning
	Error string `json:"error"`
}

func places(found []error) []place {
	all := make([]place, len(found))
	for i, err := range found {
		all[i].Error = err.Error()
		if e, ok := errors.AsType[*rule.Error](err); ok {
			all[i] = place{e.File, e.Line, e.Col, e.Rule, e.Name, e.Err.Error()}
		}
	}
	return all
}
