package lift

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"ttpworker/internal/match"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/payload"
)

// A Set is the rules that taggers are made of, and changes as they do. It is not safe for concurrent use; the taggers
// it has made are, and do not change with it.
type Set struct {
	rules map[string]*compiled   // by rule id
	kinds map[string][]*kindRule // by source kind, sorted by rule id; never written to
	stale map[string]bool        // the kinds whose rules have changed since kinds was made
	pool  *sync.Pool
}

// compiled is a rule ready to tag events.
type compiled struct {
	lift   *Lift
	origin tagger.Origin
	fires  *atomic.Uint64 // nil = not counted
}

// A kindRule is a rule with what its tags show of events of one kind.
type kindRule struct {
	*compiled

	evidence []payload.Path
	shown    allowed
}

// NewSet returns a set without rules.
func NewSet() *Set {
	return &Set{
		rules: map[string]*compiled{}, kinds: map[string][]*kindRule{}, stale: map[string]bool{},
		pool: &sync.Pool{New: func() any { return &workspace{scratch: match.NewScratch()} }},
	}
}

// Put adds a rule, in place of the one that has its id. fires, which may be nil, counts the events it fires on.
func (s *Set) Put(l *Lift, origin tagger.Origin, fires *atomic.Uint64) {
	s.Remove(origin.RuleID)
	s.rules[origin.RuleID] = &compiled{lift: l, origin: origin, fires: fires}
	s.changed(l)
}

// Remove removes the rule of an id; one that is not there is no fault.
func (s *Set) Remove(ruleID string) {
	if c := s.rules[ruleID]; c != nil {
		delete(s.rules, ruleID)
		s.changed(c.lift)
	}
}

func (s *Set) changed(l *Lift) {
	for _, kind := range l.kinds {
		s.stale[kind] = true
	}
}

// Tagger returns a tagger of the rules as they are now. Kinds whose rules are as they were share them with the last one.
func (s *Set) Tagger() *Tagger {
	for kind := range s.stale {
		if rules := s.of(kind); len(rules) > 0 {
			s.kinds[kind] = rules
		} else {
			delete(s.kinds, kind)
		}
	}
	clear(s.stale)
	return &Tagger{byKind: maps.Clone(s.kinds), pool: s.pool}
}

// of are the rules of a kind, sorted by id.
func (s *Set) of(kind string) []*kindRule {
	var rules []*kindRule
	for _, c := range s.rules {
		if !slices.Contains(c.lift.kinds, kind) {
			continue
		}
		may := shown(kind)
		fields := slices.DeleteFunc(slices.Clone(c.lift.evidence), func(field string) bool { return !slices.Contains(may.fields, field) })
		rules = append(rules, &kindRule{compiled: c, evidence: payload.Paths(fields), shown: may})
	}
	slices.SortFunc(rules, func(a, b *kindRule) int { return cmp.Compare(a.origin.RuleID, b.origin.RuleID) })
	return rules
}
