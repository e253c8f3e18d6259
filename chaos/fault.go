package main

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"time"

	"ttpworker/chaos/proxy"
)

// A Kind is a kind of fault.
type Kind string

// The kinds of faults.
const (
	KillWorker    Kind = "worker killed, back at once"
	LoseWorker    Kind = "worker killed, back after its session"
	Rollout       Kind = "rollout of all workers"
	Zombie        Kind = "worker stands still past its session"
	Storm         Kind = "member joins and leaves"
	Evict         Kind = "worker thrown out of the group"
	KillBroker    Kind = "broker killed"
	StopBroker    Kind = "broker stopped in good order"
	PauseBroker   Kind = "broker stands still"
	Cut           Kind = "connections cut"
	Stall         Kind = "network stalls, both ways"
	StallRequests Kind = "network stalls, requests"
	StallAnswers  Kind = "network stalls, answers"
)

// kinds lists all kinds of faults.
func kinds() []Kind {
	return []Kind{
		KillWorker, LoseWorker, Rollout, Zombie, Storm, Evict, KillBroker, StopBroker, PauseBroker, Cut, Stall, StallRequests, StallAnswers,
	}
}

// A Role says which broker is meant; who that is shows when the fault begins.
type Role string

// The roles of brokers.
const (
	AnyBroker        Role = "any"
	GroupCoordinator Role = "coordinator of the group"
	TxnCoordinator   Role = "coordinator of a transaction"
	Leader           Role = "leader of an output partition"
)

// A Fault is one that is to come.
type Fault struct {
	Kind   Kind
	Pause  time.Duration // before it
	Hold   time.Duration // how long it lasts
	Worker int           // which; proxy.Any = all
	Broker int           // for Role any, and for the network: which, from 1; proxy.Any = all
	Role   Role          // for faults of a broker
}

func (f Fault) String() string {
	who := func(what string, n int) string {
		if n == proxy.Any {
			return "all " + what + "s"
		}
		return fmt.Sprintf("%s %d", what, n)
	}
	hold := f.Hold.Round(time.Millisecond)
	switch f.Kind {
	case KillWorker, LoseWorker, Zombie, Evict:
		return fmt.Sprintf("%s: %s, %s", f.Kind, who("worker", f.Worker), hold)
	case KillBroker, StopBroker, PauseBroker:
		if f.Role == AnyBroker {
			return fmt.Sprintf("%s: %s, %s", f.Kind, who("broker", f.Broker), hold)
		}
		return fmt.Sprintf("%s: %s, %s", f.Kind, f.Role, hold)
	case Cut, Stall, StallRequests, StallAnswers:
		return fmt.Sprintf("%s: %s to %s, %s", f.Kind, who("worker", f.Worker), who("broker", f.Broker), hold)
	case Storm:
		return fmt.Sprintf("%s: %s", f.Kind, hold)
	default:
		return string(f.Kind)
	}
}

// schedule deals faults without end, the same ones for the same seed: the given kinds in an order by chance, then in
// another one, and so on.
func schedule(seed uint64, of []Kind) iter.Seq[Fault] {
	return func(yield func(Fault) bool) {
		d := dealer{rand.New(rand.NewPCG(seed, 2))} //nolint:gosec // the same faults for the same seed
		for {
			deck := slices.Clone(of)
			d.random.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
			for _, k := range deck {
				if !yield(d.deal(k)) {
					return
				}
			}
		}
	}
}

type dealer struct{ random *rand.Rand }

func (d dealer) between(low, high time.Duration) time.Duration {
	return low + time.Duration(d.random.Int64N(int64(high-low)))
}

// deal makes a fault of a kind. Every fault takes as many numbers from the dealer, so that a change of one kind does not
// change the others.
func (d dealer) deal(k Kind) Fault {
	f := Fault{Kind: k, Pause: d.between(500*time.Millisecond, 2*time.Second), Worker: d.random.IntN(replicas), Broker: 1 + d.random.IntN(brokers)}
	f.Role = []Role{AnyBroker, GroupCoordinator, TxnCoordinator, Leader}[d.random.IntN(4)]
	spread := d.random.IntN(4) // 0: all workers and all brokers, 1: all workers, 2: all brokers, 3: one of each
	share := d.random.Float64()
	between := func(low, high time.Duration) time.Duration { return low + time.Duration(share*float64(high-low)) }
	switch k {
	case KillWorker:
		f.Hold = between(20*time.Millisecond, 450*time.Millisecond)
	case LoseWorker:
		f.Hold = between(sessionTimeout+2*time.Second, sessionTimeout+4*time.Second)
	case Zombie:
		f.Hold = between(sessionTimeout+time.Second, 2*sessionTimeout)
	case Storm, Evict:
		f.Hold = between(4*time.Second, 8*time.Second)
	case KillBroker, StopBroker:
		f.Hold = between(time.Second, 6*time.Second)
	case PauseBroker:
		f.Hold = between(time.Second, sessionTimeout)
	case Cut:
		f.Hold = between(0, 2*time.Second)
	case Stall, StallRequests, StallAnswers:
		f.Hold = between(time.Second, 2*sessionTimeout)
	case Rollout:
	}
	if slices.Contains([]Kind{Cut, Stall, StallRequests, StallAnswers}, k) {
		if spread == 0 || spread == 1 {
			f.Worker = proxy.Any
		}
		if spread == 0 || spread == 2 {
			f.Broker = proxy.Any
		}
	}
	return f
}
