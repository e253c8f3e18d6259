package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/chaos/fleet"
	"ttpworker/chaos/oracle"
	"ttpworker/chaos/traffic"
)

const (
	// look is the pause between two looks at something that is waited for.
	look = 20 * time.Millisecond
	// warmUp is how long everything runs before the first fault.
	warmUp = 5 * time.Second
	// stuckAfter is how long after a fault tags must flow again.
	stuckAfter = 60 * time.Second
	// fresh is how old the newest tag of every partition is at the most when a fault has been overcome.
	fresh = time.Second
)

// A run is one run of the suite.
type run struct {
	cfg    config
	out    io.Writer
	start  time.Time
	ground *ground
	client *kgo.Client // past the proxy
	codec  *oracle.Codec
	writer *traffic.Writer
	live   *traffic.Reader
	pulses *traffic.Pulses // of the tags, as they can be read
	editor *editor

	incidents   []incident
	stops       []time.Duration // of workers, in good order
	first, last []fleet.Figures
}

// An incident is a fault that was inflicted, and what came of it.
type incident struct {
	Fault
	began, over, recovered time.Time
	gap, silence           time.Duration // longest pause of the tags of any partition, and of all together
	input                  time.Duration // longest pause of the acknowledgements of events of any partition
	err                    error
}

func newRun(cfg config, out io.Writer) *run {
	if cfg.seed == 0 {
		cfg.seed = rand.Uint64N(1_000_000) + 1 //nolint:gosec // no secret
	}
	return &run{cfg: cfg, out: out, start: time.Now()}
}

// say prints a line with the time since the start.
func (r *run) say(format string, args ...any) {
	fmt.Fprintf(r.out, "%6.1fs  %s\n", time.Since(r.start).Seconds(), fmt.Sprintf(format, args...))
}

// do does everything and prints the table.
func (r *run) do(ctx context.Context, dir string) (err error) {
	r.say("seed %d, %s, %d events/s; logs and data in %s", r.cfg.seed, r.cfg.duration, r.cfg.rate, dir)
	if r.ground, err = prepare(ctx, r.cfg, dir); err != nil {
		return err
	}
	defer r.ground.close()
	if r.client, err = kgo.NewClient(kgo.SeedBrokers(r.ground.direct...), kgo.ClientID("chaos")); err != nil {
		return err
	}
	defer r.client.Close()
	if err := r.tools(); err != nil {
		return err
	}
	r.say("three brokers run")
	if err := r.play(ctx); err != nil {
		return err
	}
	f, err := r.judge(ctx)
	if err != nil {
		return err
	}
	r.report(f)
	return f.fault()
}

// tools makes what writes, reads and edits.
func (r *run) tools() (err error) {
	if r.codec, err = oracle.NewCodec(); err != nil {
		return err
	}
	g, err := traffic.NewGenerator(r.cfg.seed, r.ground.book.fixed)
	if err != nil {
		return err
	}
	if r.writer, err = traffic.NewWriter(r.ground.direct, r.ground.topics.Events, partitions, r.cfg.rate, g); err != nil {
		return err
	}
	r.live, r.pulses = traffic.NewReader(r.ground.topics, r.codec), traffic.NewPulses(partitions)
	r.editor = &editor{book: r.ground.book, command: []string{r.cfg.worker}, env: r.ground.env}
	return nil
}

// A crew is goroutines that work until they are told to stop.
type crew struct {
	cancel context.CancelFunc
	wg     sync.WaitGroup
	mu     sync.Mutex
	err    error
}

func hire(ctx context.Context, jobs ...func(context.Context) error) *crew {
	c := &crew{}
	ctx, c.cancel = context.WithCancel(ctx)
	for _, job := range jobs {
		c.wg.Go(func() {
			if err := job(ctx); err != nil {
				c.mu.Lock()
				defer c.mu.Unlock()
				c.err = errors.Join(c.err, err)
			}
		})
	}
	return c
}

// stop ends the work and returns what went wrong.
func (c *crew) stop() error {
	c.cancel()
	c.wg.Wait()
	return c.err
}

// play runs the workers under load, inflicts the faults, and ends when everything is tagged and the workers have ended.
func (r *run) play(ctx context.Context) error {
	watch := hire(ctx, func(ctx context.Context) error { return r.live.Watch(ctx, r.ground.direct, r.pulses) })
	defer func() { _ = watch.stop() }()
	var probes []func(context.Context) error
	for _, w := range r.ground.workers {
		if err := w.Start(); err != nil {
			return err
		}
		probes = append(probes, w.Run)
	}
	probing := hire(ctx, probes...)
	defer func() { _ = probing.stop() }()
	for _, w := range r.ground.workers {
		if err := ready(ctx, w); err != nil {
			return err
		}
	}
	write := hire(ctx, r.writer.Run)
	defer func() { _ = write.stop() }()
	edits := hire(ctx,
		func(ctx context.Context) error { return r.editor.edit(ctx, r.cfg.seed) },
		func(ctx context.Context) error { return r.editor.order(ctx, r.cfg.seed) })
	defer func() { _ = edits.stop() }()
	r.say("three workers run, events come, rules are edited")
	sleep(ctx, warmUp)
	if _, err := r.recovery(ctx, time.Now()); err != nil {
		return fmt.Errorf("before the first fault: %w", err)
	}
	r.first = r.figures()
	faultsErr := r.faults(ctx)
	r.say("no more faults")
	sleep(ctx, 2*time.Second)
	if err := errors.Join(faultsErr, edits.stop(), write.stop()); err != nil {
		return err
	}
	if err := r.drain(ctx); err != nil {
		return err
	}
	r.last = r.figures()
	for _, w := range r.ground.workers {
		took, err := w.Stop()
		if err != nil {
			return err
		}
		r.stops = append(r.stops, took)
	}
	if err := r.quiet(ctx); err != nil {
		return err
	}
	sleep(ctx, 2*time.Second) // for the reader to come to the end
	return watch.stop()
}

func (r *run) figures() []fleet.Figures {
	all := make([]fleet.Figures, len(r.ground.workers))
	for i, w := range r.ground.workers {
		all[i] = w.Figures()
	}
	return all
}

// faults inflicts faults until the time is over and each kind has come. It stops at one that is not overcome.
func (r *run) faults(ctx context.Context) error {
	start, n := time.Now(), 0
	for f := range schedule(r.cfg.seed, r.cfg.kinds) {
		if n >= len(r.cfg.kinds) && time.Since(start) >= r.cfg.duration {
			return nil
		}
		n++
		if !sleep(ctx, f.Pause) {
			return ctx.Err()
		}
		i := incident{Fault: f, began: time.Now()}
		if err := r.inflict(ctx, f); err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
		i.over = time.Now()
		i.recovered, i.err = r.recovery(ctx, i.over)
		i.gap, i.silence = r.pulses.Longest(i.began, i.recovered)
		i.input, _ = r.writer.Pulses().Longest(i.began, i.recovered)
		r.incidents = append(r.incidents, i)
		r.say("%s: gap %s, recovered after %s", f, ms(i.gap), ms(i.recovered.Sub(i.over)))
		if i.err != nil {
			for _, w := range r.ground.workers {
				w.Dump()
			}
			return fmt.Errorf("%s: %w", f, i.err)
		}
	}
	return nil
}

func ms(d time.Duration) time.Duration { return d.Round(10 * time.Millisecond) }

// recovery waits until every partition has a tag of an event that was written after a time, and is not behind. It
// returns when that was.
func (r *run) recovery(ctx context.Context, after time.Time) (time.Time, error) {
	for deadline := after.Add(stuckAfter); ; {
		now := time.Now()
		if oldest := r.pulses.Oldest(); oldest.After(after) && now.Sub(oldest) < fresh {
			return now, nil
		}
		if now.After(deadline) {
			return now, fmt.Errorf("tags do not flow in all partitions after %s", stuckAfter)
		}
		if !sleep(ctx, look) {
			return now, ctx.Err()
		}
	}
}

// drain waits until the group has committed the end of the input.
func (r *run) drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stuckAfter)
	defer cancel()
	for {
		behind, err := r.lag(ctx)
		if err == nil && behind == "" {
			return nil
		}
		if !sleep(ctx, 5*look) {
			return fmt.Errorf("waiting for the last commit, %s after the last event: %w", stuckAfter, errors.Join(err, errors.New(behind)))
		}
	}
}

// lag says which partitions of the input are not committed to their end; "" = none.
func (r *run) lag(ctx context.Context) (string, error) {
	ends, err := r.ground.admin.ListEndOffsets(ctx, r.ground.topics.Events)
	if err != nil {
		return "", err
	}
	offsets, err := r.ground.admin.FetchOffsets(ctx, group)
	if err != nil {
		return "", err
	}
	var behind []string
	ends.Each(func(end kadm.ListedOffset) {
		o, ok := offsets.Lookup(end.Topic, end.Partition)
		if end.Err != nil || !ok || o.Err != nil || o.At != end.Offset {
			behind = append(behind, fmt.Sprintf("partition %d is at %d of %d", end.Partition, o.At, end.Offset))
		}
	})
	slices.Sort(behind)
	return strings.Join(behind, ", "), nil
}

// quiet waits until no transaction is open any more: a killed worker's may take its timeout to be aborted.
func (r *run) quiet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stuckAfter)
	defer cancel()
	topics := []string{r.ground.topics.Tags, r.ground.topics.Shadow, r.ground.topics.Letters}
	for {
		ends, err := r.ground.admin.ListEndOffsets(ctx, topics...)
		stable, stableErr := r.ground.admin.ListCommittedOffsets(ctx, topics...)
		open := 0
		ends.Each(func(end kadm.ListedOffset) {
			if o, ok := stable.Lookup(end.Topic, end.Partition); !ok || o.Offset != end.Offset {
				open++
			}
		})
		if err = errors.Join(err, stableErr); err == nil && open == 0 {
			return nil
		}
		if !sleep(ctx, 5*look) {
			return fmt.Errorf("waiting for transactions to end, %d partitions have open ones: %w", open, err)
		}
	}
}
