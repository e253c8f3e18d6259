package tagger_test

import (
	"bytes"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/tagger"
)

// A lookout tags every event whose payload holds a word.
type lookout struct{ word, technique string }

func (l lookout) Name() string    { return "lookout" }
func (l lookout) Kinds() []string { return []string{"command"} }

func (l lookout) AppendTags(dst []tagger.Tag, ev *tagger.TaggerEvent) ([]tagger.Tag, error) {
	if !bytes.Contains(ev.Payload, []byte(l.word)) {
		return dst, nil
	}
	return append(dst, tagger.Tag{SourceID: ev.SourceID, TechniqueID: l.technique}), nil
}

// A composite asks its taggers in order. One that panics costs its own tags only.
func ExampleComposite() {
	monitor := tagger.NewMonitor(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	c := tagger.NewComposite(monitor, tagger.BuiltinKinds(), lookout{"wget", "T1105"}, panics("out of order"), lookout{"crontab", "T1053"})

	ev := tagger.TaggerEvent{SourceKind: "command", SourceID: "e1", Payload: []byte(`{"command_text": "wget x && crontab x"}`)}
	tags, err := c.AppendTags(nil, &ev)
	for _, tag := range tags {
		fmt.Println(tag.SourceID, tag.TechniqueID)
	}
	fmt.Println(err)
	// Output:
	// e1 T1105
	// e1 T1053
	// <nil>
}
