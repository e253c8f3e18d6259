package deadletter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"ttpworker/internal/kafka"
	"ttpworker/internal/wire"
)

// A transaction of a replay holds at the most chunkLetters letters, or the one that makes it chunkBytes.
const (
	chunkLetters = 500
	chunkBytes   = 4 << 20
)

// A Replay says which letters to bring back, and how.
type Replay struct {
	Filter Filter
	Limit  int    // how many at the most; 0 = all
	Again  bool   // those that were replayed before, too
	Force  bool   // those that Check would make dead letters again, too
	By     string // who does it
	Inputs map[string]kafka.Topic
	// Check says what is wrong with a record now; nil = nothing.
	Check func(*kafka.Record) error
	// Write writes in one transaction, see kafka.Transactor; nil = a dry run.
	Write func(context.Context, []kafka.Record) error
	// Progress is told how many letters were looked at since it was last told; nil = nobody is.
	Progress func(n int)
}

// A Report is what a replay has done, or a dry run would do.
type Report struct {
	Groups   []Group // replayed letters by class and topic, sorted
	Replayed int
	Before   int // wanted, but replayed before
	Retimed  int // of Replayed: from so far in the future that brokers would refuse them; they have the present time
	Old      int // of Replayed: older than their topic's retention, so that they may be deleted unread
	Stuck    []Stuck
}

// A Group is letters of one class and source topic.
type Group struct {
	Class   wire.Class
	Topic   string
	Letters int
}

// Stuck is letters that cannot be replayed, all for one reason.
type Stuck struct {
	Reason  string
	Letters int
	Example Position // source of the first of them
	Detail  string   // about that one; "" = the reason says all
}

// Replay brings letters back to the topic and partition they came from, those of a partition in order. The report
// is good when there is an error, too.
func (b *Box) Replay(ctx context.Context, r Replay) (Report, error) {
	run := &replaying{Replay: r, box: b, now: time.Now(), groups: map[Group]int{}}
	spans, replayed, err := b.open(ctx, &r.Filter)
	if err != nil {
		return Report{}, err
	}
	err = b.each(ctx, spans, replayed, &r.Filter, func(l *Letter) error { return run.letter(ctx, l) })
	if err == nil || errors.Is(err, errEnough) {
		err = run.flush(ctx)
	}
	return run.result(), err
}

// errEnough ends a scan early.
var errEnough = errors.New("the limit is reached")

// A replaying is a replay that runs.
type replaying struct {
	Replay
	box    *Box
	now    time.Time
	report Report
	groups map[Group]int
	taken  int // letters that were given to a chunk
	chunk  []Letter
	size   int // bytes
}

// letter sorts out what becomes of a letter.
func (r *replaying) letter(ctx context.Context, l *Letter) error {
	if r.Progress != nil {
		r.Progress(1)
	}
	if l.Replayed && !r.Again {
		r.report.Before++
		return nil
	}
	if reason, detail := r.obstacle(l); reason != "" {
		r.stuck(l, reason, detail)
		return nil
	}
	r.chunk = append(r.chunk, *l)
	r.size += len(l.Key) + len(l.Value)
	r.taken++
	if r.Limit > 0 && r.taken >= r.Limit {
		return errEnough
	}
	if len(r.chunk) >= chunkLetters || r.size >= chunkBytes {
		return r.flush(ctx)
	}
	return nil
}

// obstacle says why a letter cannot be replayed; "" if it can.
func (r *replaying) obstacle(l *Letter) (reason, detail string) {
	topic, known := r.Inputs[l.Source.Topic]
	switch {
	case l.Unreadable():
		return "stands for records that could not be unpacked and holds none of them", l.Error
	case l.CutFrom != "":
		return "holds only a part of the record, which was too large", l.CutFrom
	case l.SourceTime.IsZero():
		return "does not say when the record was written", ""
	case !known:
		return "comes from a topic that is not among the input topics, or not there any more", ""
	case l.Source.Partition >= topic.Partitions:
		return "comes from a partition that is not there any more", ""
	case r.Force || r.Check == nil:
		return "", ""
	}
	rec, _ := l.record(r.now)
	if err := r.Check(&rec); err != nil {
		return "would be a dead letter again, by the configuration here (--force replays it all the same)", err.Error()
	}
	return "", ""
}

func (r *replaying) stuck(l *Letter, reason, detail string) {
	for i := range r.report.Stuck {
		if r.report.Stuck[i].Reason == reason {
			r.report.Stuck[i].Letters++
			return
		}
	}
	r.report.Stuck = append(r.report.Stuck, Stuck{Reason: reason, Letters: 1, Example: l.Source, Detail: detail})
}

// flush replays what has come together.
func (r *replaying) flush(ctx context.Context) error {
	chunk := r.chunk
	r.chunk, r.size = nil, 0
	return r.write(ctx, chunk)
}

// write replays letters in one transaction. If a topic refuses one of them, it is searched for in halves, and the rest
// goes on.
func (r *replaying) write(ctx context.Context, letters []Letter) error {
	if len(letters) == 0 {
		return nil
	}
	if r.Write != nil {
		err := r.Write(ctx, r.records(letters))
		switch half := len(letters) / 2; {
		case errors.Is(err, kafka.ErrRefused) && half > 0:
			if err := r.write(ctx, letters[:half]); err != nil {
				return err
			}
			return r.write(ctx, letters[half:])
		case errors.Is(err, kafka.ErrRefused):
			r.stuck(&letters[0], "is refused by its topic", err.Error())
			return nil
		case err != nil:
			return fmt.Errorf("replaying %s and %d more: %w", letters[0].Source, len(letters)-1, err)
		}
	}
	for i := range letters {
		r.count(&letters[i])
	}
	return nil
}

// records are those of letters, and the marks about them.
func (r *replaying) records(letters []Letter) []kafka.Record {
	recs := make([]kafka.Record, 0, len(letters)+1)
	done := marks{}
	for i := range letters {
		l := &letters[i]
		rec, _ := l.record(r.now)
		recs = append(recs, rec)
		done.of(l.At.Partition).add(l.At.Offset, l.At.Offset+1)
	}
	return append(recs, done.records(r.box.Topic, r.By)...)
}

func (r *replaying) count(l *Letter) {
	r.report.Replayed++
	r.groups[Group{Class: l.Class, Topic: l.Source.Topic}]++
	if _, retimed := l.record(r.now); retimed {
		r.report.Retimed++
	}
	if keep := r.Inputs[l.Source.Topic].Retention; keep > 0 && r.now.Sub(l.SourceTime) > keep {
		r.report.Old++
	}
}

// result is the report with its groups in order.
func (r *replaying) result() Report {
	byName := func(a, b Group) int { return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Class, b.Class)) }
	for _, g := range slices.SortedFunc(maps.Keys(r.groups), byName) {
		r.report.Groups = append(r.report.Groups, Group{g.Class, g.Topic, r.groups[g]})
	}
	return r.report
}
