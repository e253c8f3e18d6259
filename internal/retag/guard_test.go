package retag

import (
	"testing"

	"github.com/google/uuid"

	"ttpworker/internal/kafka"
)

// A job between its index and its commit, and a live worker that tags the event, sent again, meanwhile: the live worker's tag
// is what stays, whoever comes last.
func TestGuardPutsBackWhatLiveWorkersTaggedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		committed bool // by the live group: a worker without transactions is found between its tags and its commit
		killed    bool // after the first of two such events was put back, and the second had come meanwhile
		restored  int
	}{
		{name: "the live worker has committed", committed: true, restored: 2},
		{name: "the live worker has not committed yet", restored: 2},
		{name: "the job was killed after it had put something back", committed: true, killed: true, restored: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			e := s.evaluator(t, 1)
			s.event(t, "a", "alpha")
			s.event(t, "b", "alpha")
			s.event(t, "c", "alpha")
			s.commit(t, 3, e.Plan.Digest)
			job := s.plan(t, e)
			must(t, job.Begin(t.Context(), s.Cluster.Cluster))
			run := s.run(t, e, job)
			defer run.Released(nil)
			u := run.unit(s.at)
			<-u.ready
			must(t, u.err)
			var out []kafka.Record
			var count Report
			must(t, s.Scan(t.Context(), s.at.Topic, map[int32]kafka.Span{0: job.Parts[s.at].Span}, func(rec *kafka.Record) (err error) {
				out, err = u.take(t.Context(), out, rec, &count)
				return err
			}))
			// a and b are sent again, and tagged, before the job commits; c after.
			s.event(t, "a", "alpha again")
			s.event(t, "b", "alpha again")
			s.event(t, "c", "alpha again")
			s.tag(t, e, kafka.Span{From: 3, To: 5})
			write(t, s, out...)
			s.tag(t, e, kafka.Span{From: 5, To: 6})
			events := int64(6)
			if tt.killed {
				events++
				tags, _, err := e.tags(t.Context(), nil, eventAt(t, s, 3))
				must(t, err)
				back, err := run.later(t.Context(), s.at, kafka.Span{From: 3, To: 4}, map[uuid.UUID]struct{}{tags[0].ID: {}})
				must(t, err)
				s.event(t, "a", "alpha once more")
				s.tag(t, e, kafka.Span{From: 4, To: 5})
				s.tag(t, e, kafka.Span{From: 6, To: 7})
				write(t, s, back...)
			}
			if tt.committed {
				s.commit(t, events, e.Plan.Digest)
			}
			must(t, run.guard(t.Context(), s.at))
			want := map[string]string{"a": "3 v1", "b": "4 v1", "c": "5 v1"}
			if tt.killed {
				want["a"] = "6 v1"
			}
			s.check(t, e, want)
			if got := run.result().Restored; got != tt.restored {
				t.Errorf("%d tags were put back, want %d", got, tt.restored)
			}
		})
	}
}

func write(t *testing.T, s *site, recs ...kafka.Record) {
	t.Helper()
	for i := range recs {
		s.Write(t, recs[i].ToClient())
	}
}

func eventAt(t *testing.T, s *site, offset int64) *kafka.Record {
	t.Helper()
	rec, err := s.ReadAt(t.Context(), s.at, offset)
	must(t, err)
	return rec
}
