package pipeline

import (
	"ttpworker/internal/attack"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/engine"
	"ttpworker/internal/tagger/lift"
)

// A ruleSet is the rules that plans are made of. The engine's set keeps the books of all of them and compiles those whose
// match is data, the lifters' those whose match is code.
type ruleSet struct {
	*engine.Set

	lifted *lift.Set
	fires  *engine.Fires
}

// newRuleSet returns a set without rules. audit and fires may be nil.
func newRuleSet(audit *engine.Auditor, fires *engine.Fires) *ruleSet {
	return &ruleSet{Set: engine.NewSet(audit, fires), lifted: lift.NewSet(), fires: fires}
}

// Put adds a rule under an operator's standing order, in place of the one that has its id.
func (s *ruleSet) Put(r *rule.Rule, order tagger.Standing) {
	s.Set.Put(r, order)
	if r.Match.Lift == nil || order.State == tagger.Disabled {
		s.lifted.Remove(r.ID)
		return
	}
	s.lifted.Put(r.Match.Lift, r.Origin(order, attack.Release), s.fires.Of(r.ID))
}

// Remove removes the rule of an id; one that is not there is no fault.
func (s *ruleSet) Remove(ruleID string) {
	s.lifted.Remove(ruleID)
	s.Set.Remove(ruleID)
}

// taggers are those of the rules as they are now, in the order of their tags. One that has no rule is left out, unless
// there is none at all.
func (s *ruleSet) taggers(e *engine.Engine) []tagger.Tagger {
	l := s.lifted.Tagger()
	switch {
	case len(l.Kinds()) == 0:
		return []tagger.Tagger{e}
	case len(e.Kinds()) == 0:
		return []tagger.Tagger{l}
	}
	return []tagger.Tagger{e, l}
}
