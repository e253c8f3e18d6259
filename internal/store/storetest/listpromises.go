package storetest

import (
	"strings"

	"github.com/google/go-cmp/cmp"
)

func (h trial) listsChange() {
	t := h.t
	h.PutList("l.yaml", "a: [x]\nb: [x]\n")
	h.Put("1.yaml", TextUsing("a", "R1", 1))
	h.Put("2.yaml", TextUsing("b", "R2", 1))
	h.Put("3.yaml", Text("R3", 1))
	h.Put("4.yaml", TextUsing("a", "R4", 1))
	if diff := cmp.Diff([]string{"loaded R1 1", "loaded R2 1", "loaded R3 1", "loaded R4 1"}, names(h.load(t))); diff != "" {
		t.Fatalf("Load (-want +got):\n%s", diff)
	}
	h.start(t)
	sub := h.Store.Subscribe()
	h.PutList("l.yaml", "a: [y]\nb: [x]\n")
	c := next(t, sub)
	if line(c) != "loaded R1 1" || c.Rule.Digest != "y" || !strings.HasSuffix(c.Path, "1.yaml") {
		t.Errorf("change = %+v, want R1 with the other list", c)
	}
	until(t, sub, "loaded R4 1")
	h.PutList("l.yaml", "# no other list\nb: [x]\na: ['y']\n")
	h.PutList("l.yaml", "a: [y]\nb: [y]\n")
	if diff := cmp.Diff([]string{"loaded R2 1"}, until(t, sub, "loaded R2 1")); diff != "" {
		t.Errorf("changes after a comment and an edit (-want +got):\n%s", diff)
	}
	for _, r := range h.load(t) {
		if want := "y"; r.ID != "R3" && r.Digest != want {
			t.Errorf("Load has %s with %q, want %q", r.ID, r.Digest, want)
		}
	}
	nothingWaits(t, sub)
}

func (h trial) listsRefused() {
	t := h.t
	h.PutList("l.yaml", "a: [x]\n")
	h.Put("1.yaml", TextUsing("a", "R1", 1))
	h.load(t)
	h.start(t)
	sub := h.Store.Subscribe()
	inForce := func(what, digest string) {
		t.Helper()
		if rules := h.load(t); len(rules) != 1 || rules[0].Digest != digest {
			t.Errorf("%s: Load = %+v, want R1 with %q", what, rules, digest)
		}
	}
	h.PutList("l.yaml", "a: [y\n")
	if c := next(t, sub); line(c) != "refused " || !strings.HasSuffix(c.Path, "l.yaml") || c.Err == nil {
		t.Errorf("change = %+v, want the file of the list refused", c)
	}
	inForce("a bad file", "x")
	h.PutList("l.yaml", "a: [bad]\n")
	if c := next(t, sub); line(c) != "refused R1" || !strings.HasSuffix(c.Path, "1.yaml") || c.Err == nil {
		t.Errorf("change = %+v, want R1 refused", c)
	}
	inForce("values that the rule has no use for", "x")
	h.PutList("l.yaml", "a: [y]\n")
	until(t, sub, "loaded R1 1")
	h.RemoveList("l.yaml")
	if diff := cmp.Diff([]string{"refused R1"}, until(t, sub, "refused R1")); diff != "" {
		t.Errorf("changes after removal of the list (-want +got):\n%s", diff)
	}
	inForce("no list", "y")
	h.Put("1.yaml", Text("R1", 2))
	until(t, sub, "loaded R1 2")
	nothingWaits(t, sub)
}

func (h trial) listsAwaited() {
	t := h.t
	h.Put("1.yaml", TextUsing("a", "R1", 1))
	sub := h.Store.Subscribe()
	if rules := h.load(t); len(rules) != 0 {
		t.Errorf("Load = %q, want no rule without its list", names(rules))
	}
	until(t, sub, "refused R1")
	h.start(t)
	h.PutList("l.yaml", "a: [x]\n")
	if diff := cmp.Diff([]string{"loaded R1 1"}, until(t, sub, "loaded R1 1")); diff != "" {
		t.Errorf("changes when the list is there (-want +got):\n%s", diff)
	}
}
