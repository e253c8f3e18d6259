package retag

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
)

// A site is one partition of events and tags in a cluster, with a live group that is played by the test.
type site struct {
	*kafkatest.Cluster

	spec Spec
	at   kafka.Partition
	cfg  kafka.Config
	log  *slog.Logger
}

func newSite(t *testing.T) *site {
	t.Helper()
	return siteIn(t, kafkatest.Start(t))
}

func siteIn(t *testing.T, c *kafkatest.Cluster) *site {
	t.Helper()
	s := &site{Cluster: c, at: kafka.Partition{Topic: c.Name("ev")}, cfg: kafka.DefaultConfig(), log: slog.New(slog.DiscardHandler)}
	s.cfg.CommitInterval = 10 * time.Millisecond
	s.cfg.SessionTimeout = 2 * time.Second
	s.spec = Spec{
		Topics: []string{s.at.Topic}, From: kafka.Earliest, To: kafka.Now, LiveGroup: c.Name("live"),
		TagTopics: [sides]string{c.Name("tags"), c.Name("shadow")},
	}
	c.CreateTopic(t, s.at.Topic, 1)
	for _, topic := range s.spec.TagTopics {
		c.CreateTopic(t, topic, 1, "cleanup.policy=compact")
	}
	return s
}

// evaluator is of one rule that finds alpha, under a version.
func (s *site) evaluator(t *testing.T, version int) *Evaluator {
	t.Helper()
	text := fmt.Sprintf("rule_id: R1\nrule_version: %d\nname: n\napplies_to: [command]\nmatch: {pattern: alpha}\n"+
		"emits: [{tactic: TA0006, technique_id: T1003, confidence: 0.5}]\nevidence_fields: [command_text]\n", version)
	r, err := rule.NewParser(rule.DefaultMaxBytes).Parse("R1.yaml", []byte(text))
	must(t, err)
	monitor := tagger.NewMonitor(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	e := evaluator(t, pipeline.NewPlan([]*rule.Rule{r}, func(string) tagger.Standing { return tagger.DefaultStanding() }, monitor))
	e.Outputs.Tags, e.Outputs.Shadow = s.spec.TagTopics[trusted], s.spec.TagTopics[shadow]
	return e
}

// event writes an event: an id that was there before is that event, sent again.
func (s *site) event(t *testing.T, id, text string) {
	t.Helper()
	s.Write(t, &kgo.Record{Topic: s.at.Topic, Value: fmt.Appendf(nil,
		`{"source_kind":"command","source_id":%q,"session_id":"s","payload":{"command_text":%q}}`, id, text)})
}

// tag writes what a live worker writes of the events of a span, and commits nothing.
func (s *site) tag(t *testing.T, e *Evaluator, span kafka.Span) {
	t.Helper()
	must(t, s.Scan(t.Context(), s.at.Topic, map[int32]kafka.Span{0: span}, func(rec *kafka.Record) error {
		tags, _, err := e.tags(t.Context(), nil, rec)
		must(t, err)
		for i := range tags {
			r, err := e.record(&tags[i], rec, "", time.Now())
			must(t, err)
			s.Write(t, r.ToClient())
		}
		return nil
	}))
}

// commit commits the position of the live group, under a plan.
func (s *site) commit(t *testing.T, offset int64, plan string) {
	t.Helper()
	must(t, s.SetPositions(t.Context(), s.spec.LiveGroup, map[kafka.Partition]kafka.Position{s.at: {Offset: offset, Metadata: plan}}))
}

func (s *site) plan(t *testing.T, e *Evaluator) *Job {
	t.Helper()
	job, err := s.spec.Resolve(t.Context(), s.Cluster.Cluster, e.Plan.Digest)
	must(t, err)
	return job
}

func (s *site) settings(t *testing.T) Settings {
	t.Helper()
	return Settings{LiveGroup: s.spec.LiveGroup, Memory: 1 << 20, Dir: t.TempDir()}
}

func (s *site) run(t *testing.T, e *Evaluator, job *Job) *Run {
	t.Helper()
	return NewRun(e, job, s.Cluster.Cluster, s.settings(t), s.log)
}

// retag does a job to its end, which must come soon.
func (s *site) retag(t *testing.T, e *Evaluator, job *Job) (Report, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), kafkatest.Patience)
	defer cancel()
	must(t, job.Begin(ctx, s.Cluster.Cluster))
	return s.run(t, e, job).Do(ctx, s.cfg)
}

// standing are the tags that a reader sees: source and version of the rule, by the event's id.
func (s *site) standing(t *testing.T, e *Evaluator) map[string]string {
	t.Helper()
	s.Settle(t, s.spec.TagTopics[:]...)
	got := map[string]string{}
	for _, topic := range s.spec.TagTopics {
		latest := map[string]*kgo.Record{}
		for _, r := range s.ReadAll(t, topic) {
			latest[string(r.Key)] = r
		}
		for _, r := range latest {
			if r.Value == nil {
				continue
			}
			tag, err := e.Tag(t.Context(), r.Value)
			must(t, err)
			rec := kafka.FromClient(r)
			offset, _ := offsetIn(s.at, rec.Header(sourceHeader))
			got[tag.SourceID] += fmt.Sprintf("%d v%d", offset, *tag.RuleVersion)
		}
	}
	return got
}

func (s *site) check(t *testing.T, e *Evaluator, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, s.standing(t, e)); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}
