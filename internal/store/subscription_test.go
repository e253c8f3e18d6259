package store_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/store"
)

func newBroadcaster() *store.Broadcaster {
	return store.NewBroadcaster(store.NewMetrics(prometheus.NewRegistry()))
}

func loaded(id string) store.Change  { return store.Change{Kind: store.Loaded, RuleID: id} }
func removed(id string) store.Change { return store.Change{Kind: store.Removed, RuleID: id} }
func refused(path string) store.Change {
	return store.Change{Kind: store.Refused, Path: path, RuleID: "R1"}
}

// drain reads until nothing waits any more: "kind rule path" each.
func drain(t *testing.T, sub *store.Subscription) []string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // Next hands out what waits all the same
	var got []string
	for {
		c, err := sub.Next(ctx)
		if err != nil {
			return got
		}
		got = append(got, string(c.Kind)+" "+c.RuleID+c.Path)
	}
}

func TestSubscription(t *testing.T) {
	for _, tt := range []struct {
		name    string
		publish []store.Change
		want    []string
	}{
		{name: "nothing"},
		{name: "order is kept", publish: []store.Change{loaded("B"), loaded("A")}, want: []string{"loaded B", "loaded A"}},
		{
			name:    "the later of two changes of a rule counts and stands where it was published",
			publish: []store.Change{loaded("A"), loaded("B"), removed("A")},
			want:    []string{"loaded B", "removed A"},
		},
		{
			name:    "a file refused, then good again, is read in that order",
			publish: []store.Change{loaded("R1"), refused("a"), loaded("R1")},
			want:    []string{"refused R1a", "loaded R1"},
		},
		{
			name:    "a state does not replace a rule",
			publish: []store.Change{loaded("A"), {Kind: store.StateChanged, RuleID: "A"}},
			want:    []string{"loaded A", "state A"},
		},
		{
			name:    "refused files are told apart by path",
			publish: []store.Change{refused("a"), refused("b"), refused("a")},
			want:    []string{"refused R1b", "refused R1a"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBroadcaster()
			sub, other := b.Subscribe(), b.Subscribe()
			for _, c := range tt.publish {
				b.Publish(c)
			}
			if diff := cmp.Diff(tt.want, drain(t, sub)); diff != "" {
				t.Errorf("first subscription (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, drain(t, other)); diff != "" {
				t.Errorf("second subscription (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSubscriptionSeesOnlyWhatComesLater(t *testing.T) {
	b := newBroadcaster()
	b.Publish(loaded("A"))
	sub := b.Subscribe()
	b.Publish(loaded("B"))
	if diff := cmp.Diff([]string{"loaded B"}, drain(t, sub)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func TestNextWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroadcaster()
		sub := b.Subscribe()
		got := make(chan store.Change, 2) // one per reader
		for range 2 {
			go func() {
				c, err := sub.Next(t.Context())
				if err != nil {
					t.Errorf("Next = %v", err)
				}
				got <- c
			}()
		}
		synctest.Wait()
		if len(got) != 0 {
			t.Fatal("Next returned before there was a change")
		}
		b.Publish(loaded("A"), loaded("B"))
		if a, b := <-got, <-got; a.RuleID == b.RuleID {
			t.Errorf("two readers both got %q", a.RuleID)
		}
	})
}

func TestNextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroadcaster()
		byReader, byStore := b.Subscribe(), b.Subscribe()
		b.Publish(loaded("A"))
		byReader.Close()
		byReader.Close()
		if _, err := byReader.Next(t.Context()); !errors.Is(err, store.ErrClosed) {
			t.Errorf("Next after the subscription's Close = %v, want ErrClosed", err)
		}

		b.Close()
		b.Publish(loaded("B"))
		if c, err := byStore.Next(t.Context()); err != nil || c.RuleID != "A" {
			t.Errorf("Next after the store's Close = %q, %v, want the change that waited", c.RuleID, err)
		}
		if _, err := byStore.Next(t.Context()); !errors.Is(err, store.ErrClosed) {
			t.Errorf("second Next after the store's Close = %v, want ErrClosed", err)
		}
		if _, err := b.Subscribe().Next(t.Context()); !errors.Is(err, store.ErrClosed) {
			t.Errorf("Next of a late subscription = %v, want ErrClosed", err)
		}
	})
}

func TestNextEndsWhileItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroadcaster()
		sub := b.Subscribe()
		ended := make(chan error, 1)
		wait := func(ctx context.Context) {
			_, err := sub.Next(ctx)
			ended <- err
		}
		ctx, cancel := context.WithCancel(t.Context())
		go wait(ctx)
		synctest.Wait()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Next when ctx ends = %v, want context.Canceled", err)
		}
		go wait(t.Context())
		synctest.Wait()
		sub.Close()
		if err := <-ended; !errors.Is(err, store.ErrClosed) {
			t.Errorf("Next when Close is called = %v, want ErrClosed", err)
		}
	})
}

// TestSlowSubscriber: one that never reads blocks nobody, and its queue has one change per rule, the last.
func TestSlowSubscriber(t *testing.T) {
	b := newBroadcaster()
	slow := b.Subscribe()
	var publishers sync.WaitGroup
	for p := range 4 {
		publishers.Go(func() {
			for range 1000 {
				b.Publish(loaded(strconv.Itoa(p)))
			}
			b.Publish(removed(strconv.Itoa(p)))
		})
	}
	publishers.Wait()
	got := drain(t, slow)
	if len(got) != 4 {
		t.Fatalf("%d changes wait, want 4: %q", len(got), got)
	}
	for _, c := range got {
		if c[:7] != "removed" {
			t.Errorf("change %q waits, want the last word on the rule: removed", c)
		}
	}
}
