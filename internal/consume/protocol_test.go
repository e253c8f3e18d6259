package consume_test

import (
	"strconv"
	"sync/atomic"
	"testing"

	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
)

// oneKeeper waits until one member is the keeper. The embedded broker does not name the topics of an assignment when it
// is asked for it, so that only Apache Kafka shows this.
func oneKeeper(t *testing.T, c *cluster, keepers *atomic.Int64) {
	t.Helper()
	if c.Broker == nil {
		kafkatest.Eventually(t, "one keeper", func() bool { return keepers.Load() == 1 })
	}
}

// The broker assigns: members come and go, every record comes out once, there is one keeper, and idle partitions follow the
// plan.
func TestTheConsumerProtocolIsExactToo(t *testing.T) {
	t.Parallel()
	for _, delivery := range []kafka.Delivery{kafka.ExactlyOnce, kafka.AtLeastOnce} {
		t.Run(string(delivery), func(t *testing.T) {
			t.Parallel()
			c := start(t)
			cfg := c.config("")
			cfg.GroupProtocol, cfg.Delivery = kafka.ConsumerProtocol, delivery
			var keepers atomic.Int64
			keeper := func(owns bool) {
				if owns {
					keepers.Add(1)
				} else {
					keepers.Add(-1)
				}
			}
			h := &copier{}
			first := join(t, c, cfg, h, keeper)
			write(t, c, 0, 90)
			waitFor(t, c, 90)
			second := join(t, c, cfg, h, keeper)
			for i := 1; i < 6; i++ {
				h.under("plan-" + strconv.Itoa(i+1))
				write(t, c, i*90, 90)
			}
			kafkatest.Eventually(t, "the second to join", second.Joined)
			waitFor(t, c, 540)
			oneKeeper(t, c, &keepers)
			if err := first.stop(); err != nil {
				t.Fatalf("Run = %v, want nil", err)
			}
			write(t, c, 540, 90)
			waitFor(t, c, 630)
			h.under("plan-7") // when all is committed: no partition has new records
			awaitPositions(t, c, "plan-7", 210, 210, 210)
			oneKeeper(t, c, &keepers)
			if err := second.stop(); err != nil {
				t.Fatalf("Run = %v, want nil", err)
			}
			check(t, c, 630)
			if n := keepers.Load(); n != 0 {
				t.Errorf("%d keepers after all have stopped, want 0", n)
			}
		})
	}
}
