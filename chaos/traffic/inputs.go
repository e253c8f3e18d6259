package traffic

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/chaos/oracle"
)

// Inputs reads the input topic, partition after partition, and compares it with what was acknowledged.
func Inputs(ctx context.Context, brokers []string, topic string, codec *oracle.Codec, written [][]oracle.Written) iter.Seq2[oracle.Input, error] {
	return func(yield func(oracle.Input, error) bool) {
		for p := range written {
			ledger := oracle.Ledger{Written: written[p]}
			err := partition(ctx, brokers, Place{topic, int32(p)}, func(rec *kgo.Record) error {
				in, err := input(rec, codec, &ledger)
				if err == nil && !yield(in, nil) {
					err = errEnough
				}
				return err
			})
			if err == nil {
				err = ledger.End()
			}
			if errors.Is(err, errEnough) {
				return
			}
			if err != nil {
				yield(oracle.Input{}, fmt.Errorf("reading the input: %w", err))
				return
			}
		}
	}
}

// errEnough is for whoever wants no more records.
var errEnough = errors.New("no more records are wanted")

// partition calls take for every record of one partition.
func partition(ctx context.Context, brokers []string, at Place, take func(*kgo.Record) error) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ClientID("chaos-oracle"), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{at.Topic: {at.Partition: kgo.NewOffset().AtStart()}}))
	if err != nil {
		return err
	}
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListEndOffsets(ctx, at.Topic)
	if err != nil {
		return err
	}
	maps.DeleteFunc(ends[at.Topic], func(p int32, _ kadm.ListedOffset) bool { return p != at.Partition })
	var first error
	err = toEnd(ctx, cl, ends, func(rec *kgo.Record) {
		if first == nil {
			first = take(rec)
		}
	})
	if first != nil {
		return first
	}
	return err
}

// input reads one record and meets it in the ledger.
func input(rec *kgo.Record, codec *oracle.Codec, ledger *oracle.Ledger) (oracle.Input, error) {
	in := oracle.Input{Position: oracle.Position{Partition: rec.Partition, Offset: rec.Offset}, Bytes: oracle.Fingerprint(rec.Value)}
	err := ledger.Meet(&in)
	if err == nil && !in.Poison {
		in.Event, err = codec.Event(rec.Value)
	}
	return in, err
}
