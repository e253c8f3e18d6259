package tagger_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ttpworker/internal/tagger"
)

func TestFailureCostsOnlyTheTaggersOwnTags(t *testing.T) {
	t.Parallel()
	replaces := gives()
	replaces.do = func([]tagger.Tag, *tagger.TaggerEvent) ([]tagger.Tag, error) { return nil, nil }
	spoils := gives()
	spoils.do = func(dst []tagger.Tag, _ *tagger.TaggerEvent) ([]tagger.Tag, error) {
		for i := range dst {
			dst[i] = tagger.Tag{RuleID: "spoilt"}
		}
		return append(dst[:0], tagger.Tag{RuleID: "own"}), nil
	}
	for _, tt := range []struct {
		name   string
		tagger fake
		want   []string
	}{
		{name: "error", tagger: fails(errors.New("no")), want: []string{"before", "a", "b", "c"}},
		{name: "panic", tagger: panics("now"), want: []string{"before", "a", "b", "c"}},
		{name: "panic with nil", tagger: panics(nil), want: []string{"before", "a", "b", "c"}},
		{name: "panic with an error", tagger: panics(context.Canceled), want: []string{"before", "a", "b", "c"}},
		{name: "result replaced", tagger: replaces, want: []string{"before", "a", "b", "c"}},
		{name: "tags of others written over", tagger: spoils, want: []string{"before", "a", "b", "own", "c"}},
	} {
		for _, room := range []int{0, 1, 3, 100} {
			t.Run(fmt.Sprintf("%s, room for %d", tt.name, room), func(t *testing.T) {
				t.Parallel()
				c := tagger.NewComposite(newWatch().Monitor, nil, gives("a", "b"), tt.tagger, gives("c"))
				dst := append(make([]tagger.Tag, 0, 1+room), tagger.Tag{RuleID: "before"})
				tags, whole, err := c.AppendWhole(dst, command())
				if err != nil {
					t.Fatal(err)
				}
				checkRules(t, tags, tt.want...)
				if failed := len(tt.want) == 4 && tt.name != "result replaced"; whole == failed {
					t.Errorf("AppendWhole says whole = %t, want %t", whole, !failed)
				}
			})
		}
	}
}

func TestFailureLogsWarnWithStackAndNeverError(t *testing.T) {
	t.Parallel()
	checkOneWarning(t, fails(errors.New("the disk is full")), "fails", "the disk is full")
}

func TestPanicLogsWarnWithStackAndNeverError(t *testing.T) {
	t.Parallel()
	w := checkOneWarning(t, panics("index out of luck"), "panics", "panic: index out of luck")
	if stack, _ := w["stack"].(string); !strings.Contains(stack, "tagger_test.fake.AppendTags") {
		t.Errorf("stack = %s\nwant the function that panicked in it", stack)
	}
}

// checkOneWarning lets tg fail once beside another and returns the log line.
func checkOneWarning(t *testing.T, tg tagger.Tagger, name, cause string) map[string]any {
	t.Helper()
	w := newWatch()
	c := tagger.NewComposite(w.Monitor, nil, tg, gives("a"))
	if got := w.counter(t, "ttp_tagger_failures_total", name); got != 0 {
		t.Errorf("failures of %s at the start = %v, want 0", name, got)
	}
	tags, err := c.AppendTags(nil, command())
	if err != nil {
		t.Fatalf("AppendTags = %v, want no error", err)
	}
	checkRules(t, tags, "a")
	lines := w.lines(t)
	if len(lines) != 1 {
		t.Fatalf("log = %v, want one line", lines)
	}
	line := lines[0]
	if line["level"] != "WARN" || line["tagger"] != name || line["err"] != cause || line["failures"] != 1.0 {
		t.Errorf("log line = %v, want WARN, tagger %s, err %s, failures 1", line, name, cause)
	}
	if stack, _ := line["stack"].(string); !strings.Contains(stack, "goroutine") || !strings.Contains(stack, "composite.go") {
		t.Errorf("stack = %q, want a stack", stack)
	}
	if got := w.counter(t, "ttp_tagger_failures_total", name); got != 1 {
		t.Errorf("failures of %s = %v, want 1", name, got)
	}
	return line
}

func TestRepeatedFailureDoesNotDrownTheLog(t *testing.T) {
	t.Parallel()
	w := newWatch()
	for range 2 { // the count outlives a plan
		c := tagger.NewComposite(w.Monitor, nil, fails(errors.New("no")))
		for range 500 {
			if _, err := c.AppendTags(nil, command()); err != nil {
				t.Fatal(err)
			}
		}
	}
	lines := w.lines(t)
	if len(lines) != 10 { // 1, 2, 4, ... 512
		t.Errorf("%d log lines for 1000 failures, want 10", len(lines))
	}
	for _, line := range lines {
		if line["level"] != "WARN" {
			t.Errorf("level = %v, want WARN", line["level"])
		}
	}
	if got := w.counter(t, "ttp_tagger_failures_total", "fails"); got != 1000 {
		t.Errorf("failures = %v, want 1000", got)
	}
}

func TestCancellationPropagates(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{context.Canceled, context.DeadlineExceeded} {
		t.Run(cause.Error(), func(t *testing.T) {
			t.Parallel()
			w := newWatch()
			last := gives("c")
			c := tagger.NewComposite(w.Monitor, nil, gives("a"), fails(fmt.Errorf("looking up: %w", cause)), last)
			dst := append(make([]tagger.Tag, 0, 10), tagger.Tag{RuleID: "before"})
			tags, err := c.AppendTags(dst, command())
			if !errors.Is(err, cause) {
				t.Errorf("AppendTags = %v, want %v", err, cause)
			}
			checkRules(t, tags, "before") // dst as it was, the first tagger's tag gone too
			if got := last.calls.Load(); got != 0 {
				t.Errorf("the tagger behind was asked %d times, want 0", got)
			}
			if lines := w.lines(t); len(lines) != 0 {
				t.Errorf("log = %v, want nothing: stopping is no failure", lines)
			}
		})
	}
}

// TestTolerance composes taggers at random: the tags are those of the sound ones, in order, whatever the others do
// and however much room dst has.
func TestTolerance(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var taggers []tagger.Tagger
		want := []string{"before"}
		for i := range rapid.IntRange(0, 6).Draw(t, "taggers") {
			switch rapid.SampledFrom([]string{"gives", "fails", "panics"}).Draw(t, "does") {
			case "gives":
				var names []string
				for k := range rapid.IntRange(0, 3).Draw(t, "tags") {
					names = append(names, fmt.Sprintf("%d.%d", i, k))
				}
				taggers = append(taggers, gives(names...))
				want = append(want, names...)
			case "fails":
				taggers = append(taggers, fails(errors.New("no")))
			case "panics":
				taggers = append(taggers, panics("now"))
			}
		}
		c := tagger.NewComposite(newWatch().Monitor, []string{"command"}, taggers...)
		dst := append(make([]tagger.Tag, 0, 1+rapid.IntRange(0, 10).Draw(t, "room")), tagger.Tag{RuleID: "before"})
		tags, err := c.AppendTags(dst, command())
		if err != nil {
			t.Fatalf("AppendTags = %v, want no error", err)
		}
		got := []string{}
		for i := range tags {
			got = append(got, tags[i].RuleID)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("rules of the tags = %v, want %v", got, want)
		}
	})
}
