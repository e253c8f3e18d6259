package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/match/matchtest"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

const (
	partitions = 6
	// eventKind is the kind of all events, and of all rules.
	eventKind = "process_creation"
	// eventSize is the size of an encoded event, in bytes.
	eventSize = 480
	// marked is how many events there are for one with the marker.
	marked = 10
	// variety is how many different events there are; they are repeated.
	variety = 50_000
)

// Topics.
const (
	events = "events" // what all runs read
	copies = "copies" // what the copy writes
	pacing = "paced"  // what the measurement of latency reads
)

func (b *bench) client(opts ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(b.brokers...), kgo.ProducerBatchCompression(kgo.Lz4Compression()), kgo.RecordPartitioner(kgo.ManualPartitioner()),
	}, opts...)...)
}

// fill creates the topics and writes the input.
func (b *bench) fill(ctx context.Context) error {
	cl, err := b.client()
	if err != nil {
		return err
	}
	defer cl.Close()
	if _, err := kadm.NewClient(cl).CreateTopics(ctx, partitions, 1, nil, events, copies, pacing); err != nil {
		return err
	}
	for i := range b.records {
		r := &kgo.Record{Topic: events, Partition: int32(i % partitions), Key: key(i), Value: b.values[i%len(b.values)]}
		cl.Produce(ctx, r, nil)
	}
	return cl.Flush(ctx)
}

func key(i int) []byte { return strconv.AppendInt([]byte("attacker-"), int64(i%1000), 10) }

// values are the encoded events, all of one size: payloads of the generator with a marker, or what is no marker, and
// padding. Their time is that of their record.
func values() ([][]byte, error) {
	enc, err := wire.NewEncoder(wire.SingleObject)
	if err != nil {
		return nil, err
	}
	g := matchtest.NewGenerator(1, matchtest.Vocabulary{})
	all := make([][]byte, 0, variety)
	for i := 0; len(all) < variety; i++ {
		mark := "nothing-here"
		if len(all)%marked == 0 {
			mark = marker
		}
		payload := g.Benign()
		payload = fmt.Appendf(payload[:len(payload)-1], `,"Marker":%q,"Trace":"`, mark)
		ev := tagger.TaggerEvent{
			SourceKind: eventKind, SourceID: fmt.Sprintf("src-%08d", i), AttackerUUID: fmt.Sprintf("1b4e28ba-2fa1-11d2-883f-%012d", i%1000), DeckyID: "decky-17",
		}
		value, err := padded(enc, &ev, payload)
		if err != nil {
			return nil, err
		}
		if len(value) == eventSize {
			all = append(all, value)
		}
	}
	return all, nil
}

// padded encodes an event whose payload, open at its end, is made as long as eventSize wants. Those that are too long,
// or whose length needs another byte, come out in another size.
func padded(enc *wire.Encoder, ev *tagger.TaggerEvent, payload []byte) ([]byte, error) {
	ev.Payload = append(slices.Clone(payload), `"}`...)
	value, err := enc.Event(nil, ev)
	if err != nil || len(value) >= eventSize {
		return value, err
	}
	pad := hex.EncodeToString(sha256.New().Sum(payload))
	missing := eventSize - len(value)
	ev.Payload = append(append(slices.Clone(payload), pad[:min(missing, len(pad))]...), `"}`...)
	return enc.Event(nil, ev)
}
