package consume

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"ttpworker/internal/kafka"
)

const (
	// StopTimeout is how long the open transaction may take to end when the worker is asked to stop; a third of
	// the 30 s that orchestrators grant.
	StopTimeout = 8 * time.Second
	// LeaveTimeout bounds the request to leave the group for good.
	LeaveTimeout = 2 * time.Second
)

// A Consumer is what this replica does in the group: kafka.sessions members of it, each with partitions and ids of its
// own, side by side. Make it with New and call Run once.
type Consumer struct {
	cluster *kafka.Cluster
	cfg     kafka.Config
	topics  []string
	limits  map[string]int // largest record of an output topic, in bytes
	handler Handler
	log     *slog.Logger
	metrics *metrics
	client  *clientMetrics
	lag     *lag
	members []*member
}

// New makes a consumer of topics. limits holds the max.message.bytes of the output topics. keeper is told whether
// this replica owns partition 0 of the first topic; it must not block.
func New(
	cluster *kafka.Cluster, cfg kafka.Config, topics []string, limits map[string]int, handler Handler,
	keeper func(owns bool), log *slog.Logger, reg prometheus.Registerer,
) *Consumer {
	c := &Consumer{
		cluster: cluster, cfg: cfg, topics: topics, limits: limits, handler: handler, log: log, metrics: newMetrics(reg),
		client: newClientMetrics(reg), lag: newLag(cluster, cfg.Group, log, reg),
	}
	c.members = make([]*member, max(cfg.Sessions, 1))
	own := anyOf(len(c.members), keeper)
	for i := range c.members {
		c.members[i] = newMember(c, c.memberName(i), own(i), log.With("session", strconv.Itoa(i)))
	}
	return c
}

// memberName is the instance id and transactional id of a session, stable over restarts: group and replica, and from
// the second session on its number. "" if the replica has no name.
func (c *Consumer) memberName(session int) string {
	switch {
	case c.cfg.Replica == "":
		return ""
	case session == 0:
		return c.cfg.Group + "-" + c.cfg.Replica
	}
	return c.cfg.Group + "-" + c.cfg.Replica + "." + strconv.Itoa(session)
}

// anyOf folds what n sessions say into one: notify is told when the first says yes and when none does any more.
func anyOf(n int, notify func(bool)) func(session int) func(bool) {
	var mu sync.Mutex
	said := make([]bool, n)
	return func(session int) func(bool) {
		return func(yes bool) {
			mu.Lock()
			defer mu.Unlock()
			before := slices.Contains(said, true)
			said[session] = yes
			if after := slices.Contains(said, true); after != before {
				notify(after)
			}
		}
	}
}

// Joined reports whether every session has been a member of the group at some time.
func (c *Consumer) Joined() bool {
	return !slices.ContainsFunc(c.members, func(m *member) bool { return !m.joined.Load() })
}

// LastTurn is when the poll loop that is furthest behind last made a step, whatever Kafka does; the zero time before
// each first did.
func (c *Consumer) LastTurn() time.Time {
	last := c.members[0].lastTurn()
	for _, m := range c.members[1:] {
		if t := m.lastTurn(); t.Before(last) {
			last = t
		}
	}
	return last
}

// Run takes part in the group until ctx ends and then ends the open transactions. Its error is fatal: the group
// moves the partitions elsewhere when the process is gone. One session that gives up ends the others.
func (c *Consumer) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, m := range c.members {
		g.Go(func() error { return m.run(ctx) })
	}
	return g.Wait()
}

// anonymousName is the transactional id of a session of a replica without a name, the same for as long as the process
// lives, so that a new session fences what the last one left open.
func anonymousName(group string) string { return group + "-" + uuid.NewString() }

// A clock remembers when something last happened. It is safe for concurrent use.
type clock struct{ ns atomic.Int64 }

func (c *clock) tick() { c.ns.Store(time.Now().UnixNano()) }

func (c *clock) last() time.Time {
	ns := c.ns.Load()
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}
