package consume

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kprom"

	"ttpworker/internal/kafka"
)

const (
	// StopTimeout is how long the open transaction may take to end when the worker is asked to stop; a third of
	// the 30 s that orchestrators grant.
	StopTimeout = 8 * time.Second
	// LeaveTimeout bounds the request to leave the group for good.
	LeaveTimeout = 2 * time.Second
	// idlePoll bounds a poll, so that the loop turns and shows that it lives.
	idlePoll = time.Second
	// fenceTimeout bounds the fencing of a predecessor, so that a start against a silent coordinator is tried anew.
	fenceTimeout = 30 * time.Second
	// The first session that fails is rebuilt after rebuildDelay, one that fails again after twice as long, and so
	// on up to maxRebuildDelay.
	rebuildDelay    = 250 * time.Millisecond
	maxRebuildDelay = 10 * time.Second
)

// A Consumer is one member of the group. Make it with New and call Run once.
type Consumer struct {
	cluster *kafka.Cluster
	cfg     kafka.Config
	topics  []string
	limits  map[string]int // largest record of an output topic, in bytes
	handler Handler
	owner   *ownership
	// anonymous is the transactional id of a replica without a name, the same for all its sessions, so that a new
	// one fences what the last one left open.
	anonymous string
	log       *slog.Logger
	metrics   *metrics
	client    *kprom.Metrics

	joined    atomic.Bool
	lastTurn  atomic.Int64 // unix nanoseconds
	committed atomic.Int64 // transactions

	// The loop's own, of the last poll.
	trouble string                       // what it could not do
	bombs   []*kgo.ErrDecompressTooLarge // batches it would not unpack
}

// New makes a consumer of topics. limits holds the max.message.bytes of the output topics. keeper is told whether
// this replica owns partition 0 of the first topic; it must not block.
func New(
	cluster *kafka.Cluster, cfg kafka.Config, topics []string, limits map[string]int, handler Handler,
	keeper func(owns bool), log *slog.Logger, reg prometheus.Registerer,
) *Consumer {
	return &Consumer{
		cluster: cluster, cfg: cfg, topics: topics, limits: limits, handler: handler,
		owner: newOwnership(topics[0], keeper), anonymous: cfg.Group + "-" + uuid.NewString(), log: log, metrics: newMetrics(reg),
		client: kprom.NewMetrics("ttp", kprom.Subsystem("kafka"), kprom.Registerer(reg)),
	}
}

// Joined reports whether the replica has been a member of the group at some time.
func (c *Consumer) Joined() bool { return c.joined.Load() }

// LastTurn is when the poll loop last made a step, whatever Kafka does; the zero time before it first did.
func (c *Consumer) LastTurn() time.Time {
	ns := c.lastTurn.Load()
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}

func (c *Consumer) turned() { c.lastTurn.Store(time.Now().UnixNano()) }

// Run takes part in the group until ctx ends and then ends the open transaction. Its error is fatal: the group
// moves the partitions elsewhere when the process is gone.
func (c *Consumer) Run(ctx context.Context) error {
	delay := rebuildDelay
	for {
		committed := c.committed.Load()
		err := c.session(ctx)
		if err == nil && c.cfg.Leave {
			err = c.leave(context.WithoutCancel(ctx))
		}
		_, fatal := errors.AsType[*fatalError](err)
		switch {
		case err == nil || fatal:
			return err
		case ctx.Err() != nil:
			return fmt.Errorf("stopping without a commit, the next start reads the batch again: %w", err)
		}
		c.metrics.rebuilds.Inc()
		if c.committed.Load() > committed {
			delay = rebuildDelay // it did some good
		}
		c.log.Warn("session lost, building a new one", "err", err, "delay_ms", delay.Milliseconds())
		select {
		case <-time.After(delay):
			delay = min(2*delay, maxRebuildDelay)
		case <-ctx.Done():
			return nil
		}
	}
}

// session builds a session and takes it through its transactions. It returns nil when ctx ends.
func (c *Consumer) session(ctx context.Context) error {
	c.turned()
	s, err := kgo.NewGroupTransactSession(c.options()...)
	if err != nil {
		return fatalf("opening the Kafka session: %w", err)
	}
	defer func() {
		leaveCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), LeaveTimeout)
		defer cancel()
		_ = s.Client().LeaveGroupContext(leaveCtx) // Close would try for as long as a silent broker lets it
		kafka.Close(s.Close)
		c.owner.lost()
	}()
	// Fences a dead predecessor now and aborts what it left open. kgo would do so only at the first Begin, after
	// the first poll, and that poll waits for offsets staged in the dead transaction until it times out.
	fenceCtx, cancel := context.WithTimeout(ctx, fenceTimeout)
	defer cancel()
	if _, _, err := s.Client().ProducerID(fenceCtx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return classify(fmt.Errorf("starting transactions: %w", err))
	}
	t := &transactions{consumer: c, session: s}
	for ctx.Err() == nil {
		c.turned()
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
	ctx, cancel := context.WithTimeout(ctx, LeaveTimeout)
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
