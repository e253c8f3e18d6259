package engine

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"ttpworker/internal/attack"
	"ttpworker/internal/match"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
)

var _ tagger.Tagger = (*Engine)(nil)

// Semantics is raised whenever a change of code changes the tags of some rule and event. It is part of every
// plan's digest, so that two versions of the worker that tag differently never claim the same plan.
const Semantics = 1

// An Engine is a set of compiled rules. It is immutable and safe for concurrent use.
type Engine struct {
	byKind map[string][]compiled
	kinds  []string
}

// compiled is a rule ready to be asked about events of one kind.
type compiled struct {
	rule     *rule.Rule
	origin   tagger.Origin
	literals [][]string // by pattern, see match.Literals
	fields   []path
	evidence []path
}

// New compiles rules under the operators' standing orders. standing is called once per rule. A disabled rule is
// left out, and with the last rule of a kind the engine no longer claims that kind.
func New(rules []*rule.Rule, standing func(ruleID string) tagger.Standing) *Engine {
	e := &Engine{byKind: map[string][]compiled{}}
	for _, r := range slices.SortedFunc(slices.Values(rules), byID) {
		s := standing(r.ID)
		if s.State == tagger.Disabled {
			continue
		}
		c := compiled{rule: r, origin: r.Origin(s, attack.Release), evidence: paths(r.EvidenceFields)}
		for _, re := range r.Match.Patterns {
			c.literals = append(c.literals, match.Literals(re.String()))
		}
		for _, kind := range r.Kinds {
			c.fields = paths(r.Match.Fields[kind])
			e.byKind[kind] = append(e.byKind[kind], c)
		}
	}
	e.kinds = slices.Sorted(maps.Keys(e.byKind))
	return e
}

func byID(a, b *rule.Rule) int { return cmp.Compare(a.ID, b.ID) }

// Name implements tagger.Tagger.
func (e *Engine) Name() string { return "engine" }

// Kinds implements tagger.Tagger: the kinds that the rules apply to, sorted.
func (e *Engine) Kinds() []string { return slices.Clone(e.kinds) }

// AppendTags implements tagger.Tagger. Its only error is a payload that is no JSON object, which wire lets
// nothing through with.
func (e *Engine) AppendTags(dst []tagger.Tag, ev *tagger.TaggerEvent) ([]tagger.Tag, error) {
	rules := e.byKind[ev.SourceKind]
	if len(rules) == 0 {
		return dst, nil
	}
	p, err := parsePayload(ev.Payload)
	if err != nil {
		return dst, fmt.Errorf("payload of %s %q: %w", ev.SourceKind, ev.SourceID, err)
	}
	var folded folds
	for i := range rules {
		if c := &rules[i]; c.matches(p, &folded) {
			dst = c.appendTags(dst, ev, p)
		}
	}
	return dst, nil
}

// matches reports whether any pattern is found in any text of the rule's fields. A pattern is tried only on texts that
// contain one of the literals that each of its matches has.
func (c *compiled) matches(p payload, folds *folds) bool {
	found := func(text string) bool {
		folded := folds.of(text)
		for i, re := range c.rule.Match.Patterns {
			if match.ContainsAny(folded, c.literals[i]) && re.MatchString(text) {
				return true
			}
		}
		return false
	}
	return slices.ContainsFunc(c.fields, func(f path) bool { return p.anyText(f, found) })
}

func (c *compiled) appendTags(dst []tagger.Tag, ev *tagger.TaggerEvent, p payload) []tagger.Tag {
	evidence := p.evidence(c.evidence)
	for i := range c.rule.Emits {
		dst = append(dst, c.origin.Tag(ev, &c.rule.Emits[i], evidence))
	}
	return dst
}
