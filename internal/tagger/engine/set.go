package engine

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"ttpworker/internal/attack"
	"ttpworker/internal/match"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/derive"
	"ttpworker/internal/tagger/payload"
)

// A Set is the rules that engines are made of, and changes as they do: a change of one rule costs the work on that
// rule, and an Engine a copy of the tables of the source kinds that have changed since the last one. It is not safe for
// concurrent use; the engines it has made are, and do not change with it.
type Set struct {
	rules map[string]*member  // by rule id
	lines map[string][]byte   // of the digest, by rule id
	ids   []string            // of the rules, sorted
	named map[string]int      // rules by source kind, disabled ones included
	kinds map[string]*kindSet // by source kind
	audit *Auditor
	fires *Fires
}

// A member is a rule of a set and where it is.
type member struct {
	rule  *rule.Rule
	order tagger.Standing
	at    map[string]int32 // id in the index of each kind; none for a disabled rule
}

// A kindSet is the rules of one source kind.
type kindSet struct {
	builder *match.Builder
	rules   []*compiled // by id in the builder; nil = the id is free
	free    []int32
	engine  *kindEngine // of the rules as they are; nil = they have changed
	index   *match.Index
	pool    *sync.Pool
	derive  derive.Func
	stale   bool // the builder has changed since index was made
}

// compiled is a rule ready to tag events of one kind.
type compiled struct {
	rule      *rule.Rule
	detection *match.Detection
	origin    tagger.Origin
	evidence  []payload.Path
	fires     *atomic.Uint64 // nil = not counted
}

// NewSet returns a set without rules whose engines are audited by audit and counted by fires; both may be nil.
func NewSet(audit *Auditor, fires *Fires) *Set {
	return &Set{
		rules: map[string]*member{}, lines: map[string][]byte{}, named: map[string]int{}, kinds: map[string]*kindSet{},
		audit: audit, fires: fires,
	}
}

// Put adds a rule under an operator's standing order, in place of the one that has its id. One whose match is code is kept
// in the set's books, and no engine finds it.
func (s *Set) Put(r *rule.Rule, order tagger.Standing) {
	if m := s.rules[r.ID]; m != nil && m.rule == r && order.State != tagger.Disabled && len(m.at) > 0 {
		m.order = order // the same detection under another order
		s.lines[r.ID] = digestLine(r, order)
		for kind, id := range m.at {
			k := s.kinds[kind]
			c := *k.rules[id]
			c.origin = r.Origin(order, attack.Release)
			k.rules[id], k.engine = &c, nil
		}
		return
	}
	s.remove(r.ID)
	s.lines[r.ID] = digestLine(r, order)
	m := &member{rule: r, order: order, at: map[string]int32{}}
	s.rules[r.ID] = m
	at, _ := slices.BinarySearch(s.ids, r.ID)
	s.ids = slices.Insert(s.ids, at, r.ID)
	for _, kind := range r.Kinds {
		s.named[kind]++
	}
	if order.State == tagger.Disabled {
		return
	}
	if r.Match.Lift != nil {
		return
	}
	evidence, fires := payload.Paths(r.EvidenceFields), s.fires.Of(r.ID)
	for _, kind := range r.Kinds {
		c := &compiled{rule: r, detection: r.On(kind), origin: r.Origin(order, attack.Release), evidence: evidence, fires: fires}
		m.at[kind] = s.kind(kind).put(c)
	}
}

// Remove removes the rule of an id; one that is not there is no fault.
func (s *Set) Remove(ruleID string) {
	s.remove(ruleID)
	s.fires.forget(ruleID)
}

func (s *Set) remove(ruleID string) {
	m := s.rules[ruleID]
	if m == nil {
		return
	}
	delete(s.rules, ruleID)
	delete(s.lines, ruleID)
	at, _ := slices.BinarySearch(s.ids, ruleID)
	s.ids = slices.Delete(s.ids, at, at+1)
	for _, kind := range m.rule.Kinds {
		if s.named[kind]--; s.named[kind] == 0 {
			delete(s.named, kind)
		}
	}
	for kind, id := range m.at {
		s.kinds[kind].remove(id)
	}
}

// Rule returns the rule of an id; nil if the set has none.
func (s *Set) Rule(ruleID string) *rule.Rule {
	if m := s.rules[ruleID]; m != nil {
		return m.rule
	}
	return nil
}

// Order is the standing order of a rule of the set, the default for one that it has not.
func (s *Set) Order(ruleID string) tagger.Standing {
	if m := s.rules[ruleID]; m != nil {
		return m.order
	}
	return tagger.DefaultStanding()
}

// Len is the number of rules of the set, whatever their state.
func (s *Set) Len() int { return len(s.rules) }

// Digest is PlanDigest of the rules as they are now.
func (s *Set) Digest() string { return planDigest(s.ids, s.lines) }

// Kinds lists the source kinds of all rules, disabled ones included, sorted.
func (s *Set) Kinds() []string { return slices.Sorted(maps.Keys(s.named)) }

// Orders returns the standing orders of the rules that have another than the default, by id.
func (s *Set) Orders() map[string]tagger.Standing {
	orders := map[string]tagger.Standing{}
	for id, m := range s.rules {
		if !m.order.Equal(tagger.DefaultStanding()) {
			orders[id] = m.order
		}
	}
	return orders
}

// Engine returns an engine of the rules as they are now.
func (s *Set) Engine() *Engine {
	e := &Engine{byKind: map[string]*kindEngine{}, audit: s.audit}
	for kind, k := range s.kinds {
		if len(k.free) < len(k.rules) {
			e.byKind[kind] = k.snapshot()
		}
	}
	e.kinds = slices.Sorted(maps.Keys(e.byKind))
	return e
}

func (s *Set) kind(kind string) *kindSet {
	k := s.kinds[kind]
	if k == nil {
		k = &kindSet{builder: match.NewBuilder(), pool: newPool(), derive: derive.Of(kind)}
		s.kinds[kind] = k
	}
	return k
}

func (k *kindSet) put(c *compiled) int32 {
	id := int32(len(k.rules)) //nolint:gosec // limits.rules bounds it
	if last := len(k.free) - 1; last >= 0 {
		id, k.free = k.free[last], k.free[:last]
	} else {
		k.rules = append(k.rules, nil)
	}
	k.rules[id] = c
	k.builder.Put(id, c.detection)
	k.engine, k.stale = nil, true
	return id
}

func (k *kindSet) remove(id int32) {
	k.rules[id] = nil
	k.free = append(k.free, id)
	k.builder.Delete(id)
	k.engine, k.stale = nil, true
}

// snapshot is the rules of the kind as they are.
func (k *kindSet) snapshot() *kindEngine {
	if k.index == nil || k.stale {
		k.index, k.stale = k.builder.Index(), false
	}
	if k.engine == nil {
		k.engine = &kindEngine{index: k.index, rules: slices.Clone(k.rules), pool: k.pool, derive: k.derive}
	}
	return k.engine
}

func (c *compiled) appendTags(dst []tagger.Tag, ev *tagger.TaggerEvent, evidence []byte) []tagger.Tag {
	if c.fires != nil {
		c.fires.Add(1)
	}
	for i := range c.rule.Emits {
		dst = append(dst, c.origin.Tag(ev, &c.rule.Emits[i], evidence))
	}
	return dst
}
