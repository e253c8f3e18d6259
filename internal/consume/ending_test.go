package consume

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"ttpworker/internal/kafka"
)

// What looks like another worker of the same name, and is none, is the end of a session and not of the worker.
func TestEndingTellsAnotherWorkerFromWhatLooksLikeOne(t *testing.T) {
	t.Parallel()
	cfg := kafka.DefaultConfig()
	old := cfg.TransactionTimeout
	for _, tt := range []struct {
		name     string
		err      error
		unnamed  bool
		took     time.Duration
		rejoined bool
		fatal    bool
	}{
		{name: "the producer is fenced", err: kerr.ProducerFenced, fatal: true},
		{name: "the epoch is old", err: kerr.InvalidProducerEpoch, fatal: true},
		{name: "the transaction was given up", err: kerr.InvalidProducerEpoch, took: old},
		{name: "the id is of this process alone", err: kerr.ProducerFenced, unnamed: true},
		{name: "the instance is fenced", err: kerr.FencedInstanceID, fatal: true},
		{name: "the instance is fenced after a long transaction", err: kerr.FencedInstanceID, took: old, fatal: true},
		{name: "the member has rejoined and fenced itself", err: kerr.FencedInstanceID, rejoined: true},
		{name: "the member has rejoined and its producer is fenced", err: kerr.ProducerFenced, rejoined: true, fatal: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := &member{Consumer: &Consumer{cfg: cfg}, name: "w-0"}
			if tt.unnamed {
				m.name = ""
			}
			err := m.ending(fmt.Errorf("ending: %w", tt.err), tt.took, tt.rejoined)
			if _, fatal := errors.AsType[*fatalError](err); fatal != tt.fatal || !errors.Is(err, tt.err) {
				t.Errorf("ending(%v, %s, rejoined: %t) = %v, fatal: %t, want %t", tt.err, tt.took, tt.rejoined, err, fatal, tt.fatal)
			}
		})
	}
}
