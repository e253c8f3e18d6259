package consume

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"ttpworker/internal/kafka"
)

const (
	// lagEvery is how often the partitions are looked at.
	lagEvery = 10 * time.Second
	// lagPatience bounds one look: its questions, and then the reading of oldest records.
	lagPatience = 5 * time.Second
)

// lag tells how far behind this replica's partitions are. It asks the brokers itself, by clients of its own, and takes
// nothing from the sessions but what they were assigned: so the figures grow while a session hangs, fails or is being
// built. They are the group's, whoever has committed last; partitions stay until the next assignment, as those of a
// session that was lost may be nobody's. Safe for concurrent use.
type lag struct {
	cluster *kafka.Cluster
	group   string
	log     *slog.Logger
	desc    lagDescriptions
	failed  prometheus.Counter
	every   time.Duration

	mu      sync.Mutex
	members map[string]map[kafka.Partition]struct{} // what each was assigned last, by its id
	stands  map[kafka.Partition]standing            // as of the last look
	looked  time.Time                               // when that was; zero = never
}

func newLag(cluster *kafka.Cluster, group string, log *slog.Logger, reg prometheus.Registerer) *lag {
	l := &lag{
		cluster: cluster, group: group, log: log, every: lagEvery, desc: newLagDescriptions(),
		failed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ttp_consume_lag_failures_total", Help: "Looks at the partitions' lag that failed.",
		}),
		members: map[string]map[kafka.Partition]struct{}{}, stands: map[kafka.Partition]standing{},
	}
	reg.MustRegister(l.failed, l)
	return l
}

// assigned is told of all partitions that a member owns now.
func (l *lag) assigned(member string, parts map[string][]int32) {
	owned := map[kafka.Partition]struct{}{}
	for topic, numbers := range parts {
		for _, n := range numbers {
			owned[kafka.Partition{Topic: topic, Number: n}] = struct{}{}
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.members[member] = owned
}

// owned returns the partitions of all members. The lock is held.
func (l *lag) owned() map[kafka.Partition]struct{} {
	all := map[kafka.Partition]struct{}{}
	for _, parts := range l.members {
		maps.Copy(all, parts)
	}
	return all
}

// WatchLag keeps the figures of lag up to date until ctx ends. Trouble with Kafka is counted and logged, once until it
// is over, and ends nothing.
func (c *Consumer) WatchLag(ctx context.Context) error { return c.lag.run(ctx) }

func (l *lag) run(ctx context.Context) error {
	cl, err := l.cluster.Client("ttp-lag")
	if err != nil {
		return fatalf("opening the client that watches the lag: %w", err)
	}
	defer kafka.Close(cl.Close)
	adm := kadm.NewClient(cl)
	tick := time.NewTicker(l.every)
	defer tick.Stop()
	troubled := false
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		err := l.look(ctx, adm, time.Now())
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			l.failed.Inc()
			if !troubled {
				l.log.Warn("lag is not known, trying again", "err", err)
			}
		}
		troubled = err != nil
	}
}

// look brings the figures up to date. A partition that a broker would not tell of stays as it was, and is an error.
func (l *lag) look(ctx context.Context, adm *kadm.Client, now time.Time) error {
	l.mu.Lock()
	owned, before := l.owned(), l.stands
	l.mu.Unlock()
	stands := map[kafka.Partition]standing{}
	var faults error
	if len(owned) > 0 {
		all, untold, err := l.ask(ctx, adm, owned)
		if err != nil {
			return err
		}
		toRead := map[kafka.Partition]kafka.Span{}
		for p := range owned {
			prev, known := before[p]
			b, told := all[p]
			switch {
			case told:
				s, read := stand(b, prev, known, now)
				stands[p] = s
				if read {
					toRead[p] = kafka.Span{From: b.position, To: b.stable}
				}
			case known:
				stands[p] = prev
			}
		}
		faults = errors.Join(untold, l.read(ctx, toRead, stands))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stands = stands
	if faults == nil {
		l.looked = now
	}
	return faults
}

// ask returns the bounds of those of owned that the brokers tell of; untold says why not of the others.
func (l *lag) ask(
	ctx context.Context, adm *kadm.Client, owned map[kafka.Partition]struct{},
) (all map[kafka.Partition]bounds, untold, err error) {
	ctx, cancel := context.WithTimeout(ctx, lagPatience)
	defer cancel()
	names := map[string]struct{}{}
	for p := range owned {
		names[p.Topic] = struct{}{}
	}
	topics := slices.Sorted(maps.Keys(names))
	// In this order, so that a position is never behind an end that was asked for before it was reached.
	starts, err := listed(ctx, adm.ListStartOffsets, topics)
	if err != nil {
		return nil, nil, err
	}
	stables, err := listed(ctx, adm.ListCommittedOffsets, topics)
	if err != nil {
		return nil, nil, err
	}
	ends, err := listed(ctx, adm.ListEndOffsets, topics)
	if err != nil {
		return nil, nil, err
	}
	positions, err := adm.FetchOffsets(ctx, l.group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) { // a group that has committed nothing yet
		return nil, nil, fmt.Errorf("asking for the offsets of group %s: %w", l.group, err)
	}
	all = map[kafka.Partition]bounds{}
	for p := range owned {
		start, okStart := starts.Lookup(p.Topic, p.Number)
		stable, okStable := stables.Lookup(p.Topic, p.Number)
		end, okEnd := ends.Lookup(p.Topic, p.Number)
		fault := cmp.Or(start.Err, stable.Err, end.Err)
		switch {
		case fault != nil:
			untold = fmt.Errorf("asking for the offsets of %s/%d: %w", p.Topic, p.Number, fault) // one stands for all
			continue
		case !okStart || !okStable || !okEnd:
			continue // the topic is gone
		}
		b := bounds{position: start.Offset, stable: stable.Offset, end: end.Offset}
		if at, ok := positions.Lookup(p.Topic, p.Number); ok && at.Err == nil {
			b.position = max(b.position, at.At)
		}
		all[p] = b
	}
	return all, untold, nil
}

func listed(
	ctx context.Context, list func(context.Context, ...string) (kadm.ListedOffsets, error), topics []string,
) (kadm.ListedOffsets, error) {
	offsets, err := list(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("asking for the offsets of the input topics: %w", err)
	}
	return offsets, nil
}

// read finds the time of the oldest unread record of each partition in spans and notes it in stands.
func (l *lag) read(ctx context.Context, spans map[kafka.Partition]kafka.Span, stands map[kafka.Partition]standing) error {
	if len(spans) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lagPatience)
	defer cancel()
	times, err := l.cluster.FirstTimes(ctx, spans)
	if err != nil {
		return fmt.Errorf("reading the oldest unread records: %w", err)
	}
	for p, at := range times {
		s := stands[p]
		s.unread, s.read = at, true
		stands[p] = s
	}
	return nil
}
