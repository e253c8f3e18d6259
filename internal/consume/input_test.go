package consume_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/kafkatest"
)

// values are those of the records that came out, in order.
func values(t *testing.T, c *cluster) []string {
	t.Helper()
	var all []string
	for _, r := range c.ReadAll(t, c.out) {
		all = append(all, string(r.Value))
	}
	return all
}

func TestWhatAProducerAbortedDoesNotComeOut(t *testing.T) {
	t.Parallel()
	c := start(t)
	join(t, c, c.config("0"), &copier{}, nil)
	cl := c.Client(t, kgo.TransactionalID(c.Name("producer")), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	var want []string
	for i := range 20 {
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for k := range 3 {
			value := strconv.Itoa(i*3 + k)
			if i%3 > 0 {
				want = append(want, value)
			}
			if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: c.in, Value: []byte(value)}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		if err := cl.EndTransaction(t.Context(), kgo.TransactionEndTry(i%3 > 0)); err != nil {
			t.Fatal(err)
		}
	}
	kafkatest.Eventually(t, "all that was committed", func() bool { return len(values(t, c)) >= len(want) })
	if diff := cmp.Diff(want, values(t, c)); diff != "" {
		t.Errorf("records out (-want +got):\n%s", diff)
	}
}

// Retention overtakes a group that was away for too long: it goes on with what is left.
func TestAWorkerGoesOnBehindWhatRetentionTook(t *testing.T) {
	t.Parallel()
	c := start(t)
	m := join(t, c, c.config("0"), &copier{}, nil)
	write(t, c, 0, 30)
	waitFor(t, c, 30)
	if err := m.stop(); err != nil {
		t.Fatalf("Run = %v, want nil", err)
	}
	write(t, c, 30, 60)
	adm := kadm.NewClient(c.Client(t))
	var upTo kadm.Offsets
	for p := range int32(partitions) {
		upTo.AddOffset(c.in, p, 20, -1) // 10 are done, 10 are lost, 10 are left
	}
	if _, err := adm.DeleteRecords(t.Context(), upTo); err != nil {
		t.Fatal(err)
	}
	join(t, c, c.config("0"), &copier{}, nil)
	waitFor(t, c, 90)
	var want []string
	for p := range partitions {
		for k := p; k < 90; k += partitions {
			if k < 30 || k >= 60 {
				want = append(want, strconv.Itoa(k))
			}
		}
	}
	if diff := cmp.Diff(want, values(t, c)); diff != "" {
		t.Errorf("records out (-want +got):\n%s", diff)
	}
}

// A topic that was deleted and made anew has other records under the same offsets: going on would lose some of them.
func TestAnInputTopicMadeAnewStopsWithAMessage(t *testing.T) {
	t.Parallel()
	c := start(t)
	m := join(t, c, c.config("0"), &copier{}, nil)
	write(t, c, 0, 30)
	waitFor(t, c, 30)
	adm := kadm.NewClient(c.Client(t))
	if _, err := adm.DeleteTopic(t.Context(), c.in); err != nil {
		t.Fatal(err)
	}
	kafkatest.Eventually(t, "the topic to be gone", func() bool {
		found, err := c.Topics(t.Context(), c.in)
		return err == nil && len(found) == 0
	})
	c.CreateTopic(t, c.in, partitions)
	write(t, c, 0, 30)
	select {
	case err := <-m.done:
		m.stop = func() error { return nil }
		if err == nil || !strings.Contains(err.Error(), "a topic was deleted and made anew while the worker ran") {
			t.Errorf("Run = %v, want an error that says what happened to the topic", err)
		}
	case <-time.After(kafkatest.Patience):
		t.Error("the worker still runs")
	}
}
