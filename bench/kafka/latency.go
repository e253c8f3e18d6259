package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/app"
	"ttpworker/internal/wire"
)

// latency measures how long it takes from the append of a record until a reader of committed records has its tag, at a
// steady rate and with 60 rules, and prints it.
func (b *bench) latency(ctx context.Context, out io.Writer) error {
	k := kind{name: "latency", rules: 60, replicas: 1, sessions: 1}
	procs, err := b.start(ctx, k, "bench-latency", pacing)
	if err != nil {
		return err
	}
	took, err := b.pace(ctx)
	for _, p := range procs {
		if endErr := p.end(); err == nil {
			err = endErr
		}
	}
	if err != nil {
		return err
	}
	slices.Sort(took)
	at := func(q float64) time.Duration { return took[int(q*float64(len(took)-1))].Round(time.Millisecond) }
	_, err = fmt.Fprintf(out, "\nfrom append to a reader of the committed tag, %d records/s, commit_interval 100ms, n = %d: p50 %s, p99 %s, most %s\n",
		b.rate, len(took), at(0.5), at(0.99), at(1))
	return err
}

// warmUp is how long the worker may take to start; what is appended meanwhile is not counted.
const warmUp = 10 * time.Second

// pace appends records at a steady rate and reads their tags.
func (b *bench) pace(ctx context.Context) ([]time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, warmUp+b.paced)
	defer cancel()
	counted := time.Now().Add(warmUp)
	writer, err := b.client(kgo.ProducerLinger(0))
	if err != nil {
		return nil, err
	}
	defer writer.Close()
	go func() { // ends with ctx; the writer is closed after that
		tick := time.NewTicker(time.Second / 100)
		defer tick.Stop()
		for i := 0; ; {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			for range b.rate / 100 {
				r := &kgo.Record{Topic: pacing, Partition: int32(i % partitions), Key: key(i), Value: b.values[i%len(b.values)]}
				writer.Produce(ctx, r, nil)
				i++
			}
		}
	}()
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		return nil, err
	}
	reader, err := b.client(kgo.ConsumeTopics(app.DefaultConfig().Topics.Tags.Name), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeStartOffset(kgo.NewOffset().AtEnd()))
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	var took []time.Duration
	for ctx.Err() == nil {
		fetches := reader.PollFetches(ctx)
		now := time.Now()
		for _, r := range fetches.Records() {
			tag, _, err := dec.Tag(r.Value)
			if err != nil {
				return nil, err
			}
			if tag.EventTime.After(counted) {
				took = append(took, now.Sub(tag.EventTime))
			}
		}
	}
	if len(took) == 0 {
		return nil, fmt.Errorf("no tag within %s", warmUp+b.paced)
	}
	return took, nil
}
