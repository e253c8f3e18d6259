package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ttpworker/chaos/fleet"
	"ttpworker/chaos/proxy"
	"ttpworker/internal/kafkatest/apache"
)

// inflict does what a fault says and returns when it is over: the process is started again, the network is whole.
func (r *run) inflict(ctx context.Context, f Fault) error {
	switch f.Kind {
	case KillWorker, LoseWorker:
		w := r.ground.workers[f.Worker]
		if err := w.Kill(); err != nil {
			return err
		}
		sleep(ctx, f.Hold)
		return w.Start()
	case Rollout:
		return r.rollout(ctx)
	case Zombie:
		w := r.ground.workers[f.Worker]
		if err := w.Pause(); err != nil {
			return err
		}
		sleep(ctx, f.Hold)
		return w.Resume()
	case Storm:
		return r.storm(ctx, f.Hold)
	case Evict:
		return r.evict(ctx, f.Worker, f.Hold)
	case KillBroker, StopBroker, PauseBroker:
		return r.strike(ctx, f)
	case Cut:
		r.network(ctx, f, proxy.Fault{Refuse: true})
	case Stall:
		r.network(ctx, f, proxy.Fault{Up: true, Down: true})
	case StallRequests:
		r.network(ctx, f, proxy.Fault{Up: true})
	case StallAnswers:
		r.network(ctx, f, proxy.Fault{Down: true})
	}
	return nil
}

func (r *run) network(ctx context.Context, f Fault, fault proxy.Fault) {
	fault.Client, fault.Server = f.Worker, f.Broker
	end := r.ground.net.Inflict(fault)
	sleep(ctx, f.Hold)
	end()
}

// readyTimeout bounds the wait for a worker that has been started.
const readyTimeout = 60 * time.Second

// rollout ends and starts one worker after the other, each when the one before it is ready and tags flow again.
func (r *run) rollout(ctx context.Context) error {
	for i, w := range r.ground.workers {
		took, err := w.Stop()
		if err != nil {
			return err
		}
		r.stops = append(r.stops, took)
		if err := w.Start(); err != nil {
			return err
		}
		started := time.Now()
		if err := ready(ctx, w); err != nil {
			return err
		}
		if i < len(r.ground.workers)-1 {
			if _, err := r.recovery(ctx, started); err != nil {
				return err
			}
		}
	}
	return nil
}

func ready(ctx context.Context, w *fleet.Worker) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for !w.Ready(ctx) {
		if !sleep(ctx, look) {
			return fmt.Errorf("worker %d is not ready after %s", w.ID, readyTimeout)
		}
	}
	return nil
}

// stormBeat is how long the extra member stays, and how long it stays away.
const stormBeat = 300 * time.Millisecond

// storm has a member without a name join the group and leave it, over and over. It never commits.
func (r *run) storm(ctx context.Context, hold time.Duration) error {
	for end := time.Now().Add(hold); time.Now().Before(end) && ctx.Err() == nil; {
		cl, err := kgo.NewClient(kgo.SeedBrokers(r.ground.direct...), kgo.ClientID("chaos-storm"), kgo.ConsumerGroup(group),
			kgo.ConsumeTopics(r.ground.topics.Events), kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.DisableAutoCommit(),
			kgo.SessionTimeout(sessionTimeout), kgo.RebalanceTimeout(rebalanceTimeout))
		if err != nil {
			return fmt.Errorf("joining the group: %w", err)
		}
		stay, cancel := context.WithTimeout(ctx, stormBeat)
		for stay.Err() == nil {
			cl.PollRecords(stay, 1)
		}
		cancel()
		cl.Close()
		sleep(ctx, stormBeat)
	}
	return nil
}

// evictBeat is the pause between two evictions; it shares no factor with the time of a transaction, so that they meet
// transactions at all their stages.
const evictBeat = 637 * time.Millisecond

// evict throws a worker out of the group again and again, as an operator can: it learns of it by its next heartbeat, in the
// middle of a transaction that the brokers know nothing against.
func (r *run) evict(ctx context.Context, worker int, hold time.Duration) error {
	for end := time.Now().Add(hold); time.Now().Before(end) && ctx.Err() == nil; sleep(ctx, evictBeat) {
		groups, err := r.ground.admin.DescribeGroups(ctx, group)
		if err != nil {
			return fmt.Errorf("listing the members: %w", err)
		}
		members := groups[group].Members
		slices.SortFunc(members, func(a, b kadm.DescribedGroupMember) int { return strings.Compare(name(a), name(b)) })
		if len(members) <= worker {
			continue // it is out already
		}
		m := members[worker]
		req := kmsg.NewPtrLeaveGroupRequest()
		req.Group = group
		req.Members = []kmsg.LeaveGroupRequestMember{{MemberID: m.MemberID, InstanceID: m.InstanceID}}
		if _, err := req.RequestWith(ctx, r.client); err != nil {
			return fmt.Errorf("throwing out a member: %w", err)
		}
	}
	return nil
}

// name is what members are sorted by.
func name(m kadm.DescribedGroupMember) string {
	if m.InstanceID != nil {
		return *m.InstanceID
	}
	return m.MemberID
}

// brokerTimeout bounds the wait for a broker that has been started.
const brokerTimeout = 90 * time.Second

// strike does something to a broker and has it back.
func (r *run) strike(ctx context.Context, f Fault) error {
	n, err := r.broker(ctx, f)
	if err != nil {
		return err
	}
	if f.Kind == PauseBroker {
		if err := n.Pause(); err != nil {
			return err
		}
		sleep(ctx, f.Hold)
		return n.Resume()
	}
	end := n.Stop
	if f.Kind == KillBroker {
		end = n.Kill
	}
	if err := end(); err != nil {
		return err
	}
	sleep(ctx, f.Hold)
	if err := n.Start(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, brokerTimeout)
	defer cancel()
	if err := r.ground.cluster.Await(ctx); err != nil {
		return err
	}
	return r.balance(ctx)
}

// balance gives a broker that is back the partitions that it led, when it has caught up. Brokers do so by themselves after
// minutes; until then a fault of this one would be none.
func (r *run) balance(ctx context.Context) error {
	for {
		results, err := r.ground.admin.ElectLeaders(ctx, kadm.ElectPreferredReplica, nil)
		for _, parts := range results {
			for _, p := range parts {
				if !errors.Is(p.Err, kerr.ElectionNotNeeded) {
					err = errors.Join(err, p.Err)
				}
			}
		}
		if err == nil {
			return nil
		}
		if !sleep(ctx, 10*look) {
			return fmt.Errorf("electing leaders: %w", err)
		}
	}
}

// broker finds the one that a fault means.
func (r *run) broker(ctx context.Context, f Fault) (*apache.Node, error) {
	nodes := r.ground.cluster.Nodes()
	id := int32(f.Broker) //nolint:gosec // 1 to 3
	var err error
	switch f.Role {
	case GroupCoordinator:
		id, err = r.coordinator(ctx, 0, group)
	case TxnCoordinator:
		id, err = r.coordinator(ctx, 1, fmt.Sprintf("%s-%d", group, f.Worker))
	case Leader:
		id, err = r.leader(ctx, int32(f.Worker)) //nolint:gosec // 0 to 2
	case AnyBroker:
	}
	if err != nil {
		return nil, fmt.Errorf("looking for the %s: %w", f.Role, err)
	}
	for _, n := range nodes {
		if int32(n.ID) == id { //nolint:gosec // 1 to 3
			return n, nil
		}
	}
	return nodes[f.Broker-1], nil // nobody has the role now
}

// coordinator asks for that of a group (0) or of a transactional id (1); -1 = there is none now.
func (r *run) coordinator(ctx context.Context, of int8, key string) (int32, error) {
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.CoordinatorType, req.CoordinatorKeys = of, []string{key}
	resp, err := req.RequestWith(ctx, r.client)
	if err != nil {
		return 0, err
	}
	if len(resp.Coordinators) != 1 {
		return 0, errors.New("no answer")
	}
	return resp.Coordinators[0].NodeID, nil
}

// leader is that of a partition of the tags; -1 = there is none now.
func (r *run) leader(ctx context.Context, partition int32) (int32, error) {
	details, err := r.ground.admin.ListTopics(ctx, r.ground.topics.Tags)
	if err != nil {
		return 0, err
	}
	return details[r.ground.topics.Tags].Partitions[partition].Leader, nil
}
