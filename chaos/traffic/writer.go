package traffic

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/chaos/oracle"
)

// linger is how long the writer collects events for a partition, as a producer of telemetry does. A request for each of
// them would keep the brokers, on a small machine, too busy to measure anything else.
const linger = 25 * time.Millisecond

// A Writer writes events at a steady rate and knows what it wrote.
type Writer struct {
	client    *kgo.Client
	generator *Generator
	topic     string
	rate      int
	pulses    *Pulses // one per partition: acknowledgements

	mu      sync.Mutex
	written [][]oracle.Written // by partition
	err     error              // the first record that could not be written
}

// NewWriter makes a writer of rate events per second over so many partitions of a topic.
func NewWriter(brokers []string, topic string, partitions, rate int, g *Generator) (*Writer, error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ClientID("chaos-writer"), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MetadataMinAge(250*time.Millisecond), kgo.ProducerLinger(linger), kgo.MaxBufferedRecords(200_000))
	if err != nil {
		return nil, fmt.Errorf("opening the writer: %w", err)
	}
	return &Writer{client: cl, generator: g, topic: topic, rate: rate, written: make([][]oracle.Written, partitions), pulses: NewPulses(partitions)}, nil
}

// tick is how often a writer writes.
const tick = 10 * time.Millisecond

// Run writes until ctx ends, and then waits until everything is acknowledged: the client is idempotent and tries for
// ever. The error is about a record that was not taken.
func (w *Writer) Run(ctx context.Context) error {
	defer w.client.Close()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	start, made := time.Now(), 0
	for ctx.Err() == nil {
		select {
		case now := <-ticker.C:
			for due := int(now.Sub(start).Seconds() * float64(w.rate)); made < due; made++ {
				if err := w.write(ctx); err != nil {
					return err
				}
			}
		case <-ctx.Done():
		}
	}
	if err := w.client.Flush(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("flushing events: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

func (w *Writer) write(ctx context.Context) error {
	now := time.Now()
	e, err := w.generator.Next(now)
	if err != nil {
		return fmt.Errorf("making an event: %w", err)
	}
	partition := e.Number % len(w.written)
	rec := &kgo.Record{Topic: w.topic, Partition: int32(partition), Key: []byte(e.Attacker), Value: e.Value, Timestamp: now} //nolint:gosec // few partitions
	w.client.Produce(context.WithoutCancel(ctx), rec, func(r *kgo.Record, err error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if err != nil {
			w.err = errors.Join(w.err, fmt.Errorf("writing an event: %w", err))
			return
		}
		w.written[partition] = append(w.written[partition], oracle.Written{
			Position: oracle.Position{Partition: r.Partition, Offset: r.Offset}, Bytes: oracle.Fingerprint(r.Value), Poison: e.Poison,
		})
		w.pulses.Beat(partition, time.Now(), now)
	})
	return nil
}

// Written lists what was acknowledged, by partition, in the order of offsets. Call it when Run has returned.
func (w *Writer) Written() [][]oracle.Written { return w.written }

// Pulses tell when records were acknowledged.
func (w *Writer) Pulses() *Pulses { return w.pulses }
