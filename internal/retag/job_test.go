package retag

import (
	"testing"

	"ttpworker/internal/kafka"
)

// A job that was given up half way under rules to which one comes back after others: its progress is of a time before what
// those have written.
func TestAJobThatWasGivenUpIsNotGoneOnWithAfterAnother(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	one, two := s.evaluator(t, "alpha", 1), s.evaluator(t, "alpha", 2)
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
	e := s.evaluator(t, "alpha", 1)
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
