package pipeline

import (
	"context"
	"sync"

	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
)

// A Plan is an immutable compilation of rules, operator states and the ATT&CK table: the composite tagger and what
// names it. Same plan and event, same tags (I6).
type Plan struct {
	*tagger.Composite
	Digest string // 64 hexadecimal digits
	Rules  int    // in force, whatever their state

	Always     []string // ids of the rules that are evaluated on every event of their kinds, sorted
	IndexBytes int      // memory of the engine's indexes

	orders map[string]tagger.Standing // other than the default, by rule id
}

// NewPlan compiles rules under the operators' standing orders. standing is asked once per rule.
func NewPlan(rules []*rule.Rule, standing func(ruleID string) tagger.Standing, monitor *tagger.Monitor) *Plan {
	set := newRuleSet(nil, nil)
	for _, r := range rules {
		set.Put(r, standing(r.ID))
	}
	return planOf(set, monitor)
}

// planOf is the plan of the rules of a set as they are now. A change of one rule since the last plan costs little more
// than the work on that rule.
func planOf(set *ruleSet, monitor *tagger.Monitor) *Plan {
	kinds := append(tagger.BuiltinKinds(), set.Kinds()...) // a disabled rule claims none, and its kinds are no surprise either
	e := set.Engine()
	return &Plan{
		Digest:     set.Digest(),
		Rules:      set.Len(),
		Always:     e.Always(),
		IndexBytes: e.IndexBytes(),
		orders:     set.Orders(),
		Composite:  tagger.NewComposite(monitor, kinds, set.taggers(e)...),
	}
}

// Standing is the order that the plan was made under for a rule: the default for one that it does not have.
func (p *Plan) Standing(ruleID string) tagger.Standing {
	if s, ok := p.orders[ruleID]; ok {
		return s
	}
	return tagger.DefaultStanding()
}

// Plans holds the plan in force and knows which plans open batches still work under. The zero value is not valid;
// use NewPlans.
type Plans struct {
	mu      sync.Mutex
	ready   chan struct{} // closed while the plan in force has rules
	current *Plan
	open    map[*Plan]int // batches under it that have not ended
	ended   chan struct{} // closed and made anew whenever a batch ends
}

// NewPlans holds no plan yet.
func NewPlans() *Plans {
	return &Plans{ready: make(chan struct{}), open: map[*Plan]int{}, ended: make(chan struct{})}
}

// Ready is closed when there is a plan, and it has a rule. While the plan in force has none, it is another channel, closed
// with the next plan that has one.
func (p *Plans) Ready() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ready
}

// Current is the plan in force, nil before the first.
func (p *Plans) Current() *Plan {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current
}

// Swap puts plan in force: every batch that begins from now on works under it.
func (p *Plans) Swap(plan *Plan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.current != nil && p.current.Rules > 0
	switch now := plan.Rules > 0; {
	case now && !before:
		close(p.ready)
	case before && !now:
		p.ready = make(chan struct{})
	}
	p.current = plan
}

// begin takes the plan in force for a batch; end gives it back.
func (p *Plans) begin() *Plan {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[p.current]++
	return p.current
}

func (p *Plans) end(plan *Plan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open[plan]--; p.open[plan] == 0 {
		delete(p.open, plan)
	}
	close(p.ended)
	p.ended = make(chan struct{})
}

// Settle returns when every batch that was open when it was called has ended, or ctx has. An event appended
// after it returns meets the plan in force at the call, or a newer one: a batch that began under an older one
// may still poll.
func (p *Plans) Settle(ctx context.Context) error {
	p.mu.Lock()
	older := make([]*Plan, 0, len(p.open))
	for plan := range p.open {
		if plan != p.current {
			older = append(older, plan)
		}
	}
	p.mu.Unlock()
	for {
		p.mu.Lock()
		busy := false
		for _, plan := range older {
			busy = busy || p.open[plan] > 0
		}
		ended := p.ended
		p.mu.Unlock()
		if !busy {
			return nil
		}
		select {
		case <-ended:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
