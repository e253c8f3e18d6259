package rule

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"ttpworker/internal/match"
	"ttpworker/internal/tagger"
	"ttpworker/internal/yamlx"
)

// DefaultMaxBytes is the default of limits.rule_bytes. The largest of the public Sigma rules, a list of hashes, has
// 295 078 bytes; a catalogue record with a file of this size fits a broker's default however JSON escapes it.
const DefaultMaxBytes = 393_216

// DefaultMaxRules is the default of limits.rules.
const DefaultMaxRules = 50_000

const maxVersion = 1<<31 - 1 // the largest Avro int

// A Parser reads rule files: our own form and Sigma's. It is safe for concurrent use.
type Parser struct {
	Kinds    []string     // source kinds that applies_to may name
	MaxBytes int          // of a file
	Limits   match.Limits // of a detection
	Mapping  Mapping      // of Sigma's log sources and fields
	Levels   Levels       // of Sigma
}

// NewParser returns a parser for files of at most maxBytes with the shipped Sigma mapping, the default levels and
// the default limits.
func NewParser(maxBytes int) Parser {
	return Parser{MaxBytes: maxBytes, Levels: DefaultLevels()}.WithMapping(DefaultMapping())
}

// WithMapping is p with another Sigma mapping. The source kinds it knows are the built-in ones and the mapping's.
func (p Parser) WithMapping(m Mapping) Parser {
	p.Mapping, p.Kinds = m, tagger.BuiltinKinds()
	for _, kind := range m.Kinds() {
		if !slices.Contains(p.Kinds, kind) {
			p.Kinds = append(p.Kinds, kind)
		}
	}
	return p
}

// file is a rule file as it is written.
type file struct {
	RuleID         string        `yaml:"rule_id"`
	RuleVersion    *int          `yaml:"rule_version"`
	Name           string        `yaml:"name"`
	Description    string        `yaml:"description"`
	AppliesTo      yamlx.Strings `yaml:"applies_to"`
	Match          fileMatch     `yaml:"match"`
	Emits          []fileEmit    `yaml:"emits"`
	EvidenceFields yamlx.Strings `yaml:"evidence_fields"`
	References     yamlx.Strings `yaml:"references"`
	Author         string        `yaml:"author"`
	Tests          []fileTest    `yaml:"tests"`
	Lint           *yamlx.Node   `yaml:"lint"`
}

type fileMatch struct {
	Pattern    yamlx.Strings            `yaml:"pattern"`
	Field      yamlx.Strings            `yaml:"field"`
	Detection  *yamlx.Node              `yaml:"detection"`
	Lists      map[string]yamlx.Strings `yaml:"lists"`
	Kind       string                   `yaml:"kind"`
	Parameters *yamlx.Node              `yaml:"parameters"`
}

type fileEmit struct {
	Tactic         string   `yaml:"tactic"`
	TechniqueID    string   `yaml:"technique_id"`
	SubTechniqueID string   `yaml:"sub_technique_id"`
	Confidence     *float64 `yaml:"confidence"`
}

type fileTest struct {
	Name         string         `yaml:"name"`
	Kind         string         `yaml:"kind"`
	IdentityUUID string         `yaml:"identity_uuid"`
	Payload      yamlx.JSON     `yaml:"payload"`
	Expect       *yamlx.Strings `yaml:"expect"`
}

// Parse reads one rule file, in our form or Sigma's, where there are no shared lists. path is what errors and File.Path
// say; nothing is opened. The error joins one *Error per fault, in file order, the first 100 of them; there is no rule
// then. A Sigma filter comes back as a Rule whose Filter is set: Resolve makes rules of rules and filters.
func (p Parser) Parse(path string, data []byte) (*Rule, error) {
	r, _, err := p.ParseWith(nil, path, data)
	return r, err
}

// ParseWith is Parse with shared lists. asked are the names, sorted, of those that the file asked for, whether there
// are such lists, and whether there is a rule: the result hangs on no others.
func (p Parser) ParseWith(lists Lists, path string, data []byte) (r *Rule, asked []string, err error) {
	doc, err := yamlx.Parse(data, p.MaxBytes)
	if err != nil {
		return nil, nil, placed(path, err)
	}
	rep := newReport(doc)
	rep.lists = lists
	read := p.own
	if isSigma(doc) {
		read = p.sigma
	}
	r, id := read(rep)
	asked = slices.Sorted(maps.Keys(rep.asked))
	if err := rep.err(path, id); err != nil {
		return nil, asked, err
	}
	sum := sha256.Sum256(data)
	r.File = File{Path: path, SHA256: hex.EncodeToString(sum[:]), Text: string(data)}
	r.Warnings = rep.warned(path, r.ID)
	r.Lists = asked
	r.Digest = digest(r)
	return r, asked, nil
}

// own reads our form. It returns the rule_id also where there is no rule.
func (p Parser) own(rep *report) (*Rule, string) {
	c := checker{report: rep, parser: p}
	if err := rep.doc.Decode(&c.file); err != nil {
		c.addAll(err)
	}
	return c.rule(), c.file.RuleID
}

// A checker turns a file into a rule and collects what is wrong.
type checker struct {
	*report

	parser Parser
	file   file
}

var ruleID = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,128}$`)

// IsID reports whether a rule can have this id.
func IsID(id string) bool { return ruleID.MatchString(id) }

func (c *checker) rule() *Rule {
	f := &c.file
	r := &Rule{
		ID: f.RuleID, Version: f.RuleVersion, Name: f.Name, Description: f.Description, Kinds: f.AppliesTo,
		EvidenceFields: f.EvidenceFields, References: f.References, Author: f.Author,
		idPos: c.doc.At("rule_id"),
	}
	c.header()
	c.kinds()
	r.Match, r.written = c.match()
	for i := range r.Match.Patterns {
		r.at = append(r.at, match.Pos(c.doc.At("match", "pattern", i)))
	}
	r.on = r.Match.byKind()
	r.Emits = c.emits()
	c.evidence()
	if f.Match.Kind != "" {
		r.Match.Lift = c.lift(r)
	}
	r.Tests = c.tests(r.Emits)
	var bad []*yamlx.Error
	r.Allow, bad = allowances(f.Lint)
	for _, e := range bad {
		c.add(e)
	}
	return r
}

func (c *checker) header() {
	f := &c.file
	switch {
	case f.RuleID == "":
		c.fault(errors.New("rule_id is missing"), "rule_id")
	case !ruleID.MatchString(f.RuleID):
		c.fault(fmt.Errorf("rule_id %q: 1 to 128 of A-Z a-z 0-9 _ . -", f.RuleID), "rule_id")
	}
	switch {
	case f.RuleVersion == nil:
		c.fault(errors.New("rule_version is missing"), "rule_version")
	case *f.RuleVersion < 1 || *f.RuleVersion > maxVersion:
		c.fault(fmt.Errorf("rule_version %d is not between 1 and %d", *f.RuleVersion, maxVersion), "rule_version")
	}
	if f.Name == "" {
		c.fault(errors.New("name is missing"), "name")
	}
}
