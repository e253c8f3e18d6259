package retag

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
)

// A Run does a job, or the part of it that this process gets. Make it with NewRun and call Do once.
type Run struct {
	*Evaluator

	job       *Job
	cluster   *kafka.Cluster
	liveGroup string
	limits    map[string]int
	memory    *budget
	dir       string
	progress  func(offsets int64)
	log       *slog.Logger
	labels    *labels
	over      chan struct{} // closed when the whole job is done

	mu     sync.Mutex
	units  map[kafka.Partition]*running
	report Report
	seen   int64                   // offsets that a dry run has read
	older  map[kafka.Partition]int // tags of events that are gone

	orphans map[kafka.Partition]time.Time // watch's own: since when nobody has finished a partition that is through
}

// Settings are those of a process.
type Settings struct {
	LiveGroup string              // of the live workers
	Limits    map[string]int      // max.message.bytes of the topics of tags
	Memory    int64               // that indexes may take, in bytes; what is more goes to files
	Dir       string              // of those; "" = the system's for temporary files
	Progress  func(offsets int64) // of the job that are done so far, by this process or others; may be nil
}

// A running is a unit and whether it can be worked with.
type running struct {
	*unit

	stop  context.CancelFunc
	ready chan struct{}
	err   error // why it never will be; set before ready is closed

	mu     sync.Mutex // whoever works with the unit has it
	closed bool

	through bool // its range is done, and that is committed; Run.mu guards it
}

// end ends the work on a unit.
func (u *running) end() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return nil
	}
	u.closed = true
	u.stop()
	<-u.ready
	return u.close()
}

// usable is nil if the unit, which is ready, can be worked with; whoever asks has it.
func (u *running) usable() error {
	if u.closed { // the partition was taken away meanwhile, so that the transaction will be aborted
		return &consume.HoldError{Topic: u.at.Topic, Partition: u.at.Number, Until: ready, Usual: true, Err: errReading}
	}
	return u.err
}

// NewRun makes a run of a job.
func NewRun(e *Evaluator, job *Job, cluster *kafka.Cluster, s Settings, log *slog.Logger) *Run {
	return &Run{
		Evaluator: e, job: job, cluster: cluster, liveGroup: s.LiveGroup, limits: s.Limits, memory: &budget{most: s.Memory}, dir: s.Dir,
		progress: s.Progress, log: log, labels: newLabels(), over: make(chan struct{}), units: map[kafka.Partition]*running{},
		older: map[kafka.Partition]int{}, orphans: map[kafka.Partition]time.Time{},
	}
}

// Do takes part in the job, which has begun, until it is done, and reports what this process has done of it. The report is good when there is an
// error, too. Done again after an error, or elsewhere, the job goes on.
func (r *Run) Do(ctx context.Context, cfg kafka.Config) (Report, error) {
	cfg.Group, cfg.Replica, cfg.Delivery, cfg.Leave = r.job.Group(), "", kafka.ExactlyOnce, false
	cfg.TransactionTimeout = min(cfg.TransactionTimeout, transactionTimeout)
	cfg.RebalanceTimeout = min(cfg.RebalanceTimeout, rebalanceTimeout)
	members := consume.New(r.cluster, cfg, r.job.topics(), r.limits, r, func(bool) {}, r.log, prometheus.NewRegistry())
	work, cancel := context.WithCancel(ctx)
	defer cancel()
	g, gctx := errgroup.WithContext(work)
	g.Go(func() error { return members.Run(gctx) })
	g.Go(func() error {
		defer cancel()
		return r.watch(gctx)
	})
	err := g.Wait()
	r.Released(nil)
	select {
	case <-r.over:
		r.job.forget(context.WithoutCancel(ctx), r.cluster, r.log)
		return r.result(), nil
	default:
		return r.result(), cmp.Or(err, ctx.Err()) // the last is watch's doing, too
	}
}

// transactionTimeout is how long a process that was killed keeps others from going on with its partitions.
const transactionTimeout = 10 * time.Second

// rebalanceTimeout is how long one that was killed while it joined keeps all others from joining. A batch takes about a second,
// and who is late all the same does it again.
const rebalanceTimeout = 15 * time.Second

// ready is closed: batches may always begin.
var ready = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// Ready implements consume.Handler.
func (r *Run) Ready() <-chan struct{} { return ready }

// Metadata implements consume.Handler: nothing is committed but what batches say.
func (r *Run) Metadata() string { return "" }

// Begin implements consume.Handler.
func (r *Run) Begin() consume.Batch { return &batch{run: r, done: map[kafka.Partition]*partDone{}} }

// Released implements consume.Accountant: somebody else may work on the partitions, so what is known of their tags gets old. Nil
// stands for all.
func (r *Run) Released(parts map[string][]int32) {
	r.mu.Lock()
	gone := map[kafka.Partition]*running{}
	for topic, numbers := range parts {
		for _, n := range numbers {
			at := kafka.Partition{Topic: topic, Number: n}
			if u := r.units[at]; u != nil {
				gone[at] = u
			}
		}
	}
	if parts == nil {
		maps.Copy(gone, r.units)
	}
	for at := range gone {
		delete(r.units, at)
	}
	r.mu.Unlock()
	for at, u := range gone {
		if err := u.end(); err != nil {
			r.log.Warn("giving an index up", "topic", at.Topic, "partition", at.Number, "err", err)
		}
	}
}

// unit is the work on a partition, which begins with the first call.
func (r *Run) unit(at kafka.Partition) *running {
	r.mu.Lock()
	defer r.mu.Unlock()
	if u := r.units[at]; u != nil {
		return u
	}
	ctx, stop := context.WithCancel(context.Background()) // ends with Released
	u := &running{unit: newUnit(r.Evaluator, at, r.job.Parts[at].Span, r.job.ID, r.labels), ready: make(chan struct{}), stop: stop}
	u.added = newIndex(r.memory, r.dir, func(tags int) {
		r.log.Warn("index of added tags goes to disk", "topic", at.Topic, "partition", at.Number, "tags", tags)
	})
	u.reread = func(ctx context.Context, offset int64) (*kafka.Record, error) {
		return r.cluster.ReadAt(ctx, at, offset)
	}
	r.units[at] = u
	go func() { // Released awaits it
		defer close(u.ready)
		u.err = r.prepare(ctx, u)
	}()
	return u
}

// prepare reads the tags of a partition.
func (r *Run) prepare(ctx context.Context, u *running) error {
	start := time.Now()
	for s := range sides {
		topic := u.topic(s)
		span, err := r.whole(ctx, topic, u.at.Number)
		if err != nil {
			return err
		}
		x := newIndex(r.memory, r.dir, func(tags int) {
			r.log.Warn("index of tags goes to disk", "topic", topic, "partition", u.at.Number, "tags", tags)
		})
		if err := u.fill(ctx, s, x, span, r.read); err != nil {
			return err
		}
	}
	if err := r.countOlder(ctx, u); err != nil {
		return err
	}
	r.log.Info("tags read", "topic", u.at.Topic, "partition", u.at.Number, "tags", u.index[trusted].len(), "shadow_tags", u.index[shadow].len(),
		"bytes", u.index[trusted].bytes()+u.index[shadow].bytes(), "took_ms", time.Since(start).Milliseconds())
	return nil
}

// whole is what a partition of a topic holds now.
func (r *Run) whole(ctx context.Context, topic string, partition int32) (span kafka.Span, err error) {
	ends, err := r.cluster.Ends(ctx, topic)
	if err != nil {
		return span, err
	}
	starts, err := r.cluster.Starts(ctx, topic)
	return kafka.Span{From: starts[partition], To: ends[partition]}, err
}

// countOlder counts the tags whose events retention has taken.
func (r *Run) countOlder(ctx context.Context, u *running) error {
	starts, err := r.cluster.Starts(ctx, u.at.Topic)
	if err != nil {
		return err
	}
	sum := 0
	for _, x := range u.index {
		n, err := x.before(starts[u.at.Number])
		if err != nil {
			return err
		}
		sum += n
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.older[u.at] = sum
	return nil
}

// result is the report of this process.
func (r *Run) result() Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.report
	for _, n := range r.older {
		out.Gone += n
	}
	return out
}

// through reports whether there is nothing left of a partition that this process has to commit.
func (r *Run) through(at kafka.Partition) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	u := r.units[at]
	return u == nil || u.through
}

// read is a reader. Events that live workers have passed over are passed over.
func (r *Run) read(ctx context.Context, topic string, partition int32, span kafka.Span, apply func(*kafka.Record) error) error {
	if span.From >= span.To {
		return nil
	}
	at := kafka.Partition{Topic: topic, Number: partition}
	if _, events := r.job.Parts[at]; events {
		return r.cluster.ScanEvents(ctx, at, span, apply, nil)
	}
	return r.cluster.Scan(ctx, topic, map[int32]kafka.Span{partition: span}, apply)
}

// A batch is what one transaction does of a job.
type batch struct {
	run *Run

	mu   sync.Mutex
	done map[kafka.Partition]*partDone
}

// partDone is what a batch has done of a partition.
type partDone struct {
	unit   *running
	report Report
	next   int64
}

var errReading = errors.New("the tags that are there are being read")

// Outputs implements consume.Batch. A partition waits until its tags are read, and when its range is done until the job is:
// once that is committed, as a wait aborts the transaction, and what it had done of the range would not come again before.
func (b *batch) Outputs(ctx context.Context, dst, recs []kafka.Record) ([]kafka.Record, error) {
	at := kafka.Partition{Topic: recs[0].Topic, Number: recs[0].Partition}
	part, ours := b.run.job.Parts[at]
	if !ours || recs[0].Offset >= part.Span.To && b.run.through(at) {
		return dst, &consume.HoldError{Topic: at.Topic, Partition: at.Number, Until: b.run.over, Usual: true, Err: errors.New("its range is done")}
	}
	u := b.run.unit(at)
	select {
	case <-u.ready:
	default:
		return dst, &consume.HoldError{Topic: at.Topic, Partition: at.Number, Until: u.ready, Usual: true, Err: errReading}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := u.usable(); err != nil {
		return dst, err
	}
	d := b.part(at, u)
	for i := range recs {
		if err := ctx.Err(); err != nil {
			return dst, err
		}
		var err error
		if dst, err = u.take(ctx, dst, &recs[i], &d.report); err != nil {
			return dst, err
		}
	}
	d.next = recs[len(recs)-1].Offset + 1
	return dst, nil
}

// part is what the batch has done of a partition.
func (b *batch) part(at kafka.Partition, u *running) *partDone {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.done[at]
	if d == nil {
		d = &partDone{unit: u}
		b.done[at] = d
	}
	return d
}

// Check implements consume.Batch.
func (b *batch) Check() error { return nil }

// Metadata implements consume.Batch: Position says it.
func (b *batch) Metadata() string { return "" }

// Position implements consume.Positioner. Nothing is committed of a partition that the job does not have.
func (b *batch) Position(topic string, partition int32, next int64) (int64, string) {
	at := kafka.Partition{Topic: topic, Number: partition}
	part, ours := b.run.job.Parts[at]
	if !ours {
		return -1, ""
	}
	b.run.mu.Lock()
	u := b.run.units[at]
	b.run.mu.Unlock()
	if u != nil && next < part.Span.To {
		u.mu.Lock()
		defer u.mu.Unlock()
		next = u.low(next)
	}
	return next, b.run.job.metadata(at)
}

// End implements consume.Batch.
func (b *batch) End(committed bool) {
	if !committed {
		return
	}
	b.run.mu.Lock()
	defer b.run.mu.Unlock()
	for _, d := range b.done {
		d.unit.passed(d.next)
		d.unit.through = d.next >= d.unit.span.To
		b.run.report.add(&d.report)
	}
}
