package rule

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// defaultField is the payload field that a pattern of a source kind searches when the rule names none.
func defaultField(kind string) (string, bool) {
	switch kind {
	case "command":
		return "command_text", true
	case "http_request":
		return "raw_url", true
	case "payload":
		return "payload_text", true
	}
	return "", false
}

func (c *checker) kinds() {
	if len(c.file.AppliesTo) == 0 {
		c.fault(fmt.Errorf("applies_to is missing: one or more of %s", strings.Join(c.parser.Kinds, ", ")), "applies_to")
	}
	for i, kind := range c.file.AppliesTo {
		switch {
		case !slices.Contains(c.parser.Kinds, kind):
			c.fault(fmt.Errorf("unknown source kind %q: one of %s", kind, strings.Join(c.parser.Kinds, ", ")), "applies_to", i)
		case slices.Contains(c.file.AppliesTo[:i], kind):
			c.fault(fmt.Errorf("source kind %q is named twice", kind), "applies_to", i)
		}
	}
}

// match resolves the pattern form.
func (c *checker) match() Match {
	f := &c.file.Match
	if f.Kind != "" {
		c.fault(fmt.Errorf("unknown match kind %q: this version has no lifters; give a pattern", f.Kind), "match", "kind")
		return Match{}
	}
	if len(f.Pattern) == 0 {
		c.fault(errors.New("match.pattern is missing: a regular expression or a list of them"), "match", "pattern")
	}
	m := Match{Fields: slices.Clone(f.Field)}
	for i, path := range f.Field {
		if path == "" || strings.HasPrefix(path, ".") || strings.HasSuffix(path, ".") || strings.Contains(path, "..") {
			c.fault(fmt.Errorf("field %q is no dotted path", path), "match", "field", i)
		}
	}
	if len(f.Field) == 0 {
		m.Fields = c.defaultFields()
	}
	for i, expr := range f.Pattern {
		re, err := regexp.Compile(expr)
		switch {
		case err != nil:
			c.fault(fmt.Errorf("bad regular expression: %w", err), "match", "pattern", i)
		case re.MatchString(""):
			c.fault(fmt.Errorf("regular expression %q matches the empty text, so it would match everything", expr), "match", "pattern", i)
		default:
			m.Patterns = append(m.Patterns, re)
		}
	}
	return m
}

func (c *checker) defaultFields() []string {
	var fields []string
	for i, kind := range c.file.AppliesTo {
		field, ok := defaultField(kind)
		if !ok && slices.Contains(c.parser.Kinds, kind) {
			c.fault(fmt.Errorf("source kind %q has no default field: name one in match.field", kind), "applies_to", i)
		}
		if ok && !slices.Contains(fields, field) {
			fields = append(fields, field)
		}
	}
	return fields
}
