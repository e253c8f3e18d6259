package retag

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"github.com/google/uuid"

	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/produce"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

// HeaderJob is the header of what a job has written: its id.
const HeaderJob = "ttp-retag"

// A side is one of the two topics that tags are in.
type side uint8

const (
	trusted side = iota
	shadow
	sides
)

func (s side) other() side { return 1 - s }

// sideOf is where a tag goes.
func sideOf(t *tagger.Tag) side {
	if t.RuleState == tagger.Shadow {
		return shadow
	}
	return trusted
}

// An Evaluator says what events yield under one plan. It is safe for concurrent use if its functions are.
type Evaluator struct {
	Plan    *pipeline.Plan
	Outputs produce.Outputs
	// Event reads an event. A *wire.Error says that there is none in the record, wire.SkipError that there is to be none;
	// any other error ends the job.
	Event func(ctx context.Context, rec *kafka.Record) (tagger.TaggerEvent, error)
	// Tag reads the value of a tag. A *wire.Error says that it is none; any other error ends the job.
	Tag func(ctx context.Context, value []byte) (tagger.Tag, error)
	// Rules are the ids of those whose tags are looked at, sorted; nil = all.
	Rules []string
}

// topic is the name of a side.
func (e *Evaluator) topic(s side) string {
	if s == shadow {
		return e.Outputs.Shadow
	}
	return e.Outputs.Tags
}

func (e *Evaluator) wants(ruleID string) bool {
	if e.Rules == nil {
		return true
	}
	_, is := slices.BinarySearch(e.Rules, ruleID)
	return is
}

// tags appends what a record yields. known is false if that cannot be told: it is no event, or a tagger has failed, or one of
// the tags is too large for its topic, so that a worker makes a dead letter of the event: it has all its tags or none.
func (e *Evaluator) tags(ctx context.Context, dst []tagger.Tag, rec *kafka.Record) (tags []tagger.Tag, known bool, err error) {
	ev, err := e.Event(ctx, rec)
	if _, skip := errors.AsType[wire.SkipError](err); skip {
		return dst, true, nil
	}
	if _, malformed := errors.AsType[*wire.Error](err); malformed {
		return dst, false, nil
	}
	if err != nil {
		return dst, false, fmt.Errorf("reading event %s: %w", consume.Source(rec), err)
	}
	n := len(dst)
	if dst, known, err = e.Plan.AppendWhole(dst, &ev); err != nil || !known {
		return dst[:n], false, err
	}
	for i := n; i < len(dst); i++ {
		if !e.fits(&dst[i], rec) {
			return dst[:n], false, nil
		}
	}
	if e.Rules == nil {
		return dst, true, nil
	}
	kept := dst[:n]
	for i := n; i < len(dst); i++ {
		if e.wants(dst[i].RuleID) {
			kept = append(kept, dst[i])
		}
	}
	return kept, true, nil
}

// What a tag's record takes at the most: a byte of text is escaped as six in JSON, and the rest has a bound.
const (
	escapedByte = 6
	tagFrame    = 4 << 10
)

// fits reports whether the tag of an event is no larger than its topic takes. Only one that is large by its texts is encoded to tell.
func (e *Evaluator) fits(t *tagger.Tag, from *kafka.Record) bool {
	texts := len(t.SourceKind) + len(t.SourceID) + len(t.AttackerUUID) + len(t.IdentityUUID) + len(t.SessionID) + len(t.DeckyID) + len(t.Evidence)
	if e.Outputs.MaxBytes == 0 || escapedByte*texts+tagFrame <= e.Outputs.MaxBytes {
		return true
	}
	_, err := e.Outputs.TagRecord(t, e.source(from.Partition, consume.Source(from)), epoch)
	_, tooLarge := errors.AsType[*wire.Error](err)
	return !tooLarge
}

// epoch stands for tagged_at where tags are compared.
var epoch = time.Unix(0, 0)

// seed is that of digests, which live no longer than the process.
var seed = maphash.MakeSeed()

// digest is of a tag's value without tagged_at.
func (e *Evaluator) digest(buf []byte, t *tagger.Tag) ([]byte, uint64, error) {
	buf, err := e.Outputs.Encoder.Tag(buf[:0], t, epoch)
	if err != nil {
		return buf, 0, fmt.Errorf("encoding tag %s: %w", t.ID, err)
	}
	return buf, maphash.Bytes(seed, buf), nil
}

// record is the record of a tag of an event, as a job writes it.
func (e *Evaluator) record(t *tagger.Tag, from *kafka.Record, job string, now time.Time) (kafka.Record, error) {
	r, err := e.Outputs.TagRecord(t, e.source(from.Partition, consume.Source(from)), now)
	if err != nil {
		return r, fmt.Errorf("tag of event %s: %w", consume.Source(from), err)
	}
	return mark(r, job), nil
}

// tombstone is the record that takes a tag away from a side.
func (e *Evaluator) tombstone(s side, id uuid.UUID, partition int32, position, job string) kafka.Record {
	return mark(e.Outputs.TagTombstone(e.topic(s), id, e.source(partition, position)), job)
}

func (e *Evaluator) source(partition int32, position string) produce.Source {
	return produce.Source{Partition: partition, Position: position, Plan: e.Plan.Digest}
}

// mark says which job has written a record; "" = none.
func mark(r kafka.Record, job string) kafka.Record {
	if job != "" {
		r.Headers = append(r.Headers, kafka.Header{Key: HeaderJob, Value: []byte(job)})
	}
	return r
}
