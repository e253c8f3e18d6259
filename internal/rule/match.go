package rule

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ttpworker/internal/match"
	"ttpworker/internal/tagger"
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
		c.fault(fmt.Errorf("applies_to is missing: one or more of %s", c.parser.knownKinds()), "applies_to")
	}
	if !c.fits(len(c.file.AppliesTo), "applies_to") {
		return
	}
	for i, kind := range c.file.AppliesTo {
		switch {
		case !slices.Contains(c.parser.Kinds, kind):
			c.fault(fmt.Errorf("unknown source kind %q: one of %s", kind, c.parser.knownKinds()), "applies_to", i)
		case slices.Contains(c.file.AppliesTo[:i], kind):
			c.fault(fmt.Errorf("source kind %q is named twice", kind), "applies_to", i)
		}
	}
}

// knownKinds lists the source kinds for people. Those of a Sigma mapping are too many to read.
func (p Parser) knownKinds() string {
	builtin := tagger.BuiltinKinds()
	known := slices.DeleteFunc(slices.Clone(p.Kinds), func(kind string) bool { return !slices.Contains(builtin, kind) })
	if len(known) < len(p.Kinds) {
		known = append(known, "or one of the Sigma mapping")
	}
	return strings.Join(known, ", ")
}

// match resolves what the rule looks for: patterns or a detection, which is returned as written too.
func (c *checker) match() (Match, *written) {
	f := &c.file.Match
	if f.Kind != "" {
		return Match{}, nil // lift compiles it, when the rest is known
	}
	if f.Parameters != nil {
		c.fault(errors.New("match.parameters goes with match.kind, which names a lifter"), "match", "parameters")
	}
	if f.Detection != nil {
		return c.detection()
	}
	if len(f.Lists) > 0 {
		c.fault(errors.New("match.lists goes with match.detection"), "match", "lists")
	}
	return c.patterns(), nil
}

func (c *checker) patterns() Match {
	f := &c.file.Match
	if len(f.Pattern) == 0 {
		c.fault(errors.New("match.pattern is missing: a regular expression or a list of them; or give match.detection, or match.kind"), "match", "pattern")
	}
	if !c.fits(len(f.Pattern), "match", "pattern") || !c.fits(len(f.Field), "match", "field") {
		return Match{}
	}
	if err := match.CheckPatterns(max(len(f.Field), 1), len(f.Pattern), c.parser.Limits); err != nil {
		c.fault(err, "match", "pattern")
		return Match{}
	}
	m := Match{Fields: c.fields()}
	for i, path := range f.Field {
		if !isPath(path) {
			c.fault(fmt.Errorf("field %q is no dotted path", path), "match", "field", i)
		}
	}
	for i, text := range f.Pattern {
		e, err := match.ParseExpression(text)
		switch {
		case strings.ContainsRune(text, '\b'):
			c.fault(errors.New("regular expression has a backspace in it: in double quotes YAML takes \\b for one, so write it in single quotes"),
				"match", "pattern", i)
		case err != nil:
			c.fault(fmt.Errorf("bad regular expression: %w", err), "match", "pattern", i)
		case e.MatchesEmpty():
			c.fault(fmt.Errorf("regular expression %q matches the empty text", text), "match", "pattern", i)
		default:
			if err := e.Check(cmp.Or(c.parser.Limits.Regexp, match.DefaultLimits().Regexp)); err != nil {
				c.fault(err, "match", "pattern", i)
				continue
			}
			m.Patterns = append(m.Patterns, e)
		}
	}
	return m
}

// byKind compiles the patterns for the events of each source kind, once for all that are searched in the same fields.
func (m Match) byKind() map[string]*match.Detection {
	on := map[string]*match.Detection{}
	made := map[string]*match.Detection{}
	for kind, fields := range m.Fields {
		key := strings.Join(fields, "\x00")
		if made[key] == nil {
			made[key] = match.Patterns(fields, m.Patterns)
		}
		on[kind] = made[key]
	}
	return on
}

// isPath reports whether text is steps with dots between them.
func isPath(text string) bool { return !slices.Contains(strings.Split(text, "."), "") }

// fields are the paths that a rule searches in events of each kind it applies to: those it names, else the
// kind's default.
func (c *checker) fields() map[string][]string {
	fields := map[string][]string{}
	for i, kind := range c.file.AppliesTo {
		fallback, ok := defaultField(kind)
		switch {
		case len(c.file.Match.Field) > 0:
			fields[kind] = slices.Clone(c.file.Match.Field)
		case ok:
			fields[kind] = []string{fallback}
		case slices.Contains(c.parser.Kinds, kind):
			c.fault(fmt.Errorf("source kind %q has no default field: name one in match.field", kind), "applies_to", i)
		}
	}
	return fields
}
