package consume

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/kafka"
)

const (
	// idlePoll bounds a poll, so that the loop turns and shows that it lives.
	idlePoll = time.Second
	// fenceTimeout bounds the fencing of a predecessor, so that a start against a silent coordinator is tried anew.
	fenceTimeout = 30 * time.Second
	// The first session that fails is rebuilt after rebuildDelay, one that fails again after twice as long, and so
	// on up to maxRebuildDelay.
	rebuildDelay    = 250 * time.Millisecond
	maxRebuildDelay = 10 * time.Second
)

// A member is one place in the group, for as long as the process lives: a session, and when that is lost the next one.
type member struct {
	*Consumer
	name      string // instance and transactional id; "" for a replica without a name
	anonymous string // transactional id of one without
	owner     *ownership
	log       *slog.Logger

	said   said    // of the partitions that it has or had
	untold *untold // of the session's client

	joined    atomic.Bool
	lost      atomic.Bool           // the group dropped it, and it has no partitions again yet
	narrow    atomic.Pointer[error] // an output topic lacks the partition of a record: no new session has more
	turns     clock
	committed atomic.Int64 // transactions

	// The loop's own, of the last poll.
	trouble string                       // what it could not do
	bombs   []*kgo.ErrDecompressTooLarge // batches it would not unpack
}

func newMember(c *Consumer, name string, keeper func(bool), log *slog.Logger) *member {
	return &member{
		Consumer: c, name: name, anonymous: anonymousName(c.cfg.Group), owner: newOwnership(c.topics[0], keeper), log: log,
	}
}

func (m *member) turned()             { m.turns.tick() }
func (m *member) lastTurn() time.Time { return m.turns.last() }

// assigned is told, over and over, of all partitions that the member owns now.
func (m *member) assigned(parts map[string][]int32) {
	m.lag.assigned(cmp.Or(m.name, m.anonymous), parts)
	m.owner.assigned(parts)
}

// run takes part in the group until ctx ends. Its error is fatal.
//
// It joins when the handler is ready: until then the partitions are in better hands. A member with a name does so at
// once, as the place it takes is its own and a restart is shorter by the time that rules take to load.
func (m *member) run(ctx context.Context) error {
	delay := rebuildDelay
	if m.name == "" {
		if err := m.awaitHandler(ctx, math.MaxInt64); err != nil || ctx.Err() != nil {
			return err
		}
	}
	for {
		committed := m.committed.Load()
		err := m.session(ctx)
		if err == nil && m.cfg.Leave {
			err = m.leave(context.WithoutCancel(ctx))
		}
		_, fatal := errors.AsType[*fatalError](err)
		switch {
		case err == nil || fatal:
			return err
		case errors.Is(err, errNotReady): // others may have the partitions meanwhile
			m.log.Warn("out of the group until there are rules", "err", errors.Join(err, m.leave(ctx)))
			if err := m.awaitHandler(ctx, math.MaxInt64); err != nil || ctx.Err() != nil {
				return err
			}
			continue
		case ctx.Err() != nil:
			return fmt.Errorf("stopping without a commit, the next start reads the batch again: %w", err)
		}
		m.metrics.rebuilds.Inc()
		if m.committed.Load() > committed {
			delay = rebuildDelay // it did some good
		}
		m.log.Warn("session lost, building a new one", "err", m.cluster.Explain(err), "delay_ms", delay.Milliseconds())
		select {
		case <-time.After(delay):
			delay = min(2*delay, maxRebuildDelay)
		case <-ctx.Done():
			return nil
		}
	}
}

// session builds a session and takes it through its transactions. It returns nil when ctx ends.
func (m *member) session(ctx context.Context) error {
	m.turned()
	m.untold = &untold{}
	s, err := m.open()
	if err != nil {
		return fatalf("opening the Kafka session: %w", err)
	}
	m.lost.Store(false)
	watchCtx, stopWatch := context.WithCancel(ctx)
	watched := m.watchOwnership(watchCtx, s.Client())
	defer func() {
		stopWatch()
		<-watched
		leaveCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), LeaveTimeout)
		defer cancel()
		s.Client().AllowRebalance()
		_ = s.Client().LeaveGroupContext(leaveCtx) // Close would try for as long as a silent broker lets it
		kafka.Close(s.Client().CloseAllowingRebalance)
		m.owner.lost()
	}()
	if err := m.fence(ctx, s); err != nil || ctx.Err() != nil {
		return err
	}
	if err := m.awaitHandler(ctx, m.cfg.SessionTimeout); err != nil {
		return err
	}
	t := &transactions{member: m, session: s, passed: map[partition]struct{}{}}
	defer t.forget()
	for ready := time.Now(); ctx.Err() == nil; {
		m.turned()
		if err := t.turn(ctx); err != nil {
			return err
		}
		switch {
		case m.mayBegin():
			ready = time.Now()
		case t.open == nil && time.Since(ready) >= m.cfg.SessionTimeout:
			return fmt.Errorf("%w for %s", errNotReady, m.cfg.SessionTimeout)
		}
	}
	return t.stop(ctx)
}

func (m *member) mayBegin() bool {
	select {
	case <-m.handler.Ready():
		return true
	default:
		return false
	}
}

// errNotReady is the end of a session whose handler keeps it waiting.
var errNotReady = errors.New("there are no rules")

// awaitHandler waits until batches may begin, or ctx ends; if patience is over, it gives up.
func (m *member) awaitHandler(ctx context.Context, patience time.Duration) error {
	tick := time.NewTicker(idlePoll)
	defer tick.Stop()
	for began := time.Now(); ; {
		m.turned()
		select {
		case <-m.handler.Ready():
			return nil
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if time.Since(began) >= patience {
				return fmt.Errorf("%w for %s", errNotReady, patience)
			}
		}
	}
}

// fence ends what a dead predecessor left open. kgo would do so only at the first Begin, after the first poll, and that
// poll waits for offsets staged in the dead transaction until it times out.
func (m *member) fence(ctx context.Context, s session) error {
	if m.cfg.Delivery == kafka.AtLeastOnce {
		return nil
	}
	fenceCtx, cancel := context.WithTimeout(ctx, fenceTimeout)
	defer cancel()
	if _, _, err := s.Client().ProducerID(fenceCtx); err != nil && ctx.Err() == nil {
		return classify(fmt.Errorf("starting transactions: %w", err))
	}
	return nil
}

// leave gives up the place of a named replica, which otherwise stays its own until session_timeout is over. A
// replica without a name has left with its session.
func (m *member) leave(ctx context.Context) error {
	if m.name == "" {
		return nil
	}
	cl, err := m.cluster.Client(m.cfg.Group)
	if err != nil {
		return err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, LeaveTimeout)
	defer cancel()
	left, err := kadm.NewClient(cl).LeaveGroup(ctx, kadm.LeaveGroup(m.cfg.Group).InstanceIDs(m.name).Reason("scaling down"))
	if err == nil {
		err = left.Error()
	}
	if err != nil {
		return fatalf("leaving the group: %w", err)
	}
	return nil
}
