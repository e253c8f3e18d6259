package consume_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
)

func (c *cluster) atLeastOnce(replica string) kafka.Config {
	cfg := c.config(replica)
	cfg.Delivery = kafka.AtLeastOnce
	return cfg
}

// Without a fault nothing is doubled without transactions either, and the offsets carry the plan.
func TestAtLeastOnceWithoutFaultsIsExact(t *testing.T) {
	t.Parallel()
	c := start(t)
	cfg := c.atLeastOnce("0")
	m := join(t, c, cfg, &copier{}, nil)
	for i := range 10 {
		write(t, c, i*90, 90)
	}
	waitFor(t, c, 900)
	if err := m.stop(); err != nil {
		t.Fatalf("Run = %v, want nil", err)
	}
	check(t, c, 900)
	adm := kadm.NewClient(c.Client(t))
	defer adm.Close()
	offsets, err := adm.FetchOffsets(t.Context(), cfg.Group)
	if err != nil {
		t.Fatal(err)
	}
	offsets.Each(func(o kadm.OffsetResponse) {
		if o.Metadata != "plan-1" {
			t.Errorf("offset of %s/%d has metadata %q, want plan-1", o.Topic, o.Partition, o.Metadata)
		}
	})
}

// A second member joins and the first leaves: the group waits for their batches, so that nothing is doubled.
func TestAtLeastOnceHandsPartitionsOver(t *testing.T) {
	t.Parallel()
	c := start(t)
	first := join(t, c, c.atLeastOnce(""), &copier{}, nil)
	write(t, c, 0, 90)
	waitFor(t, c, 90)
	second := join(t, c, c.atLeastOnce(""), &copier{}, nil)
	for i := 1; i < 10; i++ {
		write(t, c, i*90, 90)
	}
	kafkatest.Eventually(t, "the second to join", second.Joined)
	if err := first.stop(); err != nil {
		t.Fatalf("Run = %v, want nil", err)
	}
	write(t, c, 900, 90)
	waitFor(t, c, 990)
	check(t, c, 990)
}

// After a fault, which the embedded broker can be told to have, records may come again, and none is lost: each partition's outputs, without the second times, are its
// inputs in order.
func TestAtLeastOnceLosesNothing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		key kmsg.Key
		err *kerr.Error
	}{
		{kmsg.Produce, kerr.UnknownServerError},
		{kmsg.Produce, kerr.NotLeaderForPartition},
		{kmsg.OffsetCommit, kerr.IllegalGeneration},
		{kmsg.OffsetCommit, kerr.UnknownMemberID},
		{kmsg.OffsetCommit, kerr.UnknownServerError},
		{kmsg.OffsetCommit, kerr.CoordinatorNotAvailable},
		{kmsg.Heartbeat, kerr.UnknownMemberID},
	} {
		t.Run(tt.key.Name()+" "+tt.err.Message, func(t *testing.T) {
			t.Parallel()
			c := startEmbedded(t)
			join(t, c, c.atLeastOnce("0"), &copier{}, nil)
			write(t, c, 0, 90)
			waitFor(t, c, 90)
			f := kfake.Fault{Keys: []kmsg.Key{tt.key}, Err: tt.err}
			if tt.key == kmsg.Produce {
				f.Topic = c.out // not the test's own writing
			}
			fault := c.Broker.Fault(f)
			defer fault.Remove()
			for i := 1; i < 6; i++ {
				write(t, c, i*90, 90)
				time.Sleep(20 * time.Millisecond) // over several batches
			}
			waitFor(t, c, 540)
			seen := map[string]bool{}
			var firsts []string
			for _, r := range c.ReadAll(t, c.out) {
				if v := string(r.Value); !seen[v] {
					seen[v] = true
					firsts = append(firsts, v)
				}
			}
			want := c.ReadAll(t, c.in)
			if len(firsts) != len(want) {
				t.Fatalf("%d different records came out, want %d", len(firsts), len(want))
			}
			for i, r := range want {
				if firsts[i] != string(r.Value) {
					t.Fatalf("record %d out = %s, want %s", i, firsts[i], r.Value)
				}
			}
		})
	}
}
