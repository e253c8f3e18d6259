package retag

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ttpworker/internal/kafka"
)

// watchEvery is how often the positions of the job and of the live group are looked at.
const watchEvery = 500 * time.Millisecond

// watch returns when the job is done. It has the last look at each partition whose range is done, see guard.
func (r *Run) watch(ctx context.Context) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		all, err := r.look(ctx)
		switch {
		case ctx.Err() != nil:
			return nil // asked to stop
		case err != nil:
			return err
		case all:
			close(r.over)
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// ErrSetBack is the end of a job, which cannot be gone on with, whose live group was set back.
var ErrSetBack = errors.New("the live group was set back")

// look finishes the partitions that can be, and reports whether all are.
func (r *Run) look(ctx context.Context) (all bool, err error) {
	live, err := r.cluster.Positions(ctx, r.liveGroup)
	if err != nil {
		return false, err
	}
	for at, part := range r.job.Parts {
		if now := live[at].Offset; now < part.Cut {
			return false, fmt.Errorf("%w: group %s was at offset %d of %s/%d when the job began and is at %d now, so it writes again what the job has written. Begin a new job when it has caught up",
				ErrSetBack, r.liveGroup, part.Cut, at.Topic, at.Number, now)
		}
	}
	reached, err := r.cluster.Positions(ctx, r.job.Group())
	if err != nil {
		return false, err
	}
	done, err := r.cluster.Positions(ctx, r.job.doneGroup())
	if err != nil {
		return false, err
	}
	if r.progress != nil {
		r.progress(r.job.passed(reached))
	}
	behind, err := r.behind(ctx, reached)
	if err != nil {
		return false, err
	}
	all = true
	for at, part := range r.job.Parts {
		if _, is := done[at]; is {
			continue
		}
		if behind[at.Number] || !r.mine(at) {
			all = false
			continue
		}
		if err := r.guard(ctx, at); err != nil {
			return false, err
		}
		mark := map[kafka.Partition]kafka.Position{at: {Offset: part.Span.To, Metadata: r.job.metadata(at)}}
		if err := r.cluster.SetPositions(ctx, r.job.doneGroup(), mark); err != nil {
			return false, err
		}
	}
	return all, nil
}

// behind are the numbers of the partitions whose range is not done in all topics of events. Those of one number write to the same
// partition of tags, and an event may be in several topics: so what one of them writes may be over what lies behind the cut of
// another, and they are finished together.
func (r *Run) behind(ctx context.Context, reached map[kafka.Partition]kafka.Position) (map[int32]bool, error) {
	starts := map[string]map[int32]int64{} // by topic, of those that are asked for
	behind := map[int32]bool{}
	for at, part := range r.job.Parts {
		if reached[at].Offset >= part.Span.To {
			continue
		}
		if starts[at.Topic] == nil { // retention may have taken what is left, and nothing would come by to say so
			var err error
			if starts[at.Topic], err = r.cluster.Starts(ctx, at.Topic); err != nil {
				return nil, err
			}
		}
		if starts[at.Topic][at.Number] < part.Span.To {
			behind[at.Number] = true
		}
	}
	return behind, nil
}

// orphanPatience is how long the process that has gone through a partition gets to finish it before others do.
const orphanPatience = 10 * time.Second

// mine reports whether it is this process that finishes a partition.
func (r *Run) mine(at kafka.Partition) bool {
	r.mu.Lock()
	worked := r.units[at] != nil
	r.mu.Unlock()
	if worked || r.job.Parts[at].Span.From >= r.job.Parts[at].Span.To {
		return true
	}
	if _, seen := r.orphans[at]; !seen {
		r.orphans[at] = time.Now()
	}
	return time.Since(r.orphans[at]) >= orphanPatience
}
