package kafka_test

import (
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
)

// The embedded broker takes such a record. Every constructor of records gives them a key.
func TestACompactedTopicRefusesARecordWithoutAKey(t *testing.T) {
	kafkatest.NeedsApache(t)
	t.Parallel()
	c := newControl(t, kafkatest.Start(t), "cleanup.policy=compact")
	a, err := c.NewAppender("test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	err = a.Append(t.Context(), kafka.Record{Topic: c.topic, Value: []byte("x")})
	if !errors.Is(err, kerr.InvalidRecord) {
		t.Errorf("Append without a key = %v, want INVALID_RECORD", err)
	}
	if err := a.Append(t.Context(), kafka.Record{Topic: c.topic, Key: []byte{}, Value: []byte("x")}); err != nil {
		t.Errorf("Append with an empty key = %v, want nil", err)
	}
	if recs := c.ReadAll(t, c.topic); len(recs) != 1 {
		t.Errorf("%d records in the topic, want that with a key", len(recs))
	}
}
