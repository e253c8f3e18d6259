package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ttpworker/chaos/oracle"
	"ttpworker/chaos/traffic"
)

// findings are what is known at the end.
type findings struct {
	verdict          *oracle.Verdict
	phantoms, unseen int
	faults           []error // records that are not what they should be, broken bounds, hung calls: what must not be
	hung             []string
	exits            []string
}

// fault is an error if anything is wrong.
func (f *findings) fault() error {
	errs := f.faults
	if v := f.verdict; !v.Right() {
		errs = append(errs, fmt.Errorf("%d lost, %d doubled, %d wrong, %d out of order, %d torn", v.Lost, v.Doubled, v.Wrong, v.Reordered, v.Torn))
	}
	if f.phantoms+f.unseen > 0 {
		errs = append(errs, fmt.Errorf("a reader of committed records saw %d that are not there, and did not see %d that are", f.phantoms, f.unseen))
	}
	if len(f.hung) > 0 {
		errs = append(errs, fmt.Errorf("%d calls hung: %v", len(f.hung), f.hung))
	}
	return errors.Join(errs...)
}

// judgeTimeout bounds the reading of everything.
const judgeTimeout = 20 * time.Minute

// judge reads everything and compares.
func (r *run) judge(ctx context.Context) (*findings, error) {
	r.say("everything is tagged; reading it")
	ctx, cancel := context.WithTimeout(ctx, judgeTimeout)
	defer cancel()
	final := traffic.NewReader(r.ground.topics, r.codec)
	if err := final.ReadToEnd(ctx, r.ground.direct); err != nil {
		return nil, err
	}
	plans := oracle.NewPlans(r.codec, r.ground.book.fixed, r.ground.book.choices)
	var streams []oracle.Stream
	for _, s := range final.Streams {
		streams = append(streams, *s)
	}
	inputs := traffic.Inputs(ctx, r.ground.direct, r.ground.topics.Events, r.codec, r.writer.Written())
	f := &findings{faults: final.Faults}
	var err error
	if f.verdict, err = oracle.Check(inputs, streams, final.Letters, plans, r.cfg.relaxed); err != nil {
		return nil, err
	}
	places := map[traffic.Place]bool{}
	for at := range final.Seen {
		places[at] = true
	}
	for at := range r.live.Seen {
		places[at] = true
	}
	for at := range places {
		phantoms, unseen := oracle.Compare(r.live.Seen[at], final.Seen[at])
		f.phantoms, f.unseen = f.phantoms+phantoms, f.unseen+unseen
	}
	f.faults = append(f.faults, r.offsets(ctx, plans)...)
	f.faults = append(f.faults, r.bounds()...)
	for i, w := range r.ground.workers {
		f.hung = append(f.hung, w.Hung()...)
		f.exits = append(f.exits, w.Exits()...)
		if text := w.Unread(); text != "" {
			f.faults = append(f.faults, errors.New(text))
		}
		if n := r.last[i].LongEnds; n > 0 {
			f.hung = append(f.hung, fmt.Sprintf("worker %d: %g transactions took longer to end than end_timeout %s allows", i, n, endTimeout))
		}
		if n := r.last[i].Mismatches; n > 0 {
			f.faults = append(f.faults, fmt.Errorf("worker %d found %g events on which its index and a plain scan disagree", i, n))
		}
	}
	return f, nil
}

// offsets checks that the group's are at the end, and say under which plan they were reached.
func (r *run) offsets(ctx context.Context, plans *oracle.Plans) (faults []error) {
	behind, err := r.lag(ctx)
	if err != nil {
		return []error{err}
	}
	if behind != "" {
		faults = append(faults, errors.New(behind))
	}
	offsets, err := r.ground.admin.FetchOffsets(ctx, group)
	if err != nil {
		return append(faults, err)
	}
	for _, o := range offsets.Sorted() {
		if !plans.Has(o.Metadata) {
			faults = append(faults, fmt.Errorf("the offset of %s/%d says that it was reached under plan %q, which never was", o.Topic, o.Partition, o.Metadata))
		}
	}
	return faults
}

// bound is the longest gap that a kind of fault may cause in the tags of any partition; 0 = none is promised.
func (c config) bound(k Kind) time.Duration {
	promised := time.Duration(0)
	switch k {
	case KillWorker:
		promised = 2 * time.Second
		if c.unnamed {
			promised = sessionTimeout + 2*time.Second
		}
	case LoseWorker:
		promised = sessionTimeout + 2*time.Second
	case KillBroker:
		promised = 10 * time.Second
	case Rollout:
		promised = time.Second
		if c.unnamed {
			promised = 0 // a member that leaves and one that comes are two rebalances
		}
	default:
	}
	return time.Duration(float64(promised) * c.slack)
}

// bounds tells which gaps were longer than promised.
func (r *run) bounds() (faults []error) {
	for _, i := range r.incidents {
		if limit := r.cfg.bound(i.Kind); limit > 0 && i.gap > limit {
			faults = append(faults, fmt.Errorf("%s: a gap of %s, more than %s", i.Fault, ms(i.gap), limit))
		}
	}
	for _, took := range r.stops {
		if took > 14*time.Second {
			faults = append(faults, fmt.Errorf("a worker took %s to stop, more than 14s", ms(took)))
		}
	}
	return faults
}
