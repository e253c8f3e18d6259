package rule

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"ttpworker/internal/tagger"
	"ttpworker/internal/yamlx"
)

// DefaultMaxBytes is the default of limits.rule_bytes.
const DefaultMaxBytes = 262_144

const (
	maxItems   = 1000      // of a list in a rule: items are compared with each other
	maxFaults  = 100       // told of one file: nobody reads more
	maxVersion = 1<<31 - 1 // the largest Avro int
)

// A Parser reads rule files. It is safe for concurrent use.
type Parser struct {
	Kinds    []string // source kinds that applies_to may name
	MaxBytes int      // of a file
}

// NewParser returns a parser for the built-in source kinds and files of at most maxBytes.
func NewParser(maxBytes int) Parser {
	return Parser{Kinds: tagger.BuiltinKinds(), MaxBytes: maxBytes}
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
}

type fileMatch struct {
	Pattern yamlx.Strings `yaml:"pattern"`
	Field   yamlx.Strings `yaml:"field"`
	Kind    string        `yaml:"kind"`
}

type fileEmit struct {
	Tactic         string   `yaml:"tactic"`
	TechniqueID    string   `yaml:"technique_id"`
	SubTechniqueID string   `yaml:"sub_technique_id"`
	Confidence     *float64 `yaml:"confidence"`
}

type fileTest struct {
	Name    string         `yaml:"name"`
	Kind    string         `yaml:"kind"`
	Payload yamlx.JSON     `yaml:"payload"`
	Expect  *yamlx.Strings `yaml:"expect"`
}

// Parse reads one rule file. path is what errors and File.Path say; nothing is opened. The error joins one *Error
// per fault, in file order, the first 100 of them; there is no rule then.
func (p Parser) Parse(path string, data []byte) (*Rule, error) {
	doc, err := yamlx.Parse(data, p.MaxBytes)
	if err != nil {
		return nil, placed(path, "", err)
	}
	c := checker{parser: p, doc: doc, at: map[yamlx.Pos]bool{}}
	if err := doc.Decode(&c.file); err != nil {
		c.addAll(err)
	}
	r := c.rule()
	if len(c.errs) > 0 {
		slices.SortStableFunc(c.errs, func(a, b *yamlx.Error) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
		})
		id := c.file.RuleID
		if !ruleID.MatchString(id) {
			id = ""
		}
		var errs []error
		for _, e := range c.errs[:min(len(c.errs), maxFaults)] {
			errs = append(errs, placed(path, id, e))
		}
		if more := len(c.errs) - len(errs); more > 0 {
			errs = append(errs, &Error{File: path, Rule: id, Err: fmt.Errorf("%d more faults", more)})
		}
		return nil, errors.Join(errs...)
	}
	sum := sha256.Sum256(data)
	r.File = File{Path: path, SHA256: hex.EncodeToString(sum[:]), Text: string(data)}
	r.Digest = digest(r)
	return r, nil
}

// placed turns an error of yamlx into one that names the file and the rule.
func placed(path, ruleID string, err error) error {
	if e, ok := errors.AsType[*yamlx.Error](err); ok {
		return &Error{File: path, Line: e.Line, Col: e.Col, Rule: ruleID, Err: e.Err}
	}
	return &Error{File: path, Rule: ruleID, Err: err}
}

// A checker turns a file into a rule and collects what is wrong.
type checker struct {
	parser Parser
	doc    *yamlx.Doc
	file   file
	errs   []*yamlx.Error
	at     map[yamlx.Pos]bool // where they are
}

// fault reports what is wrong with the value at path. Of a value that has a fault already it is left out: the first
// says why. A key that is missing has no value, and stands where its mapping does.
func (c *checker) fault(err error, path ...any) {
	p, missing := c.doc.Find(path...)
	switch {
	case missing:
		c.errs = append(c.errs, &yamlx.Error{Pos: p, Err: err})
	case !c.at[p]:
		c.add(&yamlx.Error{Pos: p, Err: err})
	}
}

func (c *checker) add(e *yamlx.Error) {
	c.errs = append(c.errs, e)
	c.at[e.Pos] = true
}

// fits reports whether the list at path has at most maxItems items. If not, that is a fault, and the items are not
// worth looking at.
func (c *checker) fits(items int, path ...any) bool {
	if items > maxItems {
		c.fault(fmt.Errorf("list has %d items, more than the limit of %d", items, maxItems), path...)
	}
	return items <= maxItems
}

func (c *checker) addAll(err error) {
	for _, fault := range yamlx.Faults(err) {
		if e, ok := errors.AsType[*yamlx.Error](fault); ok {
			c.add(e)
		}
	}
}

var ruleID = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,128}$`)

// IsID reports whether a rule can have this id.
func IsID(id string) bool { return ruleID.MatchString(id) }

func (c *checker) rule() *Rule {
	f := &c.file
	idPos := c.doc.At("rule_id")
	r := &Rule{
		ID: f.RuleID, Version: f.RuleVersion, Name: f.Name, Description: f.Description, Kinds: f.AppliesTo,
		EvidenceFields: f.EvidenceFields, References: f.References, Author: f.Author,
		idLine: idPos.Line, idCol: idPos.Col,
	}
	c.header()
	c.kinds()
	r.Match = c.match()
	r.Emits = c.emits()
	c.evidence()
	r.Tests = c.tests(r.Emits)
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
