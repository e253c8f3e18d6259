package engine

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"sync"

	"ttpworker/internal/match"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/derive"
	"ttpworker/internal/tagger/payload"
)

var _ tagger.Tagger = (*Engine)(nil)

// Semantics is raised whenever a change of code changes the tags of some rule and event. It is part of every
// plan's digest, so that two versions of the worker that tag differently never claim the same plan.
const Semantics = 5

// An Engine is a set of compiled rules. It is immutable and safe for concurrent use.
type Engine struct {
	byKind map[string]*kindEngine
	kinds  []string
	audit  *Auditor
}

// A kindEngine is the rules of one source kind.
type kindEngine struct {
	index  *match.Index
	rules  []*compiled // by id in the index; nil = none has it
	pool   *sync.Pool  // of workspaces; one per kind, as a scratch knows the values of one index
	derive derive.Func // nil = payloads are matched as they are
}

// New compiles rules under the operators' standing orders. standing is called once per rule. A disabled rule is
// left out, and with the last rule of a kind the engine no longer claims that kind.
func New(rules []*rule.Rule, standing func(ruleID string) tagger.Standing) *Engine {
	s := NewSet(nil, nil)
	for _, r := range rules {
		s.Put(r, standing(r.ID))
	}
	return s.Engine()
}

// Name implements tagger.Tagger.
func (e *Engine) Name() string { return "engine" }

// Kinds implements tagger.Tagger: the kinds that the rules apply to, sorted.
func (e *Engine) Kinds() []string { return slices.Clone(e.kinds) }

// IndexBytes is the memory of the indexes of all source kinds. Rules and their regular expressions come on top.
func (e *Engine) IndexBytes() int {
	n := 0
	for _, k := range e.byKind {
		n += k.index.Stats().Bytes
	}
	return n
}

// Always lists the ids of the rules that are evaluated on every event of one of their kinds, sorted: they have no
// literal and no field that every match has.
func (e *Engine) Always() []string {
	var ids []string
	for _, k := range e.byKind {
		for _, id := range k.index.AlwaysEvaluated() {
			ids = append(ids, k.rules[id].rule.ID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// A workspace is what tagging one event needs besides the engine.
type workspace struct {
	scratch  *match.Scratch
	matched  []*compiled
	payload  payload.Payload // extended
	extended []byte
	members  []match.Member
}

// extend returns a payload with its derived fields, until the next call. One that is no JSON object is returned as
// it is, for Match to say so.
func (w *workspace) extend(data []byte, f derive.Func) []byte {
	if f == nil {
		return data
	}
	var err error
	if w.members, err = w.scratch.AppendMembers(w.members[:0], data); err != nil {
		return data
	}
	end := bytes.LastIndexByte(data, '}')
	if end < 0 || len(bytes.TrimSpace(data[end+1:])) > 0 {
		return data
	}
	w.extended = append(w.extended[:0], data[:end]...)
	begin := len(w.extended)
	w.extended = f(w.extended, w.members)
	if len(w.members) == 0 && len(w.extended) > begin {
		w.extended[begin] = ' ' // no comma behind no member
	}
	w.extended = append(w.extended, '}')
	return w.extended
}

// Extended is the payload of an event of a kind as rules see it: with its derived fields. The payload is not changed.
func Extended(kind string, payload []byte) []byte {
	w := workspace{scratch: match.NewScratch()}
	return w.extend(payload, derive.Of(kind))
}

func newPool() *sync.Pool {
	return &sync.Pool{New: func() any { return &workspace{scratch: match.NewScratch()} }}
}

// AppendTags implements tagger.Tagger: tags in the order of their rules' ids, of one rule in that of its emits. Its only
// error is a payload that is no JSON object, which wire lets nothing through with.
func (e *Engine) AppendTags(dst []tagger.Tag, ev *tagger.TaggerEvent) ([]tagger.Tag, error) {
	k := e.byKind[ev.SourceKind]
	if k == nil {
		return dst, nil
	}
	w := k.pool.Get().(*workspace) //nolint:forcetypeassert // New makes nothing else
	defer k.pool.Put(w)
	data := w.extend(ev.Payload, k.derive)
	ids, err := k.index.Match(data, w.scratch)
	if err != nil {
		return dst, fmt.Errorf("payload of %s %q: %w", ev.SourceKind, ev.SourceID, err)
	}
	e.audit.check(k, ev, data, ids)
	if len(ids) == 0 {
		return dst, nil
	}
	w.matched = w.matched[:0]
	for _, id := range ids {
		w.matched = append(w.matched, k.rules[id])
	}
	slices.SortFunc(w.matched, func(a, b *compiled) int { return cmp.Compare(a.rule.ID, b.rule.ID) })
	if err := w.payload.Read(w.scratch, ev.SourceKind, data); err != nil {
		return dst, fmt.Errorf("payload of %s %q: %w", ev.SourceKind, ev.SourceID, err)
	}
	for _, c := range w.matched {
		dst = c.appendTags(dst, ev, w.payload.Evidence(c.evidence, nil))
	}
	return dst, nil
}
