package retag

import (
	"flag"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/kafka"
)

var worlds = flag.Int("worlds", 200, "how many random histories TestRetagMakesHistoryWhatThePlanGives tries")

// The property of the package: after a retag of a range a reader sees what the plan gives for it, whatever plans its events
// were tagged under before, wherever transactions were aborted and the job was killed; and a second retag writes nothing.
func TestRetagMakesHistoryWhatThePlanGives(t *testing.T) {
	t.Parallel()
	for seed := range *worlds {
		w := &world{rand: rand.New(rand.NewPCG(uint64(seed), 0))} //nolint:gosec // a test
		n := 1 + w.rand.IntN(40)
		for range n {
			w.event()
		}
		for at := 0; at < n; { // live workers, with edits of the rules between
			to := min(n, at+1+w.rand.IntN(15))
			w.tag(t, evaluator(t, w.plan(t)), at, to)
			at = to
		}
		for range w.rand.IntN(3) { // the limits are others now
			w.events[w.rand.IntN(n)].Value = []byte("poison")
		}
		from := w.rand.IntN(n)
		span := kafka.Span{From: int64(from), To: int64(from + w.rand.IntN(n-from+1))}
		e := evaluator(t, w.plan(t))
		want := w.want(t, e, span)
		w.retag(t, e, span)
		if diff := cmp.Diff(want, w.view(t), cmp.AllowUnexported(finding{})); diff != "" {
			t.Fatalf("seed %d, events %v of %d (-want +got):\n%s", seed, span, n, diff)
		}
		again := w.retag(t, e, span)
		if again.Records > 0 {
			t.Fatalf("seed %d: a second retag writes %d records", seed, again.Records)
		}
	}
}
