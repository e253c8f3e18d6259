package tagger_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/tagger"
)

func TestUnclaimedKindWarnsOncePerKind(t *testing.T) {
	t.Parallel()
	w := newWatch()
	for range 3 { // as three reloads do
		c := tagger.NewComposite(w.Monitor, tagger.BuiltinKinds(), gives("a"))
		for _, kind := range []string{"session", "email", "session", "command"} {
			if _, err := c.AppendTags(nil, &tagger.TaggerEvent{SourceKind: kind}); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := []map[string]any{
		{"level": "WARN", "msg": "no tagger claims this source kind", "source_kind": "session"},
		{"level": "WARN", "msg": "no tagger claims this source kind", "source_kind": "email"},
	}
	if diff := cmp.Diff(want, w.lines(t)); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	if got := w.counter(t, "ttp_tagger_unclaimed_events_total", ""); got != 9 {
		t.Errorf("unclaimed events = %v, want 9", got)
	}
}

func TestUnknownKindInformsOncePerKind(t *testing.T) {
	t.Parallel()
	w := newWatch()
	c := tagger.NewComposite(w.Monitor, tagger.BuiltinKinds(), gives("a"))
	for _, kind := range []string{"toaster", "Command", "toaster", ""} {
		if _, err := c.AppendTags(nil, &tagger.TaggerEvent{SourceKind: kind}); err != nil {
			t.Fatal(err)
		}
	}
	want := []map[string]any{
		{"level": "INFO", "msg": "unknown source kind", "source_kind": "toaster"},
		{"level": "INFO", "msg": "unknown source kind", "source_kind": "Command"},
		{"level": "INFO", "msg": "unknown source kind", "source_kind": ""},
	}
	if diff := cmp.Diff(want, w.lines(t)); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	if got := w.counter(t, "ttp_tagger_unknown_kind_events_total", ""); got != 4 {
		t.Errorf("events of unknown kinds = %v, want 4", got)
	}
}

// TestUnknownKindsTakeBoundedMemory sends more kinds, and longer ones, than anybody has: kinds come from outside.
func TestUnknownKindsTakeBoundedMemory(t *testing.T) {
	t.Parallel()
	w := newWatch()
	c := tagger.NewComposite(w.Monitor, tagger.BuiltinKinds())
	for i := range 3000 {
		kind := fmt.Sprintf("%04d%s", i, strings.Repeat("\u00e4", 1000))
		if _, err := c.AppendTags(nil, &tagger.TaggerEvent{SourceKind: kind}); err != nil {
			t.Fatal(err)
		}
	}
	lines := w.lines(t)
	if len(lines) != 1024 {
		t.Errorf("%d log lines for 3000 unknown kinds, want 1024", len(lines))
	}
	for _, line := range lines {
		if kind := line["source_kind"].(string); len(kind) > 128 || strings.Contains(kind, "\ufffd") {
			t.Fatalf("source_kind = %q, want at most 128 bytes, cut between characters", kind)
		}
	}
	if got := w.counter(t, "ttp_tagger_unknown_kind_events_total", ""); got != 3000 {
		t.Errorf("events of unknown kinds = %v, want 3000", got)
	}
	if _, err := c.AppendTags(nil, &tagger.TaggerEvent{SourceKind: "session"}); err != nil {
		t.Fatal(err)
	}
	if got := len(w.lines(t)); got != 1025 {
		t.Errorf("%d log lines after a known kind, want 1025: unknown kinds take nothing from known ones", got)
	}
}

// TestUnknownKindThatBecomesKnown is about a mapping that is loaded later: its kind has its own line then.
func TestUnknownKindThatBecomesKnown(t *testing.T) {
	t.Parallel()
	w := newWatch()
	ev := &tagger.TaggerEvent{SourceKind: "process_creation"}
	for _, known := range [][]string{nil, {"process_creation"}, nil} {
		if _, err := tagger.NewComposite(w.Monitor, known).AppendTags(nil, ev); err != nil {
			t.Fatal(err)
		}
	}
	var levels []string
	for _, line := range w.lines(t) {
		levels = append(levels, line["level"].(string))
	}
	if diff := cmp.Diff([]string{"INFO", "WARN"}, levels); diff != "" {
		t.Errorf("levels (-want +got):\n%s", diff)
	}
}
