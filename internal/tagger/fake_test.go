package tagger_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/tagger"
)

// A fake does what its test says and counts how often it was asked.
type fake struct {
	name  string
	kinds []string
	do    func(dst []tagger.Tag, ev *tagger.TaggerEvent) ([]tagger.Tag, error)
	calls *atomic.Int64
}

func (f fake) Name() string    { return f.name }
func (f fake) Kinds() []string { return f.kinds }

func (f fake) AppendTags(dst []tagger.Tag, ev *tagger.TaggerEvent) ([]tagger.Tag, error) {
	if f.calls != nil {
		f.calls.Add(1)
	}
	return f.do(dst, ev)
}

// gives makes a tagger of kind command that gives one tag per name, with the name as its rule.
func gives(names ...string) fake {
	return fake{name: "gives", kinds: []string{"command"}, calls: new(atomic.Int64), do: giving(names...)}
}

func giving(names ...string) func([]tagger.Tag, *tagger.TaggerEvent) ([]tagger.Tag, error) {
	return func(dst []tagger.Tag, ev *tagger.TaggerEvent) ([]tagger.Tag, error) {
		for _, name := range names {
			dst = append(dst, tagger.Tag{RuleID: name, SourceKind: ev.SourceKind, SourceID: ev.SourceID})
		}
		return dst, nil
	}
}

// fails makes a tagger of kind command that gives a tag and then an error.
func fails(err error) fake {
	return fake{name: "fails", kinds: []string{"command"}, calls: new(atomic.Int64), do: func(dst []tagger.Tag, _ *tagger.TaggerEvent) ([]tagger.Tag, error) {
		return append(dst, tagger.Tag{RuleID: "half-done"}), err
	}}
}

// panics makes a tagger of kind command that gives a tag and then panics.
func panics(v any) fake {
	return fake{name: "panics", kinds: []string{"command"}, calls: new(atomic.Int64), do: func(dst []tagger.Tag, _ *tagger.TaggerEvent) ([]tagger.Tag, error) {
		_ = append(dst, tagger.Tag{RuleID: "half-done"})
		panic(v)
	}}
}

func command() *tagger.TaggerEvent {
	return &tagger.TaggerEvent{SourceKind: "command", SourceID: "x", Payload: []byte("{}")}
}

// A watch is a monitor whose log and counters can be read.
type watch struct {
	*tagger.Monitor
	reg *prometheus.Registry
	mu  sync.Mutex
	buf bytes.Buffer
}

func newWatch() *watch {
	w := &watch{reg: prometheus.NewRegistry()}
	w.Monitor = tagger.NewMonitor(slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})), w.reg)
	return w
}

// Write takes log lines.
func (w *watch) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.Write(p)
}

// lines returns what was logged so far, without the time.
func (w *watch) lines(t *testing.T) []map[string]any {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []map[string]any
	dec := json.NewDecoder(bytes.NewReader(w.buf.Bytes()))
	for dec.More() {
		line := map[string]any{}
		if err := dec.Decode(&line); err != nil {
			t.Fatal(err)
		}
		delete(line, "time")
		out = append(out, line)
	}
	return out
}

// counter returns the value of a counter, by label value if it has a label; -1 = there is none.
func (w *watch) counter(t *testing.T, name, label string) float64 {
	t.Helper()
	families, err := w.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name && (label == "" || m.GetLabel()[0].GetValue() == label) {
				return m.GetCounter().GetValue()
			}
		}
	}
	return -1
}

// checkRules compares the rules of tags.
func checkRules(t *testing.T, tags []tagger.Tag, want ...string) {
	t.Helper()
	got := []string{}
	for i := range tags {
		got = append(got, tags[i].RuleID)
	}
	if want == nil {
		want = []string{}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rules of the tags (-want +got):\n%s", diff)
	}
}
