package engine

import (
	"log/slog"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/match"
	"ttpworker/internal/tagger"
)

// maxAudited bounds the payload of an event that is checked, in bytes: the plain scan of hundreds of rules over a large
// one takes a second.
const maxAudited = 32_768

// AuditedRules is how many rules are scanned for an event that is checked: a rule costs a microsecond or two, and one
// event in 10,000 among thousands of rules must not show. The next event of the source kind is for the rules behind
// them.
const AuditedRules = 256

// An Auditor checks one event in so many against the reference, a plain scan over rules in turn and those that the
// index has found, and tells when the index and it disagree. It takes no part in any result. One is shared by all
// engines of a process; it is safe for concurrent use. A nil Auditor checks nothing.
type Auditor struct {
	every    uint64
	seen     atomic.Uint64
	wrong    atomic.Uint64
	log      *slog.Logger
	checked  prometheus.Counter
	mismatch prometheus.Counter

	mu   sync.Mutex
	next map[string]int // by source kind: id of the rule that the next scan begins with
}

// DefaultAuditEvery is the default of tagger.audit_every.
const DefaultAuditEvery = 10_000

// NewAuditor checks one event in every; 0 = none. It logs to log and registers its counters with reg.
func NewAuditor(every int, log *slog.Logger, reg prometheus.Registerer) *Auditor {
	a := &Auditor{
		every: uint64(max(every, 0)), log: log, next: map[string]int{},
		checked: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ttp_engine_audited_events_total", Help: "Events that were checked against a plain scan of rules in turn.",
		}),
		mismatch: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ttp_engine_audit_mismatches_total", Help: "Checked events on which the index and the plain scan disagreed: a fault of the worker.",
		}),
	}
	reg.MustRegister(a.checked, a.mismatch)
	return a
}

// check compares what the index has found in the payload of ev, extended, with the reference, if it is the event's turn.
func (a *Auditor) check(k *kindEngine, ev *tagger.TaggerEvent, payload []byte, found []int32) {
	if a == nil || a.every == 0 || a.seen.Add(1)%a.every != 0 || len(payload) > maxAudited {
		return
	}
	a.checked.Inc()
	doc, err := match.ParseDocument(payload)
	if err != nil {
		a.tell(k, ev, found, nil, err)
		return
	}
	first := a.turn(ev.SourceKind, len(k.rules))
	if want := k.scan(doc, found, first, first+AuditedRules); !slices.Equal(found, want) {
		a.tell(k, ev, found, want, nil)
	}
}

// turn is the id of the rule that the scan of an event begins with, if its kind has so many rules: ids that are not in
// use included.
func (a *Auditor) turn(kind string, rules int) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	first := a.next[kind]
	if first >= rules { // all have had their turn, or there are fewer than there were
		first = 0
	}
	a.next[kind] = first + AuditedRules
	return first
}

// scan returns the ids, ascending, of what matches among the rules from first to before end and those in found.
func (k *kindEngine) scan(doc *match.Document, found []int32, first, end int) []int32 {
	want := make([]int32, 0, len(found))
	for id, c := range k.rules {
		claimed := len(found) > 0 && found[0] == int32(id)
		if claimed {
			found = found[1:]
		}
		if (claimed || first <= id && id < end) && c != nil && c.detection.Match(doc) {
			want = append(want, int32(id))
		}
	}
	return want
}

// tell counts a mismatch, and logs the 1st, 2nd, 4th, 8th ... with both results. The payload is not shown: what may
// leave the sensor network is for the rules' evidence to say.
func (a *Auditor) tell(k *kindEngine, ev *tagger.TaggerEvent, found, want []int32, err error) {
	a.mismatch.Inc()
	if n := a.wrong.Add(1); bits.OnesCount64(n) == 1 {
		a.log.Error("index and plain scan disagree", "source_kind", ev.SourceKind, "source_id", ev.SourceID,
			"index", k.ids(found), "plain_scan", k.ids(want), "err", err, "mismatches", n)
	}
}

func (k *kindEngine) ids(of []int32) []string {
	out := make([]string, len(of))
	for i, id := range of {
		out[i] = k.rules[id].rule.ID
	}
	return out
}
