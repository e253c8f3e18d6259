package oracle

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
)

// maxNotes bounds the faults that a verdict describes; all are counted.
const maxNotes = 20

// A Verdict counts what is wrong. Notes describe the first faults.
type Verdict struct {
	Events, Poison        int // records of the input
	Tags, Shadow, Letters int // records of the outputs
	Plans                 int // that tagged something

	Lost      int // tags, events without any tag, and dead letters that are missing
	Doubled   int // tags and dead letters that came again
	Wrong     int // records that are not what they should be
	Reordered int // tags behind those of a later event
	Torn      int // transactions under two plans

	// EpochPerTransaction says that the brokers gave every transaction an epoch of its own, so that those that went to
	// several partitions could be told.
	EpochPerTransaction bool

	Notes []string

	relaxed bool
}

// Right reports whether nothing is wrong. What came again is wrong if everything was to come once.
func (v *Verdict) Right() bool {
	faults := v.Lost + v.Wrong + v.Reordered + v.Torn
	return faults == 0 && (v.relaxed || v.Doubled == 0)
}

func (v *Verdict) note(format string, args ...any) {
	if len(v.Notes) < maxNotes {
		v.Notes = append(v.Notes, fmt.Sprintf(format, args...))
	}
}

// noteUnlessRelaxed describes something that came again.
func (v *Verdict) noteUnlessRelaxed(format string, args ...any) {
	if !v.relaxed {
		v.note(format, args...)
	}
}

// A placed output knows where it is.
type placed struct {
	*Output
	stream *Stream
}

// Check compares what came out with what must. Inputs come by partition and offset; those of one partition must be
// one behind the other. Relaxed is for workers that promise at least once: an event may come out again, under another plan
// too, then whole, and behind later ones. The error is about the check itself.
func Check(inputs iter.Seq2[Input, error], streams []Stream, letters []Letter, plans *Plans, relaxed bool) (*Verdict, error) {
	v := &Verdict{relaxed: relaxed}
	outputs := v.sort(streams)
	slices.SortStableFunc(letters, func(a, b Letter) int { return a.Source.compare(b.Source) })
	v.Letters = len(letters)
	if !relaxed {
		v.transactions(streams)
	}
	for in, err := range inputs {
		if err != nil {
			return nil, err
		}
		var own []placed
		own, outputs = v.take(outputs, in.Position)
		letters = v.letter(letters, in)
		if in.Poison {
			v.Poison++
			for range own {
				v.Wrong++
				v.note("record %s is no event and has a tag", in.Position)
			}
			continue
		}
		v.Events++
		if err := v.event(in, own, plans); err != nil {
			return nil, fmt.Errorf("event %s: %w", in.Position, err)
		}
	}
	for _, o := range outputs {
		v.Wrong++
		v.note("a tag says that it is of record %s, which is not there", o.Source)
	}
	for _, l := range letters {
		v.Wrong++
		v.note("a dead letter says that it is record %s, which is not there or was told already", l.Source)
	}
	return v, nil
}

func (p Position) compare(o Position) int {
	return cmp.Or(cmp.Compare(p.Partition, o.Partition), cmp.Compare(p.Offset, o.Offset))
}

// sort returns all outputs by their sources, and looks at their order before.
func (v *Verdict) sort(streams []Stream) []placed {
	var all []placed
	plans := map[string]bool{}
	for i := range streams {
		s := &streams[i]
		last := int64(-1)
		for k := range s.Outputs {
			o := &s.Outputs[k]
			all = append(all, placed{o, s})
			plans[o.Plan] = true
			if s.Shadow {
				v.Shadow++
			} else {
				v.Tags++
			}
			if o.Source.Offset < last && !v.relaxed {
				v.Reordered++
				v.note("a tag of event %s stands behind one of event %d/%d", o.Source, o.Source.Partition, last)
			}
			last = max(last, o.Source.Offset)
		}
	}
	v.Plans = len(plans)
	slices.SortStableFunc(all, func(a, b placed) int { return a.Source.compare(b.Source) })
	return all
}

// take cuts the outputs of one record from the front. Those of records before it, which are not there, are wrong.
func (v *Verdict) take(outputs []placed, at Position) (own, rest []placed) {
	for len(outputs) > 0 && outputs[0].Source.compare(at) < 0 {
		v.Wrong++
		v.note("a tag says that it is of record %s, which is not there", outputs[0].Source)
		outputs = outputs[1:]
	}
	n := 0
	for n < len(outputs) && outputs[n].Source == at {
		n++
	}
	return outputs[:n], outputs[n:]
}

// event compares the outputs of one event with what offline tagging gives under the plan that the first one names.
func (v *Verdict) event(in Input, own []placed, plans *Plans) error {
	if len(own) == 0 {
		v.Lost++
		v.note("event %s has no tag", in.Position)
		return nil
	}
	if v.relaxed {
		var rest []placed
		if own, rest = underOnePlan(own); len(rest) > 0 {
			v.Doubled++
			if err := v.event(in, rest, plans); err != nil {
				return err
			}
		}
	}
	plan := own[0].Plan
	if !plans.Has(plan) {
		v.Wrong += len(own)
		v.note("event %s was tagged under plan %s, which never was", in.Position, plan)
		return nil
	}
	wants, err := plans.tags(plan, &in.Event)
	if err != nil {
		return err
	}
	for _, o := range own {
		w := wants[o.ID]
		switch {
		case w != nil && w.met && o.Content == w.content:
			v.Doubled++
			v.noteUnlessRelaxed("event %s has tag %s of %s again, from producer %d epoch %d", in.Position, o.ID, w.rule, o.Producer, o.Epoch)
		case w == nil:
			v.Wrong++
			v.note("event %s has tag %s under plan %s, which offline tagging under plan %s does not give", in.Position, o.ID, o.Plan, plan)
		case o.Plan != plan:
			v.Wrong++
			v.note("event %s has tags under two plans, %s and %s", in.Position, plan, o.Plan)
		case o.Content != w.content, o.stream.Shadow != w.shadow, o.stream.Partition != in.Partition:
			v.Wrong++
			v.note("event %s: its tag %s of %s is not that of offline tagging under plan %s", in.Position, o.ID, w.rule, plan)
		}
		if w != nil {
			w.met = true
		}
	}
	for id, w := range wants {
		if !w.met {
			v.Lost++
			v.note("event %s has no tag %x of %s, under plan %s", in.Position, id, w.rule, plan)
		}
	}
	return nil
}

// underOnePlan parts the outputs of an event that was tagged again under another plan.
func underOnePlan(own []placed) (one, rest []placed) {
	for _, o := range own {
		if o.Plan == own[0].Plan {
			one = append(one, o)
		} else {
			rest = append(rest, o)
		}
	}
	return one, rest
}

// letter cuts the dead letters of one record, which only poison has, from the front.
func (v *Verdict) letter(letters []Letter, in Input) []Letter {
	found := 0
	for len(letters) > 0 && letters[0].Source.compare(in.Position) <= 0 {
		l := letters[0]
		letters = letters[1:]
		switch {
		case l.Source != in.Position || !in.Poison:
			v.Wrong++
			v.note("record %s has a dead letter and is none", l.Source)
			continue
		case l.Bytes != in.Bytes:
			v.Wrong++
			v.note("the dead letter of record %s has other bytes", l.Source)
		case found > 0:
			v.Doubled++
			v.noteUnlessRelaxed("record %s has a dead letter again", l.Source)
		}
		found++
	}
	if in.Poison && found == 0 {
		v.Lost++
		v.note("record %s has no dead letter", in.Position)
	}
	return letters
}
