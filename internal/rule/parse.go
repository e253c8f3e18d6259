package rule

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"ttpworker/internal/attack"
	"ttpworker/internal/tagger"
	"ttpworker/internal/yamlx"
)

// DefaultMaxBytes is the default of limits.rule_bytes.
const DefaultMaxBytes = 262_144

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
// per fault, in file order; there is no rule then.
func (p Parser) Parse(path string, data []byte) (*Rule, error) {
	doc, err := yamlx.Parse(data, p.MaxBytes)
	if err != nil {
		return nil, placed(path, "", err)
	}
	c := checker{parser: p, doc: doc}
	if err := doc.Decode(&c.file); err != nil {
		c.addAll(err)
	}
	r := c.rule()
	if len(c.errs) > 0 {
		slices.SortStableFunc(c.errs, func(a, b *yamlx.Error) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
		})
		errs := make([]error, len(c.errs))
		for i, e := range c.errs {
			errs[i] = placed(path, c.file.RuleID, e)
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
}

// fault reports what is wrong with the value at path. A fault at a place that already has one is left out: the
// first says why.
func (c *checker) fault(err error, path ...any) {
	p := c.doc.At(path...)
	if !slices.ContainsFunc(c.errs, func(e *yamlx.Error) bool { return e.Pos == p && len(path) > 0 }) {
		c.errs = append(c.errs, &yamlx.Error{Pos: p, Err: err})
	}
}

func (c *checker) addAll(err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // unpacks errors.Join
		for _, e := range joined.Unwrap() {
			c.addAll(e)
		}
		return
	}
	if e, ok := errors.AsType[*yamlx.Error](err); ok {
		c.errs = append(c.errs, e)
	}
}

var ruleID = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,128}$`)

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

// maxVersion is the largest Avro int.
const maxVersion = 1<<31 - 1

func (c *checker) emits() []tagger.Emit {
	if len(c.file.Emits) == 0 {
		c.fault(errors.New("emits is missing: a rule names at least one technique"), "emits")
	}
	var emits []tagger.Emit
	for i, e := range c.file.Emits {
		c.technique(i, e)
		out := tagger.Emit{
			Tactic: e.Tactic, TechniqueID: e.TechniqueID, SubTechniqueID: e.SubTechniqueID,
			MITREURL: attack.URL(cmp.Or(e.SubTechniqueID, e.TechniqueID)),
		}
		switch {
		case e.Confidence == nil:
			c.fault(errors.New("confidence is missing"), "emits", i, "confidence")
		case !(*e.Confidence >= 0 && *e.Confidence <= 1): // NaN is neither
			c.fault(fmt.Errorf("confidence %v is not between 0 and 1", *e.Confidence), "emits", i, "confidence")
		default:
			out.Confidence = *e.Confidence
		}
		same := func(o tagger.Emit) bool {
			return o.Tactic == out.Tactic && o.TechniqueID == out.TechniqueID && o.SubTechniqueID == out.SubTechniqueID
		}
		if slices.ContainsFunc(emits, same) {
			c.fault(errors.New("this technique is emitted twice: both would be one tag"), "emits", i)
		}
		emits = append(emits, out)
	}
	return emits
}

// technique checks one emit against the ATT&CK table.
func (c *checker) technique(i int, e fileEmit) {
	err := attack.Check(e.Tactic, e.TechniqueID, e.SubTechniqueID)
	if err == nil {
		return
	}
	faults := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // unpacks errors.Join
		faults = joined.Unwrap()
	}
	for _, fault := range faults {
		if fe, ok := errors.AsType[*attack.FieldError](fault); ok {
			c.fault(fe.Err, "emits", i, fe.Field)
			continue
		}
		c.fault(fault, "emits", i)
	}
}

func (c *checker) evidence() {
	for i, path := range c.file.EvidenceFields {
		if path == "" || slices.Contains(c.file.EvidenceFields[:i], path) {
			c.fault(fmt.Errorf("evidence field %q is empty or named twice", path), "evidence_fields", i)
		}
	}
}
