package pipeline_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/pipeline"
	"ttpworker/internal/rule"
	"ttpworker/internal/store"
)

// A ledger is an archive in memory. It notes with each wait what was added by then and how many rules were in force.
type ledger struct {
	plans *pipeline.Plans

	mu    sync.Mutex
	added []string // digests, as they came
	waits []waited
	held  chan struct{} // a wait ends when it is closed; nil = at once
}

type waited struct{ added, inForce int }

func (l *ledger) Add(rules ...*rule.Rule) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range rules {
		l.added = append(l.added, r.Digest)
	}
}

func (l *ledger) Wait(ctx context.Context) {
	l.mu.Lock()
	w := waited{added: len(l.added)}
	if plan := l.plans.Current(); plan != nil {
		w.inForce = plan.Rules
	}
	l.waits = append(l.waits, w)
	held := l.held
	l.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-ctx.Done():
		}
	}
}

func (l *ledger) hold(held chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = held
}

// Each tag carries the digest of its rule: whoever asks later must find it in the archive.
func TestRulesAreArchivedBeforeTheyAreInForce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second := parse(t, "R1", 1, "x"), parse(t, "R2", 1, "y")
		s := newMemoryStore(store.NewMemoryLog(), first, second)
		r := startReloader(t, s)
		edited := parse(t, "R2", 2, "z")
		held := make(chan struct{})
		r.archive.hold(held)
		s.load(edited)
		synctest.Wait()
		r.want(t, "while the edited rule is being archived", 1, first, second)
		close(held)
		synctest.Wait()
		r.want(t, "archived", 2, first, edited)
		r.stop()
		if !slices.Equal(r.archive.added, []string{first.Digest, second.Digest, edited.Digest}) {
			t.Errorf("added %q, want both rules and the edited one", r.archive.added)
		}
		if diff := cmp.Diff([]waited{{2, 0}, {3, 2}}, r.archive.waits, cmp.AllowUnexported(waited{})); diff != "" {
			t.Errorf("waits (-want +got):\n%s", diff)
		}
	})
}

var _ pipeline.Archive = (*ledger)(nil)
