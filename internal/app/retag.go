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
	"ttpworker/internal/store"
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
	Began      func(job *retag.Job)
	Progress   func(events int)
}

// Retagged is what became of it.
type Retagged struct {
	Job    *retag.Job
	Report retag.Report
}

// RetagHistory does what r says. The report is good when there is an error, too.
func RetagHistory(ctx context.Context, cfg Config, log *slog.Logger, r Retag) (Retagged, error) {
	var out Retagged
	if r.Candidate != nil && !r.DryRun {
		return out, errors.New("a candidate rule directory is only compared: that is a dry run")
	}
	e, cluster, done, err := retagEvaluator(ctx, cfg, log, &r, nil)
	if err != nil {
		return out, err
	}
	defer done()
	job, err := planRetag(ctx, cfg, log, cluster, e, &r)
	if err != nil {
		return out, err
	}
	out.Job = job
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
	case r.Candidate != nil:
		candidate, _, done, err := retagEvaluator(ctx, cfg, log, &r, r.Candidate)
		if err != nil {
			return out, err
		}
		defer done()
		out.Report, err = retag.Compare(ctx, e, candidate, job, cluster, s, log)
		return out, err
	case r.DryRun:
		out.Report, err = retag.Dry(ctx, e, job, cluster, s, log)
		return out, err
	}
	out.Report, err = retag.NewRun(e, job, cluster, s, log).Do(ctx, cfg.Kafka)
	return out, err
}

// planRetag decides what there is to do. Live workers get some time to come under the plan of a new job: what they tag
// before is behind its cuts, and under another plan.
func planRetag(ctx context.Context, cfg Config, log *slog.Logger, c *kafka.Cluster, e *retag.Evaluator, r *Retag) (*retag.Job, error) {
	if r.Job != "" {
		return retag.Find(ctx, c, r.Job, e.Plan.Digest, e.Rules)
	}
	spec := retag.Spec{
		Topics: r.Topics, Partitions: r.Partitions, From: r.From, To: r.To, LiveGroup: cfg.Kafka.Group, Rules: e.Rules,
		TagTopics: [2]string{e.Outputs.Tags, e.Outputs.Shadow},
	}
	if spec.Topics == nil {
		spec.Topics = cfg.InputTopics()
	}
	if strayed := slices.DeleteFunc(slices.Clone(spec.Topics), func(name string) bool { return slices.Contains(cfg.InputTopics(), name) }); len(strayed) > 0 {
		return nil, fmt.Errorf("%s is not among the input topics (input.topics)", strings.Join(strayed, ", "))
	}
	for until := time.Now().Add(r.Wait); ; {
		job, err := spec.Resolve(ctx, c, e.Plan.Digest)
		if err != nil {
			return nil, err
		}
		behind := job.UnderOther()
		over := !time.Now().Before(until)
		if over && r.Settled && len(behind) > 0 {
			at := behind[0]
			return nil, fmt.Errorf("live workers are not under plan %s yet, %s/%d is under %s: do they run, and do they have the rules that are here? Nothing was retagged",
				job.Plan, at.Topic, at.Number, cmp.Or(job.Parts[at].Plan, "none"))
		}
		if len(behind) == 0 || r.DryRun || over {
			for _, p := range behind {
				log.Warn("a partition is still tagged under another plan after the cut: retag again once live workers are under this one",
					"topic", p.Topic, "partition", p.Number, "plan", job.Parts[p].Plan, "job_plan", job.Plan)
			}
			return job, nil
		}
		select {
		case <-time.After(planPoll):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// planPoll is the pause between looks at the plan of the live workers.
const planPoll = 250 * time.Millisecond

// retagEvaluator makes the plan that the configuration and the state topic give now, or dirs in place of the rules of the
// configuration, and what a job reads and writes with. Call done when it is over.
func retagEvaluator(
	ctx context.Context, cfg Config, log *slog.Logger, r *Retag, dirs []string,
) (e *retag.Evaluator, cluster *kafka.Cluster, done func(), err error) {
	set, err := ReadRules(cfg, dirs)
	if err == nil {
		err = set.Faults // live workers keep the last good version of a bad file, which is not known here
	}
	if err != nil {
		return nil, nil, nil, fmt.Errorf("a retag needs every rule file to be good: %w", err)
	}
	if len(set.Rules) == 0 {
		return nil, nil, nil, errors.New("there is no rule: a retag would take every tag away")
	}
	for _, id := range r.Rules {
		if !set.Has(id) {
			log.Warn("no rule has this id: its tags are taken away", "rule", id)
		}
	}
	standing, err := standingOrders(ctx, cfg, log, r.Ignore)
	if err != nil {
		return nil, nil, nil, err
	}
	conn, err := Reach(ctx, cfg, log)
	if err != nil {
		return nil, nil, nil, err
	}
	read, stop, err := eventReader(ctx, cfg, log)
	if err != nil {
		conn.Close()
		return nil, nil, nil, err
	}
	done = func() { stop(); conn.Close() }
	outputs, dec, err := conn.tagCodec(ctx, cfg)
	if err != nil {
		done()
		return nil, nil, nil, err
	}
	e = &retag.Evaluator{
		Plan:    pipeline.NewPlan(set.Rules, standing, tagger.NewMonitor(log, prometheus.NewRegistry())),
		Outputs: outputs, Tags: dec, Event: read,
	}
	if r.Rules != nil {
		e.Rules = slices.Compact(slices.Sorted(slices.Values(r.Rules)))
	}
	return e, conn.Cluster, done, nil
}

// standingOrders are the operators' orders as they are now, or none at all.
func standingOrders(ctx context.Context, cfg Config, log *slog.Logger, ignore bool) (func(ruleID string) tagger.Standing, error) {
	orders := map[string]tagger.Standing{}
	if !ignore {
		err := WithStates(ctx, cfg, log, func(states *store.States) error {
			for _, s := range states.Orders() {
				orders[s.RuleID] = s.Standing()
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return func(ruleID string) tagger.Standing {
		if s, ok := orders[ruleID]; ok {
			return s
		}
		return tagger.DefaultStanding()
	}, nil
}
