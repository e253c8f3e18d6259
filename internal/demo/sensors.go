package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"ttpworker/internal/kafka"
	"ttpworker/internal/wire"
)

const (
	// shortPause is the longest pause of a script that is played once: as fast as one can still watch.
	shortPause = 20 * time.Millisecond
	// longPause is the longest pause of the live demo.
	longPause = 10 * time.Second
	// rest is how long an attacker of the live demo rests between two sessions, at most.
	rest = 4 * time.Second
)

// sensors write to the event topic what happens at the decoys. They are safe for concurrent use.
type sensors struct {
	client  *kgo.Client
	encoder *wire.Encoder
	topic   string
	sent    func() // called after every record
}

func newSensors(cluster *kafka.Cluster, topic string, sent func()) (*sensors, error) {
	enc, err := wire.NewEncoder(wire.SingleObject)
	if err != nil {
		return nil, err
	}
	client, err := cluster.Client("ttp-demo-sensors") // a key leads to a partition as in any other producer
	if err != nil {
		return nil, err
	}
	return &sensors{client: client, encoder: enc, topic: topic, sent: sent}, nil
}

func (s *sensors) close() { s.client.Close() }

// send writes one record and returns when Kafka has it.
func (s *sensors) send(ctx context.Context, h *happening) error {
	value := h.raw
	if !h.isRaw() {
		var err error
		if value, err = s.encoder.Event(nil, &h.event); err != nil {
			return err
		}
	}
	rec := &kgo.Record{Topic: s.topic, Key: []byte(h.key), Value: value}
	if err := s.client.ProduceSync(ctx, rec).FirstErr(); err != nil {
		return fmt.Errorf("writing an event: %w", err)
	}
	s.sent()
	return nil
}

// play sends all in order, with their pauses, each of them cut to longest.
func (s *sensors) play(ctx context.Context, all []happening, longest time.Duration) error {
	for i := range all {
		if err := wait(ctx, min(all[i].pause, longest)); err != nil {
			return err
		}
		if err := s.send(ctx, &all[i]); err != nil {
			return err
		}
	}
	return nil
}

// playLive has every attacker play sessions until ctx ends, which is no error.
func (s *sensors) playLive(ctx context.Context, of *script) error {
	attackers, err := of.cast()
	if err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	for i, a := range attackers {
		g.Go(func() error { return s.attack(gctx, of, a, i) })
	}
	if err := g.Wait(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// attack plays the sessions in an order of a's own, over and over; the first one is of.Sessions[first], so that a
// demo begins with something of everything.
func (s *sensors) attack(ctx context.Context, of *script, a *attacker, first int) error {
	rng := rand.New(a.rng) //nolint:gosec // not for secrets: the same demo every time
	for next := first % len(of.Sessions); ; next = rng.IntN(len(of.Sessions)) {
		all, err := of.Sessions[next].happenings(a, time.Now(), 0.6+0.8*rng.Float64())
		if err != nil {
			return err
		}
		if err := s.play(ctx, all, longPause); err != nil {
			return err
		}
		if err := wait(ctx, time.Duration(rng.Int64N(int64(rest)))); err != nil {
			return err
		}
	}
}

// wait returns after d, or with ctx's error when that ends first.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
