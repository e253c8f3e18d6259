package rule

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"ttpworker/internal/attack"
)

// A Coverage says what of the ATT&CK matrix rules emit.
type Coverage struct {
	Platforms     []string // what is counted are techniques of these
	Techniques    Share    // under any tactic; one is covered, too, if one of its sub-techniques is
	SubTechniques Share
	Tactics       []TacticCoverage // all of them, in matrix order
}

// A Share is how many of the techniques, or sub-techniques, of the platforms are covered.
type Share struct {
	Covered int `json:"covered"`
	Total   int `json:"total"`
}

// Ratio is from 0 to 1; 0 of nothing.
func (s Share) Ratio() float64 { return float64(s.Covered) / float64(max(s.Total, 1)) }

// A TacticCoverage is a column of the matrix.
type TacticCoverage struct {
	Tactic        attack.Tactic
	Techniques    Share
	SubTechniques Share
	Covered       []TechniqueCoverage // techniques and sub-techniques that rules emit under the tactic, sorted by id
	Gaps          []attack.Technique  // those of the platforms that none emits under it, sorted by id
}

// A TechniqueCoverage counts the rules for a technique and its sub-techniques, or for one of those.
type TechniqueCoverage struct {
	Technique  attack.Technique
	Rules      int
	Tested     int     // rules that have a test which expects it
	Confidence float64 // the highest
	Elsewhere  bool    // it is of none of the platforms
}

// A cell is what is known of one technique under one tactic.
type cell struct {
	rules, tested map[string]bool // by rule id
	confidence    float64
}

// Cover counts what rules emit. Platforms are called as ATT&CK calls them; an unknown one is an error.
func Cover(rules []*Rule, platforms []string) (Coverage, error) {
	if known := attack.Platforms(); len(platforms) == 0 {
		return Coverage{}, fmt.Errorf("no platform: name some of %s", strings.Join(known, ", "))
	} else if i := slices.IndexFunc(platforms, func(p string) bool { return !slices.Contains(known, p) }); i >= 0 {
		return Coverage{}, fmt.Errorf("unknown platform %q: one of %s", platforms[i], strings.Join(known, ", "))
	}
	cells, techniques := cellsOf(rules), attack.Techniques()
	c := Coverage{Platforms: platforms}
	anywhere := map[string]bool{}
	for _, tactic := range attack.Tactics() {
		t := TacticCoverage{Tactic: tactic}
		for _, technique := range techniques {
			if !slices.Contains(technique.Tactics, tactic.ID) {
				continue
			}
			here := on(technique, platforms)
			found := cells[tactic.ID][technique.ID]
			if found != nil {
				anywhere[technique.ID] = true
				t.Covered = append(t.Covered, TechniqueCoverage{
					Technique: technique, Rules: len(found.rules), Tested: len(found.tested), Confidence: found.confidence, Elsewhere: !here,
				})
			}
			if !here {
				continue
			}
			if found == nil {
				t.Gaps = append(t.Gaps, technique)
			}
			count(&t.Techniques, &t.SubTechniques, technique, found != nil)
		}
		c.Tactics = append(c.Tactics, t)
	}
	for _, technique := range techniques {
		if on(technique, platforms) {
			count(&c.Techniques, &c.SubTechniques, technique, anywhere[technique.ID])
		}
	}
	return c, nil
}

func on(t attack.Technique, platforms []string) bool {
	return slices.ContainsFunc(t.Platforms, func(p string) bool { return slices.Contains(platforms, p) })
}

func count(techniques, subs *Share, t attack.Technique, covered bool) {
	s := techniques
	if t.IsSub() {
		s = subs
	}
	s.Total++
	if covered {
		s.Covered++
	}
}

// cellsOf are what rules emit, by tactic and technique.
func cellsOf(rules []*Rule) map[string]map[string]*cell {
	cells := map[string]map[string]*cell{}
	for _, r := range rules {
		for _, e := range r.Emits {
			tested := slices.ContainsFunc(r.Tests, func(t Test) bool { return slices.Contains(t.Expect, e.Technique()) })
			for _, id := range slices.Compact([]string{e.TechniqueID, e.Technique()}) {
				if id == "" { // a Sigma rule that names none
					continue
				}
				if cells[e.Tactic] == nil {
					cells[e.Tactic] = map[string]*cell{}
				}
				c := cells[e.Tactic][id]
				if c == nil {
					c = &cell{rules: map[string]bool{}, tested: map[string]bool{}}
					cells[e.Tactic][id] = c
				}
				c.rules[r.ID] = true
				if tested {
					c.tested[r.ID] = true
				}
				c.confidence = max(c.confidence, e.Confidence)
			}
		}
	}
	return cells
}

// AllGaps is what Missing takes for all techniques and sub-techniques of the platforms.
const AllGaps = "gaps"

// Missing returns which of the ids are not covered, sorted: a technique or sub-technique if no rule emits it under any
// tactic, whatever its platforms are, a tactic if no rule emits anything under it. The error is about an id that is none,
// or of an earlier release.
func (c Coverage) Missing(ids []string) ([]string, error) {
	covered, missing := map[string]bool{}, map[string]bool{}
	for _, t := range c.Tactics {
		covered[t.Tactic.ID] = len(t.Covered) > 0
		for _, found := range t.Covered {
			covered[found.Technique.ID] = true
		}
	}
	want := func(id string) {
		if !covered[id] {
			missing[id] = true
		}
	}
	for _, id := range ids {
		if id != AllGaps {
			if err := attack.CheckID(id); err != nil {
				return nil, err
			}
			want(id)
			continue
		}
		for _, t := range c.Tactics {
			for _, gap := range t.Gaps {
				want(gap.ID)
			}
		}
	}
	return slices.Sorted(maps.Keys(missing)), nil
}
