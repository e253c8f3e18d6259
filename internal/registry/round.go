package registry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"ttpworker/internal/wire"
)

// An answer is what came of one question.
type answer struct {
	question *question
	err      error // nil = the decoder knows it; ErrNotFound; anything else = nobody knows
}

// round asks the questions that are due. It stops at the first that gets no answer, as the others would fare no better,
// and settles all at its end, so that records that wait for several of them are held once.
func (r *Resolver) round(ctx context.Context, due []*question) {
	var mu sync.Mutex
	var answers []answer
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	var byPrint []*question
	for _, q := range due {
		id, ok := q.ref.ID()
		if !ok {
			byPrint = append(byPrint, q)
			continue
		}
		g.Go(func() error {
			err := gctx.Err()
			if err == nil {
				err = r.learnID(gctx, q.ref, id)
			}
			mu.Lock()
			defer mu.Unlock()
			answers = append(answers, answer{q, err})
			return outageOf(err)
		})
	}
	err := g.Wait()
	if err == nil && len(byPrint) > 0 {
		err = r.learnSubjects(ctx)
	}
	for _, q := range byPrint {
		why := err
		if why == nil && !r.decoder.Knows(q.ref) {
			why = ErrNotFound
		}
		answers = append(answers, answer{q, why})
	}
	if ctx.Err() != nil {
		return // nobody waits for these any more
	}
	now := time.Now()
	r.noteOutage(err, now)
	for _, a := range answers {
		r.settle(a.question, a.err, now)
	}
}

// outageOf is err if it is no answer.
func outageOf(err error) error {
	if _, ok := errors.AsType[*OutageError](err); ok {
		return err
	}
	return nil
}

// noteOutage begins, goes on with or ends an outage: the registry is left alone for a while that grows.
func (r *Resolver) noteOutage(err error, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil && r.outage > 0:
		r.outage = 0
		r.log.Info("the schema registry answers again")
	case err != nil && r.outage == 0:
		r.outage = askAgain
		r.log.Warn("records of schemas that are not known yet wait", "err", err)
	case err != nil:
		r.outage = min(2*r.outage, maxAskAgain)
	}
	r.resume = now.Add(r.outage)
}

// learnID has the decoder learn the schema of an id.
func (r *Resolver) learnID(ctx context.Context, ref wire.SchemaRef, id uint32) error {
	s, err := r.client.ByID(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound) || outageOf(err) != nil || ctx.Err() != nil:
		return err
	case err != nil: // the registry has it, and will not or cannot give it
		r.learned(ref, "", r.decoder.Refuse(ref, "", err))
		return nil
	}
	origin := "of no subject"
	switch versions, err := r.client.VersionsOf(ctx, id); {
	case outageOf(err) != nil || ctx.Err() != nil:
		return err
	case err == nil && len(versions) > 0:
		origin = originOf(versions[0])
	}
	r.learn(ref, origin, s)
	return nil
}

func originOf(v Version) string {
	return fmt.Sprintf("subject %.200s version %d", v.Subject, v.Version)
}

// learnSubjects has the decoder learn the schemas of all versions of the subjects by their fingerprints. A version is
// read once.
func (r *Resolver) learnSubjects(ctx context.Context) error {
	for _, subject := range r.subjects {
		numbers, err := r.client.Versions(ctx, subject) // none, if there is no such subject
		if outageOf(err) != nil || ctx.Err() != nil {
			return err
		}
		for _, n := range numbers {
			v := Version{subject, n}
			if r.seen[v] {
				continue
			}
			s, err := r.client.ByVersion(ctx, v)
			if outageOf(err) != nil || ctx.Err() != nil {
				return err
			}
			r.seen[v] = true
			refs, parseErr := wire.Refs(s.Text)
			if err != nil || parseErr != nil {
				continue // no schema that a record could name by a fingerprint
			}
			for _, ref := range refs {
				if !r.decoder.Knows(ref) {
					r.learn(ref, originOf(v), s)
				}
			}
		}
	}
	return nil
}

// learn has the decoder learn s, or why it cannot be read.
func (r *Resolver) learn(ref wire.SchemaRef, origin string, s Schema) {
	r.learned(ref, origin, learnSchema(r.decoder, ref, origin, s))
}

func learnSchema(d *wire.Decoder, ref wire.SchemaRef, origin string, s Schema) error {
	if err := s.usable(); err != nil {
		return d.Refuse(ref, origin, err)
	}
	return d.Learn(ref, origin, s.Text)
}

// learned counts and tells what was learned.
func (r *Resolver) learned(ref wire.SchemaRef, origin string, err error) {
	if err != nil {
		r.metrics.schemas.WithLabelValues(unreadable).Inc()
		r.log.Warn("records of a schema cannot be read, they are dead letters", "schema", ref.String(), "origin", origin, "err", err)
		return
	}
	r.metrics.schemas.WithLabelValues(readable).Inc()
	r.log.Info("schema learned", "schema", ref.String(), "origin", origin)
}
