package rule

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ttpworker/internal/tagger"
	"ttpworker/internal/yamlx"
)

// sigmaFile is a Sigma file as it is written, without what is for people only. Its other keys are passed over, as
// Sigma lets everybody add some.
type sigmaFile struct {
	Title       string        `yaml:"title"`
	ID          string        `yaml:"id"`
	Name        string        `yaml:"name"`
	Description string        `yaml:"description"`
	References  yamlx.Strings `yaml:"references"`
	Author      yamlx.Strings `yaml:"author"`
	Tags        yamlx.Strings `yaml:"tags"`
	Level       string        `yaml:"level"`
	Fields      yamlx.Strings `yaml:"fields"`
	Logsource   *yamlx.Node   `yaml:"logsource"`
	Detection   *yamlx.Node   `yaml:"detection"`
	Filter      *yamlx.Node   `yaml:"filter"`
	Lint        *yamlx.Node   `yaml:"lint"`
}

// sigmaRule is what only a Sigma rule has.
type sigmaRule struct {
	logsource logsource
	name      string // by which a filter may call it, beside the id
	entry     *mapEntry
}

// isSigma reports whether a document is in Sigma's form: it has no rule_id, and a key that ours does not have.
func isSigma(doc *yamlx.Doc) bool {
	return !doc.Has("rule_id") && slices.ContainsFunc([]string{"logsource", "detection", "filter", "correlation"}, doc.Has)
}

// A sigmaChecker turns a Sigma file into a rule or a filter and collects what is wrong.
type sigmaChecker struct {
	*report

	parser Parser
	file   sigmaFile
}

// sigma reads a Sigma file. It returns the id also where there is no rule.
func (p Parser) sigma(rep *report) (*Rule, string) {
	c := sigmaChecker{report: rep, parser: p}
	if err := rep.doc.DecodeKnown(&c.file); err != nil {
		c.addAll(err)
	}
	switch {
	case rep.doc.Has("correlation"):
		c.errs = nil
		c.fault(errors.New("Sigma correlation rules are not supported yet"), "correlation") //nolint:staticcheck // Sigma is a name
		return nil, c.file.ID
	case rep.doc.Has("filter"):
		if rep.doc.Has("detection") {
			c.fault(errors.New("a file is a rule or a filter, not both: it has detection and filter"), "detection")
		}
		return c.filter(), c.file.ID
	default:
		return c.rule(), c.file.ID
	}
}

func (c *sigmaChecker) rule() *Rule {
	f := &c.file
	r := &Rule{
		ID: f.ID, Name: f.Title, Description: f.Description, References: f.References, Author: strings.Join(f.Author, ", "),
		idPos: c.doc.At("id"),
	}
	switch {
	case f.ID == "":
		c.fault(errors.New("id is missing: it becomes the rule_id"), "id")
	case !IsID(f.ID):
		c.fault(fmt.Errorf("id %q: 1 to 128 of A-Z a-z 0-9 _ . -", f.ID), "id")
	}
	if f.Title == "" {
		c.fault(errors.New("title is missing"), "title")
	}
	l := c.logsource(f.Logsource)
	entry := c.parser.Mapping.find(l)
	r.Kinds = []string{entry.kindOf(l)}
	r.sigma = &sigmaRule{logsource: l, name: f.Name, entry: entry}
	if f.Detection == nil {
		c.fault(errors.New("detection is missing"), "detection")
	} else {
		r.Match, r.written = c.compile(f.Detection, entry.fields(), nil, c.parser.Limits)
	}
	if c.doc.Has("tests") {
		c.warn(SigmaTests, errors.New("tests in a Sigma rule are not run"), "tests")
	}
	var bad []*yamlx.Error
	r.Allow, bad = allowances(f.Lint) // others may mean something else by this key
	for _, e := range bad {
		c.warnings = append(c.warnings, warning{e, BadAllow})
	}
	r.Emits = c.emits()
	r.EvidenceFields = c.evidence(r, entry)
	return r
}

// evidence are the fields that the rule asks to be shown, else those it looks at.
func (c *sigmaChecker) evidence(r *Rule, entry *mapEntry) []string {
	if !c.fits(len(c.file.Fields), "fields") {
		return nil
	}
	var paths []string
	for _, field := range c.file.Fields {
		path, mapped := entry.fields()[field]
		if !mapped {
			path = field
		}
		paths = append(paths, path)
	}
	if len(paths) == 0 && r.Match.Detection != nil {
		paths = r.Match.Detection.Fields()
	}
	var shown []string
	for _, path := range paths { // people write many things there
		if isPath(path) && path != tagger.CutKey && !slices.Contains(shown, path) {
			shown = append(shown, path)
		}
	}
	return shown
}

// confidence is that of the rule's level.
func (c *sigmaChecker) confidence() float64 {
	level := strings.ToLower(c.file.Level)
	if !slices.Contains(levelNames(), level) {
		c.fault(fmt.Errorf("unknown level %q: informational, low, medium, high or critical", c.file.Level), "level")
	}
	return c.parser.Levels.of(level)
}
