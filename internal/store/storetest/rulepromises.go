package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/rule"
	"ttpworker/internal/store"
)

func (h trial) loads() {
	t := h.t
	h.Put("b.yaml", Text("R1", 3))
	h.Put("a.yaml", Text("R2", 1))
	want := []string{"loaded R1 3", "loaded R2 1"}
	rules := h.load(t)
	if diff := cmp.Diff(want, names(rules)); diff != "" {
		t.Fatalf("Load (-want +got):\n%s", diff)
	}
	if got, want := rules[0].File.Text, Text("R1", 3); got != want {
		t.Errorf("R1 was parsed from %q, want %q", got, want)
	}
	rules[0] = nil // the slice is the caller's
	if diff := cmp.Diff(want, names(h.load(t))); diff != "" {
		t.Errorf("second Load (-want +got):\n%s", diff)
	}
}

func (h trial) refuses() {
	t := h.t
	h.Put("a.yaml", Text("R1", 1))
	h.Put("b.yaml", "rule_id: R2\n")
	sub := h.Store.Subscribe()
	if diff := cmp.Diff([]string{"loaded R1 1"}, names(h.load(t))); diff != "" {
		t.Errorf("Load with a bad file (-want +got):\n%s", diff)
	}
	if c := next(t, sub); c.Kind != store.Refused || c.RuleID != "R2" || !strings.HasSuffix(c.Path, "b.yaml") || c.Err == nil {
		t.Errorf("change = %+v, want b.yaml refused", c)
	}
	h.start(t)
	h.Put("b.yaml", Text("R2", 1))
	until(t, sub, "loaded R2 1")
	h.Put("b.yaml", "rule_id: R2\nrule_version: two\nname: x\n")
	until(t, sub, "refused R2")
	if diff := cmp.Diff([]string{"loaded R1 1", "loaded R2 1"}, names(h.load(t))); diff != "" {
		t.Errorf("the last good version does not stay (-want +got):\n%s", diff)
	}
	h.Put("b.yaml", Text("R2", 2))
	until(t, sub, "loaded R2 2")
}

func (h trial) duplicates() {
	t := h.t
	h.Put("b.yaml", Text("R1", 1))
	h.Put("c.yaml", Text("R1", 2))
	sub := h.Store.Subscribe()
	if diff := cmp.Diff([]string{"loaded R1 1"}, names(h.load(t))); diff != "" {
		t.Errorf("Load of two files with one id: the first by path counts (-want +got):\n%s", diff)
	}
	c := next(t, sub)
	if c.Kind != store.Refused || !errors.Is(c.Err, rule.ErrDuplicate) || !strings.HasSuffix(c.Path, "c.yaml") {
		t.Errorf("change = %+v, want c.yaml refused as a duplicate", c)
	}
	h.start(t)
	h.Put("a.yaml", Text("R1", 3))
	until(t, sub, "refused R1")
	if diff := cmp.Diff([]string{"loaded R1 1"}, names(h.load(t))); diff != "" {
		t.Errorf("a newcomer took the rule over (-want +got):\n%s", diff)
	}
	h.Remove("b.yaml")
	until(t, sub, "loaded R1 3")
}

func (h trial) fansOut() {
	t := h.t
	ids := []string{"R1", "R2", "R3", "R4"}
	for _, id := range ids {
		h.Put(id+".yaml", Text(id, 1))
	}
	h.load(t)
	h.start(t)
	one, other := h.Store.Subscribe(), h.Store.Subscribe()
	for _, id := range ids[:3] {
		h.Put(id+".yaml", Text(id, 2))
	}
	want := []string{"loaded R1 2", "loaded R2 2", "loaded R3 2"}
	for _, sub := range []*store.Subscription{one, other} {
		var got []string
		for range want {
			got = append(got, line(next(t, sub)))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
	}
	h.Put("R4.yaml", Text("R4", 1)) // the same bytes
	h.Put("R3.yaml", Text("R3", 3))
	if diff := cmp.Diff([]string{"loaded R3 3"}, until(t, one, "loaded R3 3")); diff != "" {
		t.Errorf("changes after the same bytes again and one edit (-want +got):\n%s", diff)
	}
	one.Close()
	if _, err := one.Next(t.Context()); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Next after Close = %v, want ErrClosed", err)
	}
	until(t, other, "loaded R3 3")
}

func (h trial) removes() {
	t := h.t
	h.Put("a.yaml", Text("R1", 1))
	h.Put("b.yaml", Text("R2", 1))
	h.load(t)
	h.start(t)
	sub := h.Store.Subscribe()
	h.Remove("a.yaml")
	if diff := cmp.Diff([]string{"removed R1"}, until(t, sub, "removed R1")); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"loaded R2 1"}, names(h.load(t))); diff != "" {
		t.Errorf("Load after removal (-want +got):\n%s", diff)
	}
	h.Put("a.yaml", Text("R1", 1))
	until(t, sub, "loaded R1 1")
	nothingWaits(t, sub)
}

func (h trial) missesNothing() {
	t := h.t
	h.Put("a.yaml", Text("R1", 1))
	h.Put("b.yaml", Text("R2", 1))
	sub := h.Store.Subscribe()
	h.load(t)
	h.Put("a.yaml", Text("R1", 2)) // after loading, before running
	h.start(t)
	h.Put("b.yaml", Text("R2", 2)) // after running, before the first Next
	want := []string{"loaded R1 2", "loaded R2 2"}
	for deadline := time.Now().Add(patience); !cmp.Equal(want, names(h.load(t))); {
		if time.Now().After(deadline) {
			t.Fatalf("Load = %q, want %q", names(h.load(t)), want)
		}
		<-time.After(5 * time.Millisecond)
	}
	got := map[string]bool{line(next(t, sub)): true, line(next(t, sub)): true}
	if diff := cmp.Diff(map[string]bool{want[0]: true, want[1]: true}, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	nothingWaits(t, sub)
}

func (h trial) slowSubscriber() {
	t := h.t
	h.Put("a.yaml", Text("R1", 1))
	h.load(t)
	h.start(t)
	slow, quick := h.Store.Subscribe(), h.Store.Subscribe()
	for version := 2; version <= 6; version++ {
		h.Put("a.yaml", Text("R1", version))
		until(t, quick, fmt.Sprintf("loaded R1 %d", version))
		h.set(t, store.State{RuleID: "R1", State: "shadow", Reason: strconv.Itoa(version)})
	}
	rule, state := next(t, slow), next(t, slow)
	if line(rule) != "loaded R1 6" || state.State.Reason != "6" {
		t.Errorf("the slow subscriber reads %q, then %+v, want the last word on each", line(rule), state)
	}
	nothingWaits(t, slow)
}

func (h trial) swapsAtomically() {
	t := h.t
	h.Put("a.yaml", Text("R1", 1))
	h.load(t)
	h.start(t)
	sub := h.Store.Subscribe()
	ctx, cancel := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for last := 0; ctx.Err() == nil; <-time.After(time.Millisecond) {
				rules, err := h.Store.Load(t.Context())
				if err != nil || len(rules) != 1 {
					t.Errorf("Load = %d rules, %v, want one", len(rules), err)
					return
				}
				r := rules[0]
				if r.Name != fmt.Sprintf("version %d", *r.Version) || *r.Version < last {
					t.Errorf("read version %d, name %q, after version %d", *r.Version, r.Name, last)
					return
				}
				last = *r.Version
				h.Store.State("R1")
			}
		})
	}
	for version := 2; version <= 6; version++ {
		h.Put("a.yaml", Text("R1", version))
		until(t, sub, fmt.Sprintf("loaded R1 %d", version))
	}
	cancel()
	readers.Wait()
}

func (h trial) closes() {
	t := h.t
	h.Put("a.yaml", Text("R1", 1))
	h.load(t)
	stop := h.start(t)
	sub := h.Store.Subscribe()
	h.set(t, store.State{RuleID: "R1", State: "disabled"})
	stop()
	if got := line(next(t, sub)); got != "state R1 disabled" {
		t.Errorf("Next = %q, want the change that waited", got)
	}
	for _, s := range []*store.Subscription{sub, h.Store.Subscribe()} {
		if _, err := s.Next(t.Context()); !errors.Is(err, store.ErrClosed) {
			t.Errorf("Next of a closed store = %v, want ErrClosed", err)
		}
	}
	if err := h.Store.SetState(t.Context(), store.State{RuleID: "R1", State: "enabled"}); !errors.Is(err, store.ErrClosed) {
		t.Errorf("SetState of a closed store = %v, want ErrClosed", err)
	}
	if got := names(h.load(t)); len(got) != 1 {
		t.Errorf("Load of a closed store = %q, want the rule", got)
	}
	if got := h.Store.State("R1").State; got != "disabled" {
		t.Errorf("State of a closed store = %q, want disabled", got)
	}
}
