package app_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/kafkatest"
	"ttpworker/internal/yamlx"
)

// Ids that nobody has are given up for long enough: a batch of them gets by, though each has it wait anew, and though
// the broker lets a partition that goes on wait for as long as the others have nothing to say.
func TestABatchOfSchemasThatTheRegistryDoesNotHaveGetsBy(t *testing.T) {
	t.Parallel()
	const n = 200
	c := kafkatest.Start(t)
	cfg := quickConfig(t, c)
	cfg.Kafka.SchemaWait = 50 * time.Millisecond
	cfg.DLQ.MaxRatio = 0
	fake := newFakeRegistry(t)
	cfg.Registry.URLs = yamlx.Strings{fake.URL()}
	w := startWorker(t, cfg, slog.New(slog.DiscardHandler))
	w.ready(t)
	writeEvents(t, c, 600) // polls grow
	waitForTags(t, c, 600)
	var recs []*kgo.Record
	for i := range n {
		recs = append(recs, &kgo.Record{Partition: 0, Value: byID(uint32(1000+i), ourDatum(t, "never"))})
	}
	recs = append(recs, &kgo.Record{Partition: 0, Value: []byte(`{"source_kind":"command","source_id":"c","payload":{"command_text":"curl"}}`)})
	write(t, c, recs...)
	waitForTags(t, c, 600+1)
	if got := len(c.ReadAll(t, c.Name("ttp_events_dlq"))); got != n {
		t.Errorf("%d dead letters, want %d", got, n)
	}
}
