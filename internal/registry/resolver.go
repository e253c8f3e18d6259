package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/bits"
	"sync"
	"time"

	"ttpworker/internal/wire"
)

const (
	// A question that is open is asked again after askAgain, then after twice as long, and so on up to maxAskAgain.
	askAgain    = 200 * time.Millisecond
	maxAskAgain = 5 * time.Second
	// parallel is how many ids are asked for at a time.
	parallel = 4
	// A schema that was given up is remembered for remember, so that a stream of such records is asked about once, and
	// of no more than maxGivenUp at a time.
	remember   = 5 * time.Second
	maxGivenUp = 4096
	// maxPatience is how many schemas may be waited for in patienceFor times the wait.
	maxPatience = 16
	patienceFor = 60
)

// A Resolver finds the schemas that a decoder does not know and has it learn them. It is safe for concurrent use; Run
// must run.
//
// A schema that the registry does not have may be on its way there, so it is waited for. That is patience which a
// sender of made-up ids could use to keep a partition waiting for ever: in patienceFor waits no more than maxPatience
// schemas are waited for, and beyond that the first "I do not have it" counts. While the registry gives no answer
// nothing is given up.
type Resolver struct {
	client   *Client // nil = there is no registry
	decoder  *wire.Decoder
	subjects []string
	wait     time.Duration
	log      *slog.Logger
	metrics  *Metrics
	wake     chan struct{}

	mu       sync.Mutex
	open     map[wire.SchemaRef]*question
	givenUp  map[wire.SchemaRef]time.Time
	gaveUp   uint64        // so far
	patience []time.Time   // when it was used
	outage   time.Duration // between two questions while the registry gives no answer; 0 = it does
	resume   time.Time     // when to ask again then

	seen map[Version]bool // of the subjects; Run's own
}

// A question is a schema that somebody waits for.
type question struct {
	ref     wire.SchemaRef
	done    chan struct{}
	next    time.Time     // when to ask again
	delay   time.Duration // and how long after that
	lacking time.Time     // when the registry last said that it does not have it; zero if it said nothing since
	lacked  time.Duration // for how long that has been so, outages not counted
	patient bool
	asked   bool
}

// NewResolver makes a resolver for decoder; a nil client means that there is no registry, and every question is given
// up at once. subjects are where schemas are looked for that records name by fingerprint. wait is how long a schema may
// be unknown to the registry before it is given up.
func NewResolver(
	client *Client, decoder *wire.Decoder, subjects []string, wait time.Duration, log *slog.Logger, metrics *Metrics,
) *Resolver {
	return &Resolver{
		client: client, decoder: decoder, subjects: subjects, wait: wait, log: log, metrics: metrics, wake: make(chan struct{}, 1),
		open: map[wire.SchemaRef]*question{}, givenUp: map[wire.SchemaRef]time.Time{}, seen: map[Version]bool{},
	}
}

// Seek asks for a schema that the decoder does not know. A channel that is not nil is closed when it is worth another
// try: the decoder knows the schema then, or Seek knows that nobody does. Otherwise the error says why the schema is
// given up; it is nil if there is no registry, and then the decoder has said all there is to say.
func (r *Resolver) Seek(ref wire.SchemaRef) (<-chan struct{}, error) {
	if r.client == nil {
		return nil, nil //nolint:nilnil // see above
	}
	if id, ok := ref.ID(); ok && id > math.MaxInt32 {
		return nil, fmt.Errorf("%v: no registry gives ids above %d", ref, math.MaxInt32)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if q := r.open[ref]; q != nil {
		return q.done, nil
	}
	done := make(chan struct{})
	if r.decoder.Knows(ref) {
		close(done)
		return done, nil
	}
	if at, ok := r.givenUp[ref]; ok && time.Since(at) < remember {
		return nil, r.gone(ref)
	}
	r.open[ref] = &question{ref: ref, done: done, delay: askAgain}
	r.metrics.waiting.Set(float64(len(r.open)))
	select {
	case r.wake <- struct{}{}:
	default:
	}
	return done, nil
}

// Await returns when the decoder knows a schema, or with the reason why it is given up.
func (r *Resolver) Await(ctx context.Context, ref wire.SchemaRef) error {
	for !r.decoder.Knows(ref) {
		done, err := r.Seek(ref)
		if done == nil {
			if err == nil {
				err = &wire.MissingSchemaError{Ref: ref}
			}
			return err
		}
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (r *Resolver) gone(ref wire.SchemaRef) error {
	if _, ok := ref.ID(); ok {
		return fmt.Errorf("%v: %w", ref, ErrNotFound)
	}
	return fmt.Errorf("%v: no version of %q in the schema registry has it", ref, r.subjects)
}

// Run asks until ctx ends.
func (r *Resolver) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var due []*question
		pause := time.Duration(math.MaxInt64)
		if r.client != nil {
			due, pause = r.due(time.Now())
		}
		if len(due) > 0 {
			r.round(ctx, due)
			if ctx.Err() == nil {
				continue
			}
		}
		timer.Reset(pause)
		select {
		case <-ctx.Done():
			return nil
		case <-r.wake:
		case <-timer.C:
		}
	}
}

// due are the questions to ask now; if there are none, pause is how long there will be none.
func (r *Resolver) due(now time.Time) (due []*question, pause time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	pause = math.MaxInt64
	for _, q := range r.open {
		at := q.next
		if r.outage > 0 && at.Before(r.resume) {
			at = r.resume
		}
		if wait := at.Sub(now); wait > 0 {
			pause = min(pause, wait)
			continue
		}
		due = append(due, q)
	}
	return due, pause
}

// settle notes what came of a question that was asked.
func (r *Resolver) settle(q *question, err error, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil:
		r.close(q)
	case errors.Is(err, ErrNotFound):
		r.lacks(q, now)
	default:
		q.lacking = time.Time{}
		q.later(now)
	}
}

// later has the question asked again after a while.
func (q *question) later(now time.Time) {
	q.next = now.Add(q.delay)
	q.delay = min(2*q.delay, maxAskAgain)
}

// lacks notes that the registry does not have it. What it said before an outage counts, the outage does not.
func (r *Resolver) lacks(q *question, now time.Time) {
	if !q.lacking.IsZero() {
		q.lacked += now.Sub(q.lacking)
	}
	q.lacking = now
	if !q.asked {
		q.asked = true
		_, before := r.givenUp[q.ref]
		q.patient = !before && r.patient(now)
	}
	if q.patient && q.lacked < r.wait {
		q.delay = min(q.delay, max(r.wait-q.lacked, askAgain))
		q.later(now)
		return
	}
	r.remember(q.ref, now)
	r.metrics.givenUp.Inc()
	r.close(q)
	if r.gaveUp++; bits.OnesCount64(r.gaveUp) == 1 {
		r.log.Warn("schema given up, its records are dead letters", "err", r.gone(q.ref), "given_up", r.gaveUp)
	}
}

// patient takes from the patience that there is.
func (r *Resolver) patient(now time.Time) bool {
	for len(r.patience) > 0 && now.Sub(r.patience[0]) > patienceFor*r.wait {
		r.patience = r.patience[1:]
	}
	if len(r.patience) >= maxPatience {
		return false
	}
	r.patience = append(r.patience, now)
	return true
}

// remember keeps a schema that was given up in mind, and forgets some other if they are too many.
func (r *Resolver) remember(ref wire.SchemaRef, now time.Time) {
	if len(r.givenUp) >= maxGivenUp {
		for other := range r.givenUp {
			delete(r.givenUp, other)
			break
		}
	}
	r.givenUp[ref] = now
}

func (r *Resolver) close(q *question) {
	delete(r.open, q.ref)
	r.metrics.waiting.Set(float64(len(r.open)))
	close(q.done)
}
