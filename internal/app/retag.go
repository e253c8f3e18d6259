package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/kafka"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/retag"
	"ttpworker/internal/tagger"
)

// A Retag says what history to make exact, and how.
type Retag struct {
	From, To   kafka.Moment
	Topics     []string // of events; nil = the input topics of the configuration
	Partitions []int32  // nil = all
	Rules      []string // ids; nil = all
	Job        string   // an unfinished job to go on with; "" = a new one
	DryRun     bool
	Candidate  []string      // rule directories to compare with those of the configuration; needs DryRun
	Ignore     bool          // what operators have ordered
	Wait       time.Duration // for live workers to come under the plan
	Settled    bool          // fail if they do not
	Memory     int64         // that indexes may take, in bytes
	Dir        string        // of what is more; "" = the system's for temporary files

	// What is told meanwhile; each may be nil.
	Waits    func(digest string) // of a plan that live workers are not under yet
	Began    func(job *retag.Job)
	Progress func(offsets int64) // of the job that are done
}

// Retagged is what became of it.
type Retagged struct {
	Job       *retag.Job
	Report    retag.Report
	Rules     int    // of the plan
	Candidate string // digest of the plan that it was compared with; "" = none
}

// RetagHistory does what r says. The report is good when there is an error, too; the job is nil if it did not come to that.
func RetagHistory(ctx context.Context, cfg Config, log *slog.Logger, r Retag) (Retagged, error) {
	var out Retagged
	if r.Candidate != nil && !r.DryRun {
		return out, errors.New("a candidate rule directory is only compared: that is a dry run")
	}
	plan, candidate, err := retagPlans(ctx, cfg, log, &r)
	if err != nil {
		return out, err
	}
	out.Rules = plan.Rules
	e, conn, done, err := retagEvaluator(ctx, cfg, log, plan, r.Rules)
	if err != nil {
		return out, err
	}
	defer done()
	cluster := conn.Cluster
	job, err := planRetag(ctx, cfg, conn, e, &r)
	if err != nil {
		return out, err
	}
	out.Job = job
	if job.Events() == 0 {
		return out, nil
	}
	if !r.DryRun {
		if err := job.Begin(ctx, cluster); err != nil {
			return out, err
		}
	}
	if r.Began != nil {
		r.Began(job)
	}
	limits := map[string]int{}
	topics, err := cluster.Topics(ctx, e.Outputs.Tags, e.Outputs.Shadow)
	if err != nil {
		return out, err
	}
	for name, t := range topics {
		limits[name] = t.MaxMessage
	}
	s := retag.Settings{Limits: limits, Memory: r.Memory, Dir: r.Dir, LiveGroup: cfg.Kafka.Group, Progress: r.Progress}
	switch {
	case candidate != nil:
		out.Candidate = candidate.Digest
		other := *e
		other.Plan = candidate
		out.Report, err = retag.Compare(ctx, e, &other, job, cluster, s, log)
	case r.DryRun:
		out.Report, err = retag.Dry(ctx, e, job, cluster, s, log)
	default:
		out.Report, err = retag.NewRun(e, job, cluster, s, log).Do(ctx, cfg.Kafka)
	}
	return out, err
}

// retagPlans are the plan that the configuration and the state topic give now and, if there is a candidate, that of its rules
// under the same orders, else nil.
func retagPlans(ctx context.Context, cfg Config, log *slog.Logger, r *Retag) (plan, candidate *pipeline.Plan, err error) {
	sets := make([]RuleSet, 1, 2)
	if sets[0], err = ReadLiveRules(cfg); err == nil {
		err = retagRules(sets[0], cfg.RuleStore.Dir)
	}
	if err == nil && r.Candidate != nil {
		var set RuleSet
		if set, err = ReadRules(cfg, r.Candidate); err == nil {
			err = retagRules(set, r.Candidate...)
		}
		sets = append(sets, set)
	}
	if err != nil {
		return nil, nil, err
	}
	for _, id := range r.Rules {
		if !slices.ContainsFunc(sets, func(set RuleSet) bool { return set.Has(id) }) {
			log.Warn("no rule has this id: its tags do not hold any more", "rule", id)
		}
	}
	standing, err := standingOrders(ctx, cfg, log, r.Ignore)
	if err != nil {
		return nil, nil, err
	}
	plans := make([]*pipeline.Plan, 2)
	for i, set := range sets {
		plans[i] = pipeline.NewPlan(set.Rules, standing, tagger.NewMonitor(log, prometheus.NewRegistry()))
	}
	return plans[0], plans[1], nil
}

// retagRules reports rules that are not all good, as live workers keep the last good version of a bad file, which is not known here;
// and that there is none.
func retagRules(set RuleSet, dirs ...string) error {
	if set.Faults != nil {
		return fmt.Errorf("a retag needs every rule file to be good: %w", set.Faults)
	}
	if len(set.Rules) == 0 {
		return fmt.Errorf("there is no rule in %s: a retag would take every tag away", strings.Join(dirs, ", "))
	}
	return nil
}

// planRetag decides what there is to do. Live workers get some time to come under the plan of a new job: what they tag
// before is behind its cuts, and under another plan.
func planRetag(ctx context.Context, cfg Config, conn *Connection, e *retag.Evaluator, r *Retag) (*retag.Job, error) {
	spec := retag.Spec{
		Topics: r.Topics, Partitions: r.Partitions, From: r.From, To: r.To, LiveGroup: cfg.Kafka.Group, Rules: e.Rules,
		TagTopics: [2]string{e.Outputs.Tags, e.Outputs.Shadow},
	}
	if r.Job != "" {
		return spec.Find(ctx, conn.Cluster, r.Job, e.Plan.Digest)
	}
	if spec.Topics == nil {
		spec.Topics = cfg.InputTopics()
	}
	for _, name := range spec.Topics {
		if err := conn.needs(ctx, name, "input.topics"); err != nil {
			return nil, err
		}
	}
	for until, told := time.Now().Add(r.Wait), false; ; {
		job, err := spec.Resolve(ctx, conn.Cluster, e.Plan.Digest)
		if err != nil {
			return nil, err
		}
		under := job.UnderOther()
		over := !time.Now().Before(until)
		if over && r.Settled && len(under) > 0 {
			at := under[0]
			return nil, fmt.Errorf("live workers are not under plan %s yet, %s/%d is under %s: do they run, and do they have the rules that are here? Nothing was retagged",
				job.Plan, at.Topic, at.Number, cmp.Or(job.Parts[at].Plan, "none"))
		}
		if len(under) == 0 || r.DryRun || over {
			return job, nil
		}
		if !told && r.Waits != nil {
			r.Waits(job.Plan)
		}
		told = true
		select {
		case <-time.After(planPoll):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// planPoll is the pause between looks at the plan of the live workers.
const planPoll = 250 * time.Millisecond

// retagEvaluator makes what a job evaluates events with under a plan, and reads and writes with. Call done when it is over.
func retagEvaluator(
	ctx context.Context, cfg Config, log *slog.Logger, plan *pipeline.Plan, rules []string,
) (e *retag.Evaluator, conn *Connection, done func(), err error) {
	if conn, err = Reach(ctx, cfg, log); err != nil {
		return nil, nil, nil, err
	}
	codec, stop, err := conn.historyCodec(ctx, cfg, log)
	if err != nil {
		conn.Close()
		return nil, nil, nil, err
	}
	done = func() { stop(); conn.Close() }
	e = &retag.Evaluator{Plan: plan, Outputs: codec.Outputs, Event: codec.Event, Tag: codec.Tag}
	if rules != nil {
		e.Rules = slices.Compact(slices.Sorted(slices.Values(rules)))
	}
	return e, conn, done, nil
}
