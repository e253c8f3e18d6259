package main

import (
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ttpworker/chaos/proxy"
)

func take(n int, all iter.Seq[Fault]) (first []Fault) {
	for f := range all {
		if first = append(first, f); len(first) == n {
			break
		}
	}
	return first
}

func TestTheScheduleFollowsFromItsSeed(t *testing.T) {
	one := take(100, schedule(1, kinds()))
	if diff := cmp.Diff(one, take(100, schedule(1, kinds()))); diff != "" {
		t.Errorf("two schedules of one seed differ (-first +second):\n%s", diff)
	}
	if cmp.Equal(one, take(100, schedule(2, kinds()))) {
		t.Error("two seeds give one schedule")
	}
}

func TestTheScheduleHasEveryKindInEveryRound(t *testing.T) {
	n := len(kinds())
	faults := take(3*n, schedule(3, kinds()))
	for round := range slices.Chunk(faults, n) {
		var got []Kind
		for _, f := range round {
			got = append(got, f.Kind)
		}
		slices.Sort(got)
		if diff := cmp.Diff(slices.Sorted(slices.Values(kinds())), got); diff != "" {
			t.Errorf("kinds of a round (-want +got):\n%s", diff)
		}
	}
}

// What is promised is promised for faults of a certain length.
func TestFaultsLastAsLongAsTheyShould(t *testing.T) {
	const session = sessionTimeout
	spread := map[string]bool{}
	for _, f := range take(2000, schedule(4, kinds())) {
		low, high := time.Duration(0), 2*session
		switch f.Kind {
		case KillWorker:
			high = 500 * time.Millisecond
		case LoseWorker:
			low, high = session+time.Second, session+5*time.Second
		case Zombie:
			low = session
		case Stall, StallAnswers, StallRequests:
			low = time.Second
			spread[strings.Join([]string{string(f.Kind), map[bool]string{true: "all"}[f.Worker == proxy.Any], map[bool]string{true: "all"}[f.Broker == proxy.Any]}, "/")] = true
		default:
		}
		if f.Hold < low || f.Hold > high || f.Pause <= 0 {
			t.Errorf("%s lasts %s, want %s to %s", f.Kind, f.Hold, low, high)
		}
	}
	if len(spread) != 3*4 {
		t.Errorf("stalls are of %d kinds, want 3 of one or all workers and one or all brokers: %v", len(spread), spread)
	}
}
