package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"ttpworker/internal/app"
	"ttpworker/internal/attack"
	"ttpworker/internal/rule"
)

// platforms are what a network of Unix hosts and network devices can see, and what comes before an attack.
var platforms = [...]string{"Linux", "Network Devices", "PRE"}

func newCoverage(g *globals, from *ruleFlags) *cobra.Command {
	var on, failOn []string
	c := rulesCommand(g, from, "coverage", "Show which part of the ATT&CK matrix rules cover", cobra.NoArgs,
		func(g *globals, to streams, set app.RuleSet, _ []string) error {
			c, err := rule.Cover(set.Rules, on)
			if err != nil {
				return usage(fmt.Errorf("--platforms: %w", err))
			}
			missing, err := c.Missing(failOn)
			if err != nil {
				return usage(fmt.Errorf("--fail-on: %w", err))
			}
			return coverage(g, to, set, c, missing)
		})
	c.Long = "Print the ATT&CK matrix by tactic: the share of its techniques that rules emit; each of them with the number of\n" +
		"rules, of those that have a test which expects it, and the highest confidence; and the techniques that no rule emits.\n" +
		"A technique counts as covered if one of its sub-techniques is. With --fail-on the exit code is 4 if one of the\n" +
		"techniques or tactics is not covered at all; gaps stands for all techniques and sub-techniques of the platforms."
	c.Example = "  worker rules coverage --rules rules/ttp --fail-on T1003.008,TA0043"
	c.Flags().StringSliceVar(&on, "platforms", platforms[:], "count techniques of these ATT&CK `platforms`")
	c.Flags().StringSliceVar(&failOn, "fail-on", nil, "`ids` of techniques and tactics, or gaps: exit code 4 if one is not covered")
	return c
}

func coverage(g *globals, to streams, set app.RuleSet, c rule.Coverage, missing []string) error {
	tell(to.err, set)
	write := writeCoverage
	if g.json() {
		write = writeCoverageJSON
	}
	if err := write(to.out, c, missing); err != nil {
		return err
	}
	switch {
	case set.Faults != nil:
		return &codedError{code: exitFailure}
	case len(missing) > 0:
		return &codedError{exitLimit, fmt.Errorf("not covered (--fail-on): %s", strings.Join(missing, ", "))}
	}
	return nil
}

func writeCoverage(w io.Writer, c rule.Coverage, _ []string) error {
	fmt.Fprintf(w, "ATT&CK v%s, %s: %s\n", attack.Release, strings.Join(c.Platforms, ", "), shares(c.Techniques, c.SubTechniques))
	for _, t := range c.Tactics {
		fmt.Fprintf(w, "\n%s %s: %s\n", t.Tactic.ID, t.Tactic.Name, shares(t.Techniques, t.SubTechniques))
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		if len(t.Covered) > 0 {
			fmt.Fprintln(table, "  TECHNIQUE\tRULES\tTESTED\tCONFIDENCE\tNAME")
		}
		for _, found := range t.Covered {
			name := found.Technique.Name
			if found.Elsewhere {
				name += " (other platforms)"
			}
			fmt.Fprintf(table, "  %s\t%d\t%d\t%.2f\t%s\n", found.Technique.ID, found.Rules, found.Tested, found.Confidence, name)
		}
		if err := table.Flush(); err != nil {
			return err
		}
		if gaps := shortGaps(t.Gaps); len(gaps) > 0 {
			fmt.Fprintf(w, "  not covered: %s\n", strings.Join(gaps, " "))
		}
	}
	return nil
}

func shares(techniques, subs rule.Share) string {
	return fmt.Sprintf("%d of %d techniques (%.0f %%), %d of %d sub-techniques (%.0f %%)",
		techniques.Covered, techniques.Total, 100*techniques.Ratio(), subs.Covered, subs.Total, 100*subs.Ratio())
}

// shortGaps leaves out the sub-techniques of techniques that are gaps themselves.
func shortGaps(gaps []attack.Technique) []string {
	var ids []string
	for _, t := range gaps {
		if !t.IsSub() || !slices.Contains(ids, t.Parent()) {
			ids = append(ids, t.ID)
		}
	}
	return ids
}

// What follows is a Coverage for machines.
type (
	coverageJSON struct {
		Release       string       `json:"attack_release"`
		Platforms     []string     `json:"platforms"`
		Techniques    rule.Share   `json:"techniques"`
		SubTechniques rule.Share   `json:"sub_techniques"`
		Tactics       []tacticJSON `json:"tactics"`
		Missing       []string     `json:"missing"` // of --fail-on
	}
	tacticJSON struct {
		ID            string        `json:"tactic"`
		Name          string        `json:"name"`
		Techniques    rule.Share    `json:"techniques"`
		SubTechniques rule.Share    `json:"sub_techniques"`
		Covered       []coveredJSON `json:"covered"`
		Gaps          []gapJSON     `json:"gaps"`
	}
	gapJSON struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	coveredJSON struct {
		gapJSON

		Rules      int     `json:"rules"`
		Tested     int     `json:"tested_rules"`
		Confidence float64 `json:"confidence"`
		Elsewhere  bool    `json:"other_platforms"`
	}
)

func writeCoverageJSON(w io.Writer, c rule.Coverage, missing []string) error {
	out := coverageJSON{attack.Release, c.Platforms, c.Techniques, c.SubTechniques, nil, append([]string{}, missing...)}
	for _, t := range c.Tactics {
		tactic := tacticJSON{t.Tactic.ID, t.Tactic.Name, t.Techniques, t.SubTechniques, []coveredJSON{}, []gapJSON{}}
		for _, found := range t.Covered {
			tactic.Covered = append(tactic.Covered, coveredJSON{
				gapJSON{found.Technique.ID, found.Technique.Name}, found.Rules, found.Tested, found.Confidence, found.Elsewhere,
			})
		}
		for _, gap := range t.Gaps {
			tactic.Gaps = append(tactic.Gaps, gapJSON{gap.ID, gap.Name})
		}
		out.Tactics = append(out.Tactics, tactic)
	}
	return writeJSON(w, out)
}
