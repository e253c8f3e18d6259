// Package taggertest is the contract of tagger.Tagger in executable form: every implementation and wrapper runs
// it over events of its own choice.
package taggertest

import (
	"bytes"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/tagger"
)

// Run checks the promises of tagger.Tagger on tg, one subtest each. events are of kinds that tg claims; together
// they should make it give tags, none, and an error if it has any.
func Run(t *testing.T, tg tagger.Tagger, events ...tagger.TaggerEvent) {
	t.Helper()
	want := make([]outcome, len(events))
	for i := range events {
		want[i] = ask(tg, nil, events[i])
	}
	t.Run("kinds are the caller's and stay the same", func(t *testing.T) { checkKinds(t, tg) })
	t.Run("deterministic", func(t *testing.T) {
		for i, ev := range events {
			checkOutcome(t, ask(tg, nil, ev), want[i])
		}
	})
	t.Run("dst is extended", func(t *testing.T) {
		for i, ev := range events {
			for _, spare := range []int{0, 1, 1000} {
				checkExtends(t, tg, ev, want[i], spare)
			}
		}
	})
	t.Run("the event is neither changed nor kept", func(t *testing.T) {
		for i, ev := range events {
			checkEventIsLeftAlone(t, tg, ev, want[i])
		}
	})
	t.Run("safe for concurrent use", func(t *testing.T) {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 10 {
					for i, ev := range events {
						checkOutcome(t, ask(tg, nil, ev), want[i])
					}
				}
			})
		}
		wg.Wait()
	})
}

// An outcome is what AppendTags returned, free of memory shared with anybody.
type outcome struct {
	Tags []tagger.Tag
	Err  string
}

func ask(tg tagger.Tagger, dst []tagger.Tag, ev tagger.TaggerEvent) outcome {
	ev.Payload = bytes.Clone(ev.Payload)
	tags, err := tg.AppendTags(dst, &ev)
	return result(tags, err)
}

func result(tags []tagger.Tag, err error) outcome {
	out := outcome{Tags: slices.Clone(tags)}
	for i := range out.Tags {
		out.Tags[i].Evidence = bytes.Clone(out.Tags[i].Evidence)
	}
	if err != nil {
		out.Err = err.Error()
	}
	return out
}

func checkOutcome(t *testing.T, got, want outcome) {
	t.Helper()
	if len(got.Tags) == 0 && len(want.Tags) == 0 && got.Err == want.Err {
		return // nil and empty are the same
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("AppendTags (-want +got):\n%s", diff)
	}
}

func checkKinds(t *testing.T, tg tagger.Tagger) {
	t.Helper()
	first := slices.Clone(tg.Kinds())
	given := tg.Kinds()
	for i := range given {
		given[i] = "scribble"
	}
	if diff := cmp.Diff(first, tg.Kinds()); diff != "" {
		t.Errorf("Kinds after its result was written to (-before +after):\n%s", diff)
	}
	if tg.Name() == "" || tg.Name() != tg.Name() { //nolint:staticcheck // a name that changes is what is looked for
		t.Errorf("Name() = %q, want the same text each time, not empty", tg.Name())
	}
}

// checkExtends asks with two tags in dst and room for spare more.
func checkExtends(t *testing.T, tg tagger.Tagger, ev tagger.TaggerEvent, want outcome, spare int) {
	t.Helper()
	before := []tagger.Tag{{RuleID: "first", Evidence: []byte("{}")}, {RuleID: "second"}}
	dst := append(make([]tagger.Tag, 0, len(before)+spare), before...)
	ev.Payload = bytes.Clone(ev.Payload)
	got, err := tg.AppendTags(dst, &ev)
	if diff := cmp.Diff(before, dst); diff != "" {
		t.Errorf("AppendTags changed dst (-before +after):\n%s", diff)
	}
	if len(got) < len(before) {
		t.Fatalf("AppendTags(%d tags) returned %d tags, want dst extended", len(before), len(got))
	}
	if err != nil && len(got) != len(before) {
		t.Errorf("AppendTags returned %d tags and the error %v, want dst as it was", len(got), err)
	}
	if diff := cmp.Diff(before, got[:len(before)]); diff != "" {
		t.Errorf("AppendTags returned other tags than dst at its beginning (-want +got):\n%s", diff)
	}
	checkOutcome(t, result(got[len(before):], err), want)
}

func checkEventIsLeftAlone(t *testing.T, tg tagger.Tagger, ev tagger.TaggerEvent, want outcome) {
	t.Helper()
	ev.Payload = bytes.Clone(ev.Payload)
	before := ev
	before.Payload = bytes.Clone(ev.Payload)
	tags, err := tg.AppendTags(nil, &ev)
	if diff := cmp.Diff(before, ev); diff != "" {
		t.Errorf("AppendTags changed the event (-before +after):\n%s", diff)
	}
	for i := range ev.Payload {
		ev.Payload[i] = '!'
	}
	ev = tagger.TaggerEvent{Payload: ev.Payload}
	checkOutcome(t, result(tags, err), want) // a tag that shows the scribble had kept the payload
}
