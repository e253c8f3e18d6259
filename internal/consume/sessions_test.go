package consume_test

import (
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
)

// One process, several members: the partitions are theirs together, and the keeper is told once.
func TestSessionsOfOneProcessShareThePartitions(t *testing.T) {
	t.Parallel()
	c := start(t)
	cfg := c.config("0")
	cfg.Sessions = 3
	var told, owns atomic.Int64
	m := join(t, c, cfg, &copier{}, func(yes bool) {
		told.Add(1)
		if yes {
			owns.Add(1)
		} else {
			owns.Add(-1)
		}
	})
	kafkatest.Eventually(t, "one partition for each member", func() bool { return len(assigned(t, c, cfg)) == partitions })
	for i := range 10 {
		write(t, c, i*90, 90)
	}
	waitFor(t, c, 900)
	if owns.Load() != 1 {
		t.Errorf("the keeper's job is owned %d times over, want once", owns.Load())
	}
	if err := m.stop(); err != nil {
		t.Fatalf("Run = %v, want nil", err)
	}
	check(t, c, 900)
	if owns.Load() != 0 || told.Load()%2 != 0 {
		t.Errorf("told %d times, owns %d after the stop; want it given up", told.Load(), owns.Load())
	}
}

// assigned maps each member that has partitions to how many.
func assigned(t *testing.T, c *cluster, cfg kafka.Config) map[string]int {
	t.Helper()
	adm := kadm.NewClient(c.Client(t))
	defer adm.Close()
	parts := map[string]int{}
	groups, err := adm.DescribeGroups(t.Context(), cfg.Group)
	if err != nil {
		return nil
	}
	for _, g := range groups {
		for _, m := range g.Members {
			if a, ok := m.Assigned.AsConsumer(); ok {
				for _, topic := range a.Topics {
					parts[m.MemberID] += len(topic.Partitions)
				}
			}
		}
	}
	return parts
}
