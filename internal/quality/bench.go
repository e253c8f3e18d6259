package quality

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"

	"ttpworker/internal/match"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/engine"
)

// A Cost is what one rule costs. Times are nanoseconds per event of one of its kinds.
type Cost struct {
	Rule      *rule.Rule
	Events    int     // of its kinds
	Candidate int     // those that met a necessary condition of the rule
	Evaluated int     // those on which its condition was evaluated in the index of all rules: candidates, or all of them
	Matched   int     // those on which it fired
	Alone     float64 // in an index of its own, beyond an index that asks for nothing
	Reference float64 // of evaluating its condition on decoded payloads, one atom after the other
	Marginal  float64 // how much slower the index of all rules is for it; 0 = no more than Noise
	Noise     float64 // measurements of the index of all rules differ by this, at least 1; 0 = Marginal was not measured
}

// Costs are what rules cost on one core.
type Costs struct {
	Rules  []Cost // dearest alone first
	Events int
	Tags   int
	Second float64 // events that the engine of all rules tags per second: derived fields, matching, tags
}

// A Measure says how long Bench may take.
type Measure struct {
	Time     time.Duration // of one measurement, about
	Marginal int           // so many of the dearest rules are measured by leaving them out
}

// rounds are the parts of a measurement, of which the fastest counts: what else the machine does makes them slower, never
// faster, and of many short ones some are left alone.
const (
	rounds      = 10
	leastRounds = 3 // where one is about so many events that it takes longer than its share
)

// turns is how often the indexes that are compared are measured, in turn.
const turns = 3

// Bench measures what rules cost on events; those with a lifter are left out. A payload that is no JSON object is an error that names its event.
func Bench(ctx context.Context, rules []*rule.Rule, events []tagger.TaggerEvent, m Measure) (*Costs, error) {
	out := &Costs{Events: len(events)}
	rules = Detecting(rules)
	kinds, err := kindsOf(rules, events, m.Time)
	if err != nil {
		return nil, err
	}
	for _, r := range rules {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out.Rules = append(out.Rules, costOf(r, kinds, m.Time))
	}
	slices.SortStableFunc(out.Rules, func(a, b Cost) int { return cmp.Compare(b.Alone, a.Alone) })
	for i := range out.Rules[:min(m.Marginal, len(out.Rules))] {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out.Rules[i].leaveOut(kinds, m.Time)
	}
	return out, out.throughput(rules, events, m.Time)
}

// costOf is what a rule costs, but for leaving it out.
func costOf(r *rule.Rule, kinds map[string]*kindBench, budget time.Duration) Cost {
	c := Cost{Rule: r}
	for _, kind := range r.Kinds {
		k := kinds[kind]
		if k == nil {
			continue
		}
		n := len(k.payloads)
		seen := k.seen[k.ids[r]]
		c.Events, c.Candidate, c.Evaluated, c.Matched = c.Events+n, c.Candidate+seen.candidate, c.Evaluated+seen.evaluated, c.Matched+seen.matched
		d := r.On(kind)
		c.Alone += float64(n) * max(k.time(indexOf(d), budget)-k.floor, 0)
		c.Reference += float64(n) * fastest(budget, n, func(i int) { d.Match(k.docs[i]) })
	}
	c.Alone, c.Reference = perEvent(c.Alone, c.Events), perEvent(c.Reference, c.Events)
	return c
}

// leaveOut measures the index of all rules several times, and in between without the rule.
func (c *Cost) leaveOut(kinds map[string]*kindBench, budget time.Duration) {
	var with, spread, without float64
	for _, kind := range c.Rule.Kinds {
		k := kinds[kind]
		if k == nil {
			continue
		}
		k.builder.Delete(k.ids[c.Rule])
		less := k.builder.Index()
		k.builder.Put(k.ids[c.Rule], c.Rule.On(kind))
		n := float64(len(k.payloads))
		var whole, rest []float64
		for range turns { // what else the machine does falls on all alike
			whole = append(whole, k.time(k.index, budget))
			rest = append(rest, k.time(less, budget))
			whole = append(whole, k.time(k.index, budget))
		}
		with, without = with+n*slices.Min(whole), without+n*slices.Min(rest)
		spread += n * (slices.Max(whole) - slices.Min(whole))
	}
	c.Noise = max(perEvent(spread, c.Events), 1)
	if less := perEvent(with-without, c.Events); less > c.Noise {
		c.Marginal = less
	}
}

func perEvent(sum float64, events int) float64 { return sum / float64(max(events, 1)) }

// throughput measures the engine of all rules.
func (c *Costs) throughput(rules []*rule.Rule, events []tagger.TaggerEvent, budget time.Duration) error {
	if len(events) == 0 {
		return nil
	}
	e := engine.New(rules, func(string) tagger.Standing { return tagger.DefaultStanding() })
	var tags []tagger.Tag
	var err error
	tag := func(i int) {
		var failed error
		tags, failed = e.AppendTags(tags[:0], &events[i])
		err = cmp.Or(err, failed)
	}
	for i := range events {
		tag(i)
		c.Tags += len(tags)
	}
	c.Second = 1e9 / fastest(budget, len(events), tag)
	return err
}

// A kindBench is the events of one kind and the index of all its rules.
type kindBench struct {
	payloads [][]byte // with derived fields
	docs     []*match.Document
	builder  *match.Builder
	ids      map[*rule.Rule]int32
	seen     []sightings // by id
	index    *match.Index
	floor    float64 // nanoseconds per event of an index that asks for nothing
}

// sightings are how many events an index has seen for a rule.
type sightings struct{ candidate, evaluated, matched int }

// kindsOf sorts events by their kinds, and sees which rules they are for.
func kindsOf(rules []*rule.Rule, events []tagger.TaggerEvent, budget time.Duration) (map[string]*kindBench, error) {
	kinds := map[string]*kindBench{}
	for i := range events {
		ev := &events[i]
		k := kinds[ev.SourceKind]
		if k == nil {
			k = &kindBench{builder: match.NewBuilder(), ids: map[*rule.Rule]int32{}}
			kinds[ev.SourceKind] = k
		}
		payload := engine.Extended(ev.SourceKind, ev.Payload)
		doc, err := match.ParseDocument(payload)
		if err != nil {
			return nil, fmt.Errorf("payload of %s %q: %w", ev.SourceKind, ev.SourceID, err)
		}
		k.payloads, k.docs = append(k.payloads, payload), append(k.docs, doc)
	}
	for kind, k := range kinds {
		for _, r := range rules {
			if slices.Contains(r.Kinds, kind) {
				id := int32(len(k.ids)) //nolint:gosec // limits.rules bounds it
				k.ids[r] = id
				k.builder.Put(id, r.On(kind))
			}
		}
		k.index = k.builder.Index()
		if err := k.count(); err != nil {
			return nil, fmt.Errorf("payload of %s: %w", kind, err)
		}
		k.floor = k.time(match.NewBuilder().Index(), budget)
	}
	return kinds, nil
}

func (k *kindBench) count() error {
	k.seen = make([]sightings, len(k.ids))
	always, s := k.index.AlwaysEvaluated(), match.NewScratch()
	for _, payload := range k.payloads {
		matched, err := k.index.Match(payload, s)
		if err != nil {
			return err
		}
		for _, id := range s.Candidates() {
			k.seen[id].candidate++
			k.seen[id].evaluated++
		}
		for _, id := range always {
			k.seen[id].evaluated++
		}
		for _, id := range matched {
			k.seen[id].matched++
		}
	}
	return nil
}

// time is what an index takes for an event of the kind, in nanoseconds.
func (k *kindBench) time(x *match.Index, budget time.Duration) float64 {
	s := match.NewScratch()
	return fastest(budget, len(k.payloads), func(i int) {
		_, _ = x.Match(k.payloads[i], s) // count has seen that there is no error
	})
}

func indexOf(d *match.Detection) *match.Index {
	b := match.NewBuilder()
	b.Put(0, d)
	return b.Index()
}

// fastest is what do takes for one of n events, in nanoseconds, in the fastest of the rounds that share the budget. Each
// is about all events; or, where those take longer than the budget, about some of them, evenly spaced and the same ones.
func fastest(budget time.Duration, n int, do func(i int)) float64 {
	runtime.LockOSThread() // for clock
	defer runtime.UnlockOSThread()
	done := 0
	for start := clock(); done < n && (done%8 != 0 || done == 0 || clock()-start < budget); done++ {
		do(done)
	}
	step := (n + done - 1) / done
	best := math.Inf(1)
	for begin, round := clock(), 0; round < leastRounds || clock()-begin < budget; round++ {
		calls, took := 0, time.Duration(0)
		for start := clock(); calls == 0 || took < budget/rounds; took = clock() - start {
			for i := 0; i < n; i += step {
				do(i)
				calls++
			}
		}
		best = min(best, float64(took.Nanoseconds())/float64(calls))
	}
	return best
}

// began is what wall counts from.
var began = time.Now()

// wall is the time since the process began.
func wall() time.Duration { return time.Since(began) }
