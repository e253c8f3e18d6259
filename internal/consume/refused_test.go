package consume_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
)

// What the embedded broker takes and Apache Kafka refuses. Nothing is lost: the record comes again when somebody has
// mended the topic.
func TestAnOutputThatItsTopicRefusesStopsWithAMessageAndLosesNothing(t *testing.T) {
	kafkatest.NeedsApache(t)
	for _, tt := range []struct {
		name    string
		setting string // of the topic
		output  func(r *kafka.Record)
		want    string
	}{
		{
			"no key in a compacted topic", "cleanup.policy=compact",
			func(r *kafka.Record) { r.Key = nil },
			"(the topic refuses the record)",
		},
		{
			"a time in two hours", "message.timestamp.type=CreateTime",
			func(r *kafka.Record) { r.Time = time.Now().Add(2 * time.Hour) },
			"(the topic refuses the record's time (message.timestamp.*))",
		},
		{
			"more bytes than the topic takes", "max.message.bytes=1000",
			func(r *kafka.Record) { r.Value = noise(2000) },
			"(raise max.message.bytes of that topic)",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := start(t)
			strict := c.Name("strict")
			c.CreateTopic(t, strict, partitions, tt.setting)
			h := &copier{output: func(r *kafka.Record) kafka.Record {
				out := kafka.Record{Topic: strict, Partition: r.Partition, Key: r.Key, Value: r.Value}
				tt.output(&out)
				return out
			}}
			m := join(t, c, c.config("0"), h, nil)
			write(t, c, 0, 1)
			err := <-m.done
			m.stop = func() error { return nil }
			if err == nil || !strings.HasSuffix(err.Error(), tt.want) || !strings.Contains(err.Error(), strict+"/0") {
				t.Errorf("Run = %v, want an error about %s/0 that ends %s", err, strict, tt.want)
			}
			if got := committedOffsets(t, c); got != 0 {
				t.Errorf("committed offsets = %d, want none: the record must come again", got)
			}
		})
	}
}

// A start refuses such topics. While a worker ran it built one session after the other, and had the group rebalance each
// time.
func TestAnInputThatGetsMorePartitionsThanItsOutputsStopsTheWorker(t *testing.T) {
	t.Parallel()
	for _, delivery := range []kafka.Delivery{kafka.ExactlyOnce, kafka.AtLeastOnce} {
		t.Run(string(delivery), func(t *testing.T) {
			t.Parallel()
			c := start(t)
			if _, err := kadm.NewClient(c.Client(t)).CreatePartitions(t.Context(), 1, c.in); err != nil {
				t.Fatal(err)
			}
			kafkatest.Eventually(t, "the new partition to have a leader", func() bool {
				found, err := c.Topics(t.Context(), c.in)
				return err == nil && found[c.in].Partitions == partitions+1
			})
			cfg := c.config("0")
			cfg.Delivery = delivery
			m := join(t, c, cfg, &copier{}, nil)
			write(t, c, 0, 3)
			waitFor(t, c, 3)
			c.Write(t, &kgo.Record{Topic: c.in, Partition: partitions, Value: []byte("3")})
			select {
			case err := <-m.done:
				m.stop = func() error { return nil }
				if want := "a record is for partition 3 of topic " + c.out + ", which has 3 (the input has been given more"; err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("Run = %v, want %q", err, want)
				}
			case <-time.After(kafkatest.Patience):
				t.Fatal("the worker still runs")
			}
			if got := committedOffsets(t, c); got != 3 {
				t.Errorf("committed offsets = %d, want 3: the record must come again", got)
			}
		})
	}
}

// noise is n bytes that do not compress.
func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b) // which cannot fail
	return b
}

// The client fills a batch to the brim: one byte over, and the broker refuses all of its records.
func TestBatchesOfOutputsFitTheirTopic(t *testing.T) {
	t.Parallel()
	const limit, n = 20_000, 300
	c := start(t)
	small := c.Name("small")
	c.CreateTopic(t, small, partitions, fmt.Sprint("max.message.bytes=", limit))
	c.limits = map[string]int{small: limit}
	m := join(t, c, c.config("0"), &copier{output: func(r *kafka.Record) kafka.Record {
		return kafka.Record{Topic: small, Partition: r.Partition, Key: r.Key, Value: noise(900)}
	}}, nil)
	write(t, c, 0, n)
	waitFor(t, c, n)
	if err := m.stop(); err != nil {
		t.Fatalf("Run = %v, want nil", err)
	}
	c.Settle(t, small)
	if got := len(c.ReadAll(t, small)); got != n {
		t.Errorf("%d records out, want %d", got, n)
	}
}

// A broker counts more than key, value and headers.
func TestADeadLetterThatWasCutFitsItsTopic(t *testing.T) {
	t.Parallel()
	const limit = 20_000
	c := start(t)
	letters := consume.DeadLetters{Topic: c.Name("letters"), Partitions: 1, MaxBytes: limit}
	c.CreateTopic(t, letters.Topic, 1, fmt.Sprint("max.message.bytes=", limit))
	many := slices.Repeat([]kafka.Header{{Key: "h", Value: noise(7)}}, 500)
	for name, rec := range map[string]kafka.Record{
		"value":   {Topic: "t", Key: noise(100), Value: noise(3 * limit)},
		"key":     {Topic: "t", Key: noise(3 * limit), Value: noise(100)},
		"headers": {Topic: "t", Key: noise(100), Value: noise(limit - 8000), Headers: many},
	} {
		letter := letters.Record(&rec, "too_large", errors.New("too large"))
		cl := c.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()))
		if err := cl.ProduceSync(t.Context(), letter.ToClient()).FirstErr(); err != nil {
			t.Errorf("writing a letter of %d bytes, cut for its %s: %v", letter.Size(), name, err)
		}
	}
}

// What a broker makes of settings, it says when the worker starts.
func TestSettingsThatTheBrokerRefusesStopWithAMessage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		edit func(*kafka.Config)
		want string
	}{
		{"a session timeout below its minimum", func(cfg *kafka.Config) { cfg.SessionTimeout = 500 * time.Millisecond }, "(kafka.session_timeout is outside "},
		{"a transaction timeout above its maximum", func(cfg *kafka.Config) { cfg.TransactionTimeout = time.Hour }, "(kafka.transaction_timeout is above "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := start(t)
			cfg := c.config("0")
			tt.edit(&cfg)
			m := join(t, c, cfg, &copier{}, nil)
			select {
			case err := <-m.done:
				m.stop = func() error { return nil }
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("Run = %v, want %s in it", err, tt.want)
				}
			case <-time.After(kafkatest.Patience):
				t.Error("the worker still runs")
			}
		})
	}
}
