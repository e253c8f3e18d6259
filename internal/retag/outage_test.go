package retag

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"ttpworker/internal/kafkatest"
)

// A job outlives brokers that are away for some seconds. Seen: it ended when they did not answer where the live workers are.
func TestAJobOutlivesAnOutage(t *testing.T) {
	t.Parallel()
	var connections kafkatest.Connections
	s := siteIn(t, kafkatest.Embedded(t, kfake.ListenFn(connections.Listen)))
	e := s.evaluator(t, 1)
	for range 20 {
		s.event(t, "a", "alpha")
	}
	s.commit(t, 20, e.Plan.Digest)
	job := s.plan(t, e)
	ended := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), kafkatest.Patience)
	defer cancel()
	must(t, job.Begin(ctx, s.Cluster.Cluster))
	go func() {
		_, err := s.run(t, e, job).Do(ctx, s.cfg)
		ended <- err
	}()
	for range 2 {
		time.Sleep(150 * time.Millisecond)
		allow := connections.Refuse()
		time.Sleep(3 * time.Second)
		allow()
	}
	if err := <-ended; err != nil {
		t.Fatalf("Do = %v", err)
	}
	s.check(t, e, map[string]string{"a": "19 v1"})
}
