package oracle

import (
	"fmt"
	"log/slog"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/pipeline"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/engine"
)

// A Choice is everything that one rule was in the course of a run.
type Choice struct {
	Versions  []*rule.Rule      // contents of its file; nil = there was none
	Standings []tagger.Standing // orders
}

// A member is a rule of a plan under an order.
type member struct {
	rule     *rule.Rule
	standing tagger.Standing
	tagger   tagger.Tagger // of this rule alone
}

// Plans are all plans that could have been in force, by digest: those of all combinations of what each rule was. It
// is not safe for concurrent use.
type Plans struct {
	codec    *Codec
	byDigest map[string][]*member
}

// NewPlans combines the rules that never changed with the choices.
func NewPlans(codec *Codec, fixed []*rule.Rule, choices []Choice) *Plans {
	p := &Plans{codec: codec, byDigest: map[string][]*member{}}
	var base []*member
	for _, r := range fixed {
		base = append(base, newMember(r, tagger.DefaultStanding()))
	}
	options := make([][]*member, len(choices))
	for i, c := range choices {
		for _, r := range c.Versions {
			if r == nil {
				options[i] = append(options[i], nil)
				continue
			}
			for _, s := range c.Standings {
				options[i] = append(options[i], newMember(r, s))
			}
		}
	}
	p.combine(base, options)
	return p
}

func newMember(r *rule.Rule, s tagger.Standing) *member {
	standing := func(string) tagger.Standing { return s }
	monitor := tagger.NewMonitor(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	return &member{rule: r, standing: s, tagger: pipeline.NewPlan([]*rule.Rule{r}, standing, monitor).Composite}
}

func (p *Plans) combine(chosen []*member, options [][]*member) {
	if len(options) > 0 {
		for _, m := range options[0] {
			next := slices.Clone(chosen)
			if m != nil {
				next = append(next, m)
			}
			p.combine(next, options[1:])
		}
		return
	}
	rules := make([]*rule.Rule, len(chosen))
	standing := map[string]tagger.Standing{}
	for i, m := range chosen {
		rules[i], standing[m.rule.ID] = m.rule, m.standing
	}
	p.byDigest[engine.PlanDigest(rules, func(id string) tagger.Standing { return standing[id] })] = chosen
}

// Has reports whether a plan of this digest could have been in force.
func (p *Plans) Has(digest string) bool { return p.byDigest[digest] != nil }

// Count is the number of plans.
func (p *Plans) Count() int { return len(p.byDigest) }

// A want is a tag that an event must have.
type want struct {
	rule    string
	content uint64
	shadow  bool
	met     bool
}

// tags tags an event by each rule of a plan alone, in turn.
func (p *Plans) tags(digest string, ev *tagger.TaggerEvent) (map[[16]byte]*want, error) {
	wants := map[[16]byte]*want{}
	for _, m := range p.byDigest[digest] {
		if !slices.Contains(m.rule.Kinds, ev.SourceKind) {
			continue
		}
		tags, err := m.tagger.AppendTags(nil, ev)
		if err != nil {
			return nil, fmt.Errorf("tagging by %s: %w", m.rule.ID, err)
		}
		for i := range tags {
			content, err := p.codec.Content(&tags[i])
			if err != nil {
				return nil, fmt.Errorf("tagging by %s: %w", m.rule.ID, err)
			}
			wants[tags[i].ID] = &want{rule: m.rule.ID, content: content, shadow: tags[i].RuleState == tagger.Shadow}
		}
	}
	return wants, nil
}
