package tagger_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/taggertest"
)

func TestCompositeKeepsTheTaggerContract(t *testing.T) {
	t.Parallel()
	sometimes := fake{name: "sometimes", kinds: []string{"command"}, do: func(dst []tagger.Tag, ev *tagger.TaggerEvent) ([]tagger.Tag, error) {
		if ev.SourceID == "bad" {
			return nil, errors.New("bad event")
		}
		return append(dst, tagger.Tag{RuleID: "sometimes", SourceID: ev.SourceID}), nil
	}}
	c := tagger.NewComposite(newWatch().Monitor, []string{"session"}, gives("a", "b"), sometimes, panics("now"), gives("c"))
	taggertest.Run(
		t, c,
		tagger.TaggerEvent{SourceKind: "command", SourceID: "good", Payload: []byte(`{"a": 1}`)},
		tagger.TaggerEvent{SourceKind: "command", SourceID: "bad", Payload: []byte(`{}`)},
		tagger.TaggerEvent{SourceKind: "session", SourceID: "unclaimed"},
		tagger.TaggerEvent{SourceKind: "nonsense", SourceID: "unknown"},
	)
}

func TestCompositeGivesTagsInOrderOfRegistration(t *testing.T) {
	t.Parallel()
	c := tagger.NewComposite(newWatch().Monitor, nil, gives("z", "b"), gives("a"), gives("z"))
	tags, err := c.AppendTags(nil, command())
	if err != nil {
		t.Fatal(err)
	}
	checkRules(t, tags, "z", "b", "a", "z")
}

func TestCompositeAsksOnlyClaimingTaggers(t *testing.T) {
	t.Parallel()
	web, both := gives("web"), gives("both")
	web.kinds = []string{"http_request"}
	both.kinds = []string{"http_request", "command", "command"} // named twice, asked once
	c := tagger.NewComposite(newWatch().Monitor, nil, web, gives("command"), both)
	tags, err := c.AppendTags(nil, command())
	if err != nil {
		t.Fatal(err)
	}
	checkRules(t, tags, "command", "both")
	if got := web.calls.Load(); got != 0 {
		t.Errorf("a tagger of another kind was asked %d times, want 0", got)
	}
	if got := both.calls.Load(); got != 1 {
		t.Errorf("a tagger of two kinds was asked %d times, want 1", got)
	}
	if diff := cmp.Diff([]string{"command", "http_request"}, c.Kinds()); diff != "" {
		t.Errorf("Kinds (-want +got):\n%s", diff)
	}
}

func TestEmptyCompositeIsLegal(t *testing.T) {
	t.Parallel()
	w := newWatch()
	c := tagger.NewComposite(w.Monitor, tagger.BuiltinKinds())
	dst := []tagger.Tag{{RuleID: "before"}}
	tags, err := c.AppendTags(dst, command())
	if err != nil {
		t.Fatal(err)
	}
	checkRules(t, tags, "before")
	if got := c.Kinds(); len(got) != 0 {
		t.Errorf("Kinds() = %q, want none", got)
	}
	if lines := w.lines(t); len(lines) != 1 {
		t.Errorf("log = %v, want the one line that nobody claims the kind", lines)
	}
}

func TestTaggerWithoutKindsIsIdle(t *testing.T) {
	t.Parallel()
	w := newWatch()
	lazy := gives("never")
	lazy.name, lazy.kinds = "lazy", nil
	for range 3 { // as three reloads do
		c := tagger.NewComposite(w.Monitor, nil, lazy, gives("a"))
		tags, err := c.AppendTags(nil, command())
		if err != nil {
			t.Fatal(err)
		}
		checkRules(t, tags, "a")
	}
	if got := lazy.calls.Load(); got != 0 {
		t.Errorf("a tagger without kinds was asked %d times, want 0", got)
	}
	want := []map[string]any{{"level": "WARN", "msg": "tagger claims no source kind and stays idle", "tagger": "lazy"}}
	if diff := cmp.Diff(want, w.lines(t)); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestCompositeInsideAComposite(t *testing.T) {
	t.Parallel()
	w := newWatch()
	inner := tagger.NewComposite(w.Monitor, nil, gives("a"), panics("now"), gives("b"))
	outer := tagger.NewComposite(w.Monitor, nil, inner, gives("c"))
	tags, err := outer.AppendTags(nil, command())
	if err != nil {
		t.Fatal(err)
	}
	checkRules(t, tags, "a", "b", "c")
}

func TestCompositeDoesNotKeepWhatItWasGiven(t *testing.T) {
	t.Parallel()
	w := newWatch()
	known, taggers := []string{"session"}, []tagger.Tagger{gives("a")}
	c := tagger.NewComposite(w.Monitor, known, taggers...)
	known[0], taggers[0] = "scribble", panics("now")
	tags, err := c.AppendTags(nil, command())
	if err != nil {
		t.Fatal(err)
	}
	checkRules(t, tags, "a")
	if _, err := c.AppendTags(nil, &tagger.TaggerEvent{SourceKind: "session"}); err != nil {
		t.Fatal(err)
	}
	if lines := w.lines(t); len(lines) != 1 || lines[0]["level"] != "WARN" {
		t.Errorf("log = %v, want session still known", lines)
	}
}

func TestCompositeUnderManyGoroutines(t *testing.T) {
	t.Parallel()
	w := newWatch()
	c := tagger.NewComposite(w.Monitor, []string{"session"}, gives("a"), panics("now"), fails(errors.New("no")), gives("b"))
	const workers, rounds = 8, 50
	errs := make(chan error, workers)
	for range workers {
		go func() {
			var err error
			for i := range rounds {
				tags, tagErr := c.AppendTags(nil, command())
				if tagErr != nil || len(tags) != 2 {
					err = fmt.Errorf("AppendTags = %d tags, %w, want 2", len(tags), tagErr)
				}
				_, _ = c.AppendTags(nil, &tagger.TaggerEvent{SourceKind: "session"})
				_, _ = c.AppendTags(nil, &tagger.TaggerEvent{SourceKind: fmt.Sprintf("new-%d", i)})
			}
			errs <- err
		}()
	}
	for range workers {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"panics", "fails"} {
		if got := w.counter(t, "ttp_tagger_failures_total", name); got != workers*rounds {
			t.Errorf("failures of %s = %v, want %d", name, got, workers*rounds)
		}
	}
}
