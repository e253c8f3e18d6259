package retag

import (
	"testing"
	"time"

	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
)

// An event may yet decide about a tag that is there from a later one. What is committed of a batch without records, as behind
// events that were passed over, must not be behind it.
func TestAPositionIsNotBehindWhatMayYetDecide(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.evaluator(t, 1)
	for _, id := range []string{"other", "a", "b", "a"} {
		s.event(t, id, "alpha")
	}
	s.tag(t, e, kafka.Span{To: 4})
	s.commit(t, 4, e.Plan.Digest)
	r := s.run(t, e, s.plan(t, e))
	defer r.Released(nil)
	u := r.unit(s.at)
	select {
	case <-u.ready:
	case <-time.After(kafkatest.Patience):
		t.Fatal("the tags are not read")
	}
	must(t, u.err)
	first := r.Begin()
	_, err := first.Outputs(t.Context(), nil, s.recs(t, kafka.Span{To: 2}))
	must(t, err)
	first.End(true)
	for next, want := range map[int64]int64{2: 1, 3: 1, 4: 4} {
		if got, text := r.Begin().(*batch).Position(s.at.Topic, 0, next); got != want || text == "" {
			t.Errorf("Position(%d) = %d, %q, want %d and what the job is", next, got, text, want)
		}
	}
	if got, text := r.Begin().(*batch).Position("another", 0, 7); got >= 0 {
		t.Errorf("Position of a partition that the job does not have = %d, %q, want none", got, text)
	}
}

// recs are the events of a span.
func (s *site) recs(t *testing.T, span kafka.Span) (recs []kafka.Record) {
	t.Helper()
	must(t, s.Scan(t.Context(), s.at.Topic, map[int32]kafka.Span{0: span}, func(r *kafka.Record) error {
		recs = append(recs, *r)
		return nil
	}))
	return recs
}
