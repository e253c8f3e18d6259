package traffic

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/chaos/oracle"
	"ttpworker/internal/kafka"
	"ttpworker/internal/produce"
)

// Topics are those that are read.
type Topics struct{ Events, Tags, Shadow, Letters string }

func (t Topics) outputs() []string { return []string{t.Tags, t.Shadow, t.Letters} }

// A Place is a partition of a topic.
type Place struct {
	Topic     string
	Partition int32
}

// A Reader is given committed records and keeps what of them there is to compare. It is not safe for concurrent use.
type Reader struct {
	topics Topics
	codec  *oracle.Codec
	ends   map[Place]map[int64]int32 // of transactions, by producer
	plans  map[string]string         // digests, each kept once
	brief  bool                      // keep no streams

	Seen    map[Place][]oracle.Sighting
	Streams map[Place]*oracle.Stream
	Letters []oracle.Letter
	Faults  []error // records that are not what they should be at all
}

// NewReader makes one that has seen nothing.
func NewReader(topics Topics, codec *oracle.Codec) *Reader {
	return &Reader{
		topics: topics, codec: codec, ends: map[Place]map[int64]int32{}, plans: map[string]string{},
		Seen: map[Place][]oracle.Sighting{}, Streams: map[Place]*oracle.Stream{},
	}
}

// open opens a client that reads the outputs from their beginning, and the ends of transactions.
func (r *Reader) open(brokers []string) (*kgo.Client, error) {
	return kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ClientID("chaos-reader"), kgo.ConsumeTopics(r.topics.outputs()...),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.MetadataMinAge(250*time.Millisecond),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100*time.Millisecond))
}

// Watch reads until ctx ends, as records are committed, and keeps what it has seen but no streams. pulses are those of the
// tag topic.
func (r *Reader) Watch(ctx context.Context, brokers []string, pulses *Pulses) error {
	cl, err := r.open(brokers)
	if err != nil {
		return fmt.Errorf("opening the reader: %w", err)
	}
	defer cl.Close()
	r.brief = true
	for ctx.Err() == nil {
		fetches := cl.PollFetches(ctx)
		now := time.Now()
		made := map[int32]time.Time{}
		fetches.EachRecord(func(rec *kgo.Record) {
			if at, ok := r.take(rec); ok && rec.Topic == r.topics.Tags {
				made[rec.Partition] = at
			}
		})
		for p, at := range made {
			pulses.Beat(int(p), now, at)
		}
	}
	return nil
}

// ReadToEnd reads everything that is committed, and everything there is: no transaction is open any more.
func (r *Reader) ReadToEnd(ctx context.Context, brokers []string) error {
	cl, err := r.open(brokers)
	if err != nil {
		return fmt.Errorf("opening the reader: %w", err)
	}
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListEndOffsets(ctx, r.topics.outputs()...)
	if err != nil {
		return fmt.Errorf("finding the ends of the outputs: %w", err)
	}
	return toEnd(ctx, cl, ends, func(rec *kgo.Record) { r.take(rec) })
}

// toEnd reads what there is up to the given ends. Control records must be kept: they may be the last ones.
func toEnd(ctx context.Context, cl *kgo.Client, ends kadm.ListedOffsets, take func(*kgo.Record)) error {
	missing := map[Place]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			missing[Place{o.Topic, o.Partition}] = o.Offset
		}
	})
	for len(missing) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("reading to the end, %d partitions are not done: %w", len(missing), err)
		}
		if err := fetches.Err(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("reading to the end: %w", err)
		}
		fetches.EachRecord(func(rec *kgo.Record) {
			take(rec)
			at := Place{rec.Topic, rec.Partition}
			if end, ok := missing[at]; ok && rec.Offset+1 >= end {
				delete(missing, at)
			}
		})
	}
	return nil
}

// take notes a record and returns the time of its event, if it is a tag.
func (r *Reader) take(rec *kgo.Record) (made time.Time, ok bool) {
	at := Place{rec.Topic, rec.Partition}
	if rec.Attrs.IsControl() {
		if r.ends[at] == nil {
			r.ends[at] = map[int64]int32{}
		}
		r.ends[at][rec.ProducerID]++
		return time.Time{}, false
	}
	parts := [][]byte{rec.Key, rec.Value}
	for _, h := range rec.Headers {
		parts = append(parts, []byte(h.Key), h.Value)
	}
	r.Seen[at] = append(r.Seen[at], oracle.Sighting{Offset: rec.Offset, Bytes: oracle.Fingerprint(parts...)})
	made, err := r.keep(at, rec)
	if err != nil {
		r.Faults = append(r.Faults, fmt.Errorf("%s/%d/%d: %w", rec.Topic, rec.Partition, rec.Offset, err))
	}
	return made, !made.IsZero()
}

func (r *Reader) keep(at Place, rec *kgo.Record) (made time.Time, err error) {
	k := kafka.FromClient(rec)
	topic, source, err := oracle.ParseSource(k.Header(produce.HeaderSource))
	if err != nil {
		return time.Time{}, err
	}
	if topic != r.topics.Events {
		return time.Time{}, fmt.Errorf("its source is the topic %s", topic)
	}
	if rec.Topic == r.topics.Letters {
		r.Letters = append(r.Letters, oracle.Letter{Source: source, Bytes: oracle.Fingerprint(rec.Value)})
		return time.Time{}, nil
	}
	tag, err := r.codec.Tag(rec.Value)
	if err != nil {
		return time.Time{}, err
	}
	if string(rec.Key) != tag.ID.String() {
		return time.Time{}, fmt.Errorf("its key is %q and its tag id %s", rec.Key, tag.ID)
	}
	if r.brief {
		return tag.EventTime, nil
	}
	content, err := r.codec.Content(&tag)
	if err != nil {
		return time.Time{}, err
	}
	s := r.Streams[at]
	if s == nil {
		s = &oracle.Stream{Shadow: rec.Topic == r.topics.Shadow, Partition: rec.Partition}
		r.Streams[at] = s
	}
	s.Outputs = append(s.Outputs, oracle.Output{
		Source: source, ID: tag.ID, Content: content, Plan: r.plan(k.Header(produce.HeaderPlan)),
		Producer: rec.ProducerID, Epoch: rec.ProducerEpoch, Ends: r.ends[at][rec.ProducerID],
	})
	return tag.EventTime, nil
}

func (r *Reader) plan(digest string) string {
	if known, ok := r.plans[digest]; ok {
		return known
	}
	r.plans[digest] = digest
	return digest
}
