package consume

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kprom"

	"ttpworker/internal/kafka"
)

const (
	// stopTimeout is how long the open transaction may take to end when the worker is asked to stop; a third of
	// the 30 s that orchestrators grant.
	stopTimeout = 8 * time.Second
	// leaveTimeout bounds the request to leave the group for good.
	leaveTimeout = 2 * time.Second
	// idlePoll bounds a poll, so that the loop turns and shows that it lives.
	idlePoll = time.Second
	// rebuildDelay keeps a session that fails at once from being rebuilt in a tight loop.
	rebuildDelay = 500 * time.Millisecond
)

// A Consumer is one member of the group. Make it with New and call Run once.
type Consumer struct {
	cluster *kafka.Cluster
	cfg     kafka.Config
	topics  []string
	limits  map[string]int // largest record of an output topic, in bytes
	handler Handler
	owner   *ownership
	log     *slog.Logger
	metrics *metrics
	client  *kprom.Metrics

	joined   atomic.Bool
	lastTurn atomic.Int64 // unix nanoseconds
}

// New makes a consumer of topics. limits holds the max.message.bytes of the output topics. keeper is told whether
// this replica owns partition 0 of the first topic; it must not block.
func New(
	cluster *kafka.Cluster, cfg kafka.Config, topics []string, limits map[string]int, handler Handler,
	keeper func(owns bool), log *slog.Logger, reg prometheus.Registerer,
) *Consumer {
	return &Consumer{
		cluster: cluster, cfg: cfg, topics: topics, limits: limits, handler: handler,
		owner: newOwnership(topics[0], keeper), log: log, metrics: newMetrics(reg),
		client: kprom.NewMetrics("ttp", kprom.Subsystem("kafka"), kprom.Registerer(reg)),
	}
}

// Joined reports whether the replica has been a member of the group at some time.
func (c *Consumer) Joined() bool { return c.joined.Load() }

// LastTurn is when the poll loop last turned; the zero time before it first did.
func (c *Consumer) LastTurn() time.Time {
	ns := c.lastTurn.Load()
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}

// Run takes part in the group until ctx ends and then ends the open transaction. Its error is fatal: the group
// moves the partitions elsewhere when the process is gone.
func (c *Consumer) Run(ctx context.Context) error {
	for {
		err := c.session(ctx)
		if err == nil && c.cfg.Leave {
			err = c.leave(context.WithoutCancel(ctx))
		}
		var f *fatalError
		switch {
		case err == nil || errors.As(err, &f):
			return err
		case ctx.Err() != nil:
			return fmt.Errorf("stopping without a commit, the next start reads the batch again: %w", err)
		}
		c.metrics.rebuilds.Inc()
		c.log.Warn("session lost, building a new one", "err", err)
		select {
		case <-time.After(rebuildDelay):
		case <-ctx.Done():
			return nil
		}
	}
}

// session builds a session and takes it through its transactions. It returns nil when ctx ends.
func (c *Consumer) session(ctx context.Context) error {
	s, err := kgo.NewGroupTransactSession(c.options()...)
	if err != nil {
		return fatalf("opening the Kafka session: %w", err)
	}
	defer func() {
		s.Close()
		c.owner.lost()
	}()
	// Fences a dead predecessor now and aborts what it left open. kgo would do so only at the first Begin, after
	// the first poll, and that poll waits for offsets staged in the dead transaction until it times out.
	if _, _, err := s.Client().ProducerID(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return classify(fmt.Errorf("starting transactions: %w", err))
	}
	t := &transactions{consumer: c, session: s}
	for ctx.Err() == nil {
		c.lastTurn.Store(time.Now().UnixNano())
		if err := t.turn(ctx); err != nil {
			return err
		}
	}
	return t.stop(ctx)
}

// leave gives up the place of a named replica, which otherwise stays its own until session_timeout is over. A
// replica without a name has left with its session.
func (c *Consumer) leave(ctx context.Context) error {
	if c.cfg.Replica == "" {
		return nil
	}
	cl, err := c.cluster.Client(c.cfg.Group)
	if err != nil {
		return err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
	left, err := kadm.NewClient(cl).LeaveGroup(ctx, kadm.LeaveGroup(c.cfg.Group).InstanceIDs(c.memberName()).Reason("scaling down"))
	if err == nil {
		err = left.Error()
	}
	if err != nil {
		return fatalf("leaving the group: %w", err)
	}
	return nil
}
