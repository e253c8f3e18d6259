package verify

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"ttpworker/internal/kafka"
)

// A Job says what to hold against what.
type Job struct {
	Cluster    *kafka.Cluster
	Group      string       // of the live workers
	Topics     []string     // of the input, one after the other
	Partition  int32        // of them; -1 = all
	From, To   kafka.Moment // the range of each partition; it ends at the group's committed offset or the topic's end at the latest
	Rules      []string     // only tags of these; empty = all
	Plan       Plan
	Codec      Codec
	Parallel   int                      // partitions at the same time; each keeps the tags of its range in memory
	Samples    int                      // differences of each kind that the report shows
	OnProgress func(done, total uint64) // offsets, may be nil; called one at a time
}

// A Report is what was found.
type Report struct {
	Partitions []Partition
	Counts     []Count // by kind, rule and technique
	Samples    []Sample
	Unknown    map[Unknown]int // tags of which nothing can be said: they are no difference
}

// A Partition is what was looked at of one of the input.
type Partition struct {
	Topic    string
	Number   int32
	From, To int64  // the range; empty if To is not above From
	Cut      int64  // the group's committed offset; -1 = there is none, and nothing was looked at
	Plan     string // what that offset says is the plan behind it
	Events   int    // records in the range
	Tags     int    // that the plan gives for them, as far as rules are chosen
}

// A Count is how many differences there are of one kind, rule and technique.
type Count struct {
	Kind Kind
	Label
	Tags int
}

// Differences is how many there are.
func (r *Report) Differences() int {
	n := 0
	for _, c := range r.Counts {
		n += c.Tags
	}
	return n
}

// Events is how many records were held against the plan.
func (r *Report) Events() int { return r.sum(func(p *Partition) int { return p.Events }) }

// Tags is how many tags the plan gives for them.
func (r *Report) Tags() int { return r.sum(func(p *Partition) int { return p.Tags }) }

func (r *Report) sum(of func(*Partition) int) int {
	n := 0
	for i := range r.Partitions {
		n += of(&r.Partitions[i])
	}
	return n
}

// Run does the job. What it does not find is no error.
func (j *Job) Run(ctx context.Context) (Report, error) {
	committed, err := j.Cluster.Positions(ctx, j.Group) // before the ends of the tag topics: see the package
	if err != nil {
		return Report{}, err
	}
	r := &running{Job: j, rules: map[string]bool{}, counts: map[Kind]map[Label]int{}, samples: map[Kind][]Sample{}}
	r.report.Unknown = map[Unknown]int{}
	for _, id := range j.Rules {
		r.rules[id] = true
	}
	for _, topic := range j.Topics {
		parts, err := j.ranges(ctx, topic, committed)
		if err != nil {
			return Report{}, err
		}
		r.report.Partitions = append(r.report.Partitions, parts...)
	}
	if !slices.ContainsFunc(r.report.Partitions, func(p Partition) bool { return p.Cut >= 0 }) {
		return Report{}, fmt.Errorf("group %s has committed no offset of what is to be verified (kafka.group): no worker has tagged it", j.Group)
	}
	for i, topic := range []string{trusted: j.Codec.Outputs.Tags, shadow: j.Codec.Outputs.Shadow} {
		if r.tags[i].spans, err = j.Cluster.Spans(ctx, topic, zeroTime); err != nil {
			return Report{}, err
		}
		r.tags[i].topic = topic
	}
	r.expect()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(j.Parallel, 1))
	for i := range r.report.Partitions {
		p := &r.report.Partitions[i]
		if p.From < p.To {
			g.Go(func() error { return r.partition(ctx, p) })
		}
	}
	if err := g.Wait(); err != nil {
		return Report{}, err
	}
	r.sort()
	return r.report, nil
}

// ranges are the partitions of a topic and what of each is to be looked at.
func (j *Job) ranges(ctx context.Context, topic string, committed map[kafka.Partition]kafka.Position) ([]Partition, error) {
	from, err := j.Cluster.OffsetsAt(ctx, topic, j.From)
	if err != nil {
		return nil, err
	}
	to, err := j.Cluster.OffsetsAt(ctx, topic, j.To)
	if err != nil {
		return nil, err
	}
	ends, err := j.Cluster.Ends(ctx, topic) // a topic that was made anew may end before an offset that the group committed of the old one
	if err != nil {
		return nil, err
	}
	numbers := slices.Sorted(maps.Keys(from))
	if j.Partition >= 0 {
		if !slices.Contains(numbers, j.Partition) {
			return nil, fmt.Errorf("topic %s has no partition %d", topic, j.Partition)
		}
		numbers = []int32{j.Partition}
	}
	parts := make([]Partition, len(numbers))
	for i, n := range numbers {
		p := Partition{Topic: topic, Number: n, Cut: -1}
		if at, ok := committed[kafka.Partition{Topic: topic, Number: n}]; ok {
			p.Cut, p.Plan = at.Offset, at.Metadata
			p.From, p.To = from[n], min(to[n], at.Offset, ends[n])
		}
		parts[i] = p
	}
	return parts, nil
}

// running is a job that runs.
type running struct {
	*Job

	rules map[string]bool
	tags  [2]struct { // by trusted and shadow
		topic string
		spans map[int32]kafka.Span
	}

	mu      sync.Mutex
	report  Report
	counts  map[Kind]map[Label]int
	samples map[Kind][]Sample
	done    uint64
	total   uint64
}

// expect sums up how much is to be read.
func (r *running) expect() {
	for _, p := range r.report.Partitions {
		if p.From >= p.To {
			continue
		}
		r.total += uint64(p.To - p.From) //nolint:gosec // see above
		for _, t := range r.tags {
			r.total += uint64(t.spans[p.Number].To - t.spans[p.Number].From) //nolint:gosec // To is not below From
		}
	}
}

// partition checks one.
func (r *running) partition(ctx context.Context, p *Partition) error {
	span := kafka.Span{From: p.From, To: p.To}
	c := newCheck(p.Topic, p.Number, span, r.Plan, &r.Codec, r.rules)
	err := r.events(ctx, c)
	if err != nil {
		return fmt.Errorf("evaluating %s/%d: %w", p.Topic, p.Number, err)
	}
	starts, err := r.Cluster.Starts(ctx, p.Topic)
	if err != nil {
		return err
	}
	for in, t := range r.tags {
		if err := r.scan(ctx, t.topic, p.Number, t.spans[p.Number], func(rec *kafka.Record) error { return c.tag(ctx, in, rec) }); err != nil {
			return err
		}
	}
	v := c.verdict(starts[p.Number], r.Samples)
	var samples []Sample
	for _, kind := range Kinds() {
		for i := range v.samples[kind] {
			s, err := r.sample(ctx, c, &v.samples[kind][i])
			if err != nil {
				return err
			}
			samples = append(samples, s)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p.Events, p.Tags = c.events, len(c.wants)
	for why, n := range v.unknown {
		r.report.Unknown[why] += n
	}
	for kind, of := range v.counts {
		if r.counts[kind] == nil {
			r.counts[kind] = map[Label]int{}
		}
		for label, n := range of {
			r.counts[kind][label] += n
		}
	}
	for _, s := range samples {
		r.samples[s.Kind] = append(r.samples[s.Kind], s)
	}
	return nil
}

// events has a check take the events of its range.
func (r *running) events(ctx context.Context, c *check) error {
	told := c.span.From
	err := r.Cluster.ScanEvents(ctx, kafka.Partition{Topic: c.topic, Number: c.part}, c.span, func(rec *kafka.Record) error {
		told = r.reached(told, rec.Offset)
		return c.event(ctx, rec)
	}, func(part kafka.Span) error {
		c.passOver(part)
		return nil
	})
	r.progress(c.span.To - told)
	return err
}

// reached tells of the progress to an offset, if it is far enough behind that of which was told; it returns of which was.
func (r *running) reached(told, offset int64) int64 {
	if offset-told < progressStep {
		return told
	}
	r.progress(offset - told)
	return offset
}

// progressStep is how many offsets there are between two calls of OnProgress, about.
const progressStep = 1000

// scan reads one partition of a topic of tags and tells of its progress.
func (r *running) scan(ctx context.Context, topic string, part int32, span kafka.Span, apply func(*kafka.Record) error) error {
	if span.From >= span.To {
		return nil
	}
	told := span.From
	err := r.Cluster.Scan(ctx, topic, map[int32]kafka.Span{part: span}, func(rec *kafka.Record) error {
		told = r.reached(told, rec.Offset)
		return apply(rec)
	})
	r.progress(span.To - told)
	return err
}

func (r *running) progress(offsets int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done += uint64(offsets) //nolint:gosec // offsets grow
	if r.OnProgress != nil {
		r.OnProgress(r.done, r.total)
	}
}

// sort puts counts and samples into the report.
func (r *running) sort() {
	for _, kind := range Kinds() {
		labels := slices.SortedFunc(maps.Keys(r.counts[kind]), func(a, b Label) int {
			return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Technique, b.Technique))
		})
		for _, l := range labels {
			r.report.Counts = append(r.report.Counts, Count{kind, l, r.counts[kind][l]})
		}
		samples := r.samples[kind]
		slices.SortStableFunc(samples, func(a, b Sample) int { // those of a partition are in order
			return cmp.Or(slices.Index(r.Topics, a.Topic)-slices.Index(r.Topics, b.Topic), cmp.Compare(a.Partition, b.Partition))
		})
		r.report.Samples = append(r.report.Samples, samples[:min(len(samples), r.Samples)]...)
	}
}
