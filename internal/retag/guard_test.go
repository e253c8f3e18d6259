package retag

import (
	"testing"

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
				keys := [sides]index{newMemory(), newMemory()}
				must(t, keys[trusted].put(tags[0].ID, found{}))
				back, err := run.later(t.Context(), s.at, kafka.Span{From: 3, To: 4}, keys)
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

// An event that is in two topics has its tags in one partition. What the job writes of one topic may be over what live workers
// have written of the other behind its range: so neither is finished before both are.
func TestPartitionsOfOneNumberAreFinishedTogether(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := s.evaluator(t, 1)
	other := kafka.Partition{Topic: s.Name("mirror")}
	s.CreateTopic(t, other.Topic, 1)
	s.spec.Topics = append(s.spec.Topics, other.Topic)
	s.event(t, "a", "alpha")
	s.commit(t, 1, e.Plan.Digest)
	in := func(at kafka.Partition, offset int64) map[kafka.Partition]kafka.Position {
		return map[kafka.Partition]kafka.Position{at: {Offset: offset}}
	}
	must(t, s.SetPositions(t.Context(), s.spec.LiveGroup, in(other, 0))) // there is nothing in its range
	job := s.plan(t, e)
	must(t, job.Begin(t.Context(), s.Cluster.Cluster))
	run := s.run(t, e, job)
	defer run.Released(nil)
	run.unit(s.at)
	run.unit(other)
	for _, tt := range []struct {
		reached int64
		done    int
	}{{0, 0}, {1, 2}} {
		must(t, s.SetPositions(t.Context(), job.Group(), in(s.at, tt.reached)))
		all, err := run.look(t.Context())
		must(t, err)
		done, err := s.Positions(t.Context(), job.doneGroup())
		must(t, err)
		if len(done) != tt.done || all != (tt.done == 2) {
			t.Errorf("at offset %d of 1: %d of 2 partitions are finished, all = %t, want %d", tt.reached, len(done), all, tt.done)
		}
	}
}
