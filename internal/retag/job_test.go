package retag

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"ttpworker/internal/kafka"
)

// A job that was given up half way under rules to which one comes back after others: its progress is of a time before what
// those have written.
func TestAJobThatWasGivenUpIsNotGoneOnWithAfterAnother(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	one, two := s.evaluator(t, 1), s.evaluator(t, 2)
	s.event(t, "a", "alpha")
	s.event(t, "b", "alpha")
	s.commit(t, 2, one.Plan.Digest)
	first := s.plan(t, one)
	must(t, first.Begin(t.Context(), s.Cluster.Cluster))
	// It has done the first event and was killed.
	s.tag(t, one, kafka.Span{From: 0, To: 1})
	must(t, s.SetPositions(t.Context(), first.Group(), map[kafka.Partition]kafka.Position{s.at: {Offset: 1, Metadata: first.metadata(s.at)}}))
	for _, e := range []*Evaluator{two, one} {
		if _, err := s.retag(t, e, s.plan(t, e)); err != nil {
			t.Fatal(err)
		}
	}
	s.check(t, one, map[string]string{"a": "0 v1", "b": "1 v1"})
}

// Two deployments may read the same events under the same rules, and write their tags to topics of their own.
func TestAJobIsNotSharedBetweenDeployments(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.evaluator(t, 1)
	s.event(t, "a", "alpha")
	s.commit(t, 1, e.Plan.Digest)
	job := s.plan(t, e)
	must(t, job.Begin(t.Context(), s.Cluster.Cluster))
	if found, err := s.spec.Find(t.Context(), s.Cluster.Cluster, job.ID, e.Plan.Digest); err != nil || found.ID != job.ID {
		t.Errorf("Find = %v, %v, want the job", found, err)
	}
	for what, other := range map[string]Spec{
		"topics of tags": {LiveGroup: s.spec.LiveGroup, TagTopics: [sides]string{"other", s.spec.TagTopics[shadow]}},
		"live group":     {LiveGroup: "other", TagTopics: s.spec.TagTopics},
		"rules":          {LiveGroup: s.spec.LiveGroup, TagTopics: s.spec.TagTopics, Rules: []string{"R1"}},
	} {
		if found, err := other.Find(t.Context(), s.Cluster.Cluster, job.ID, e.Plan.Digest); err == nil {
			t.Errorf("with other %s: Find = %v, want an error", what, found)
		}
	}
}

// deleteBefore is retention.
func (s *site) deleteBefore(t *testing.T, offset int64) {
	t.Helper()
	var upTo kadm.Offsets
	upTo.Add(kadm.Offset{Topic: s.at.Topic, Partition: 0, At: offset})
	answers, err := kadm.NewClient(s.Client(t)).DeleteRecords(t.Context(), upTo)
	must(t, errors.Join(err, answers.Error()))
}

// Seen: the job waited for ever for events that retention had taken after it had begun.
func TestAJobEndsWhenRetentionTakesItsRange(t *testing.T) {
	t.Parallel()
	for name, more := range map[string]bool{"and nothing comes": false, "and others come": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			e := s.evaluator(t, 1)
			s.event(t, "a", "alpha")
			s.event(t, "b", "alpha")
			s.commit(t, 2, e.Plan.Digest)
			job := s.plan(t, e)
			s.deleteBefore(t, 2)
			if more {
				s.event(t, "c", "alpha")
			}
			if report, err := s.retag(t, e, job); err != nil || report.Events > 0 {
				t.Errorf("Do = %+v, %v, want no event and no error", report, err)
			}
		})
	}
}

// The end of a range is not behind the end of a topic that was made anew, whatever the live group committed of the old one.
func TestARangeEndsWhereItsTopicDoes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.evaluator(t, 1)
	s.event(t, "a", "alpha")
	s.commit(t, 1000, e.Plan.Digest)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	var err error
	s.spec.To, err = kafka.ParseMoment("500", time.Now())
	must(t, err)
	job, err := s.spec.Resolve(ctx, s.Cluster.Cluster, e.Plan.Digest)
	if err != nil || job.Parts[s.at].Span != (kafka.Span{From: 0, To: 1}) {
		t.Errorf("Resolve = %+v, %v, want the range [0, 1)", job, err)
	}
}

func TestAJobEndsWhenTheLiveGroupIsSetBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.evaluator(t, 1)
	s.event(t, "a", "alpha")
	s.commit(t, 1, e.Plan.Digest)
	job := s.plan(t, e)
	s.commit(t, 0, e.Plan.Digest)
	_, err := s.retag(t, e, job)
	if err == nil || !errors.Is(err, ErrSetBack) || strings.Contains(err.Error(), "canceled") {
		t.Errorf("Do = %v, want that the group was set back, and nothing else", err)
	}
}
