package retag

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/kafka"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
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

// What is counted is what a reader sees change: tags, by id, that come, go, or are others than before. An event that was sent again as
// it was is counted once.
func TestCountsAreOfWhatAReaderSees(t *testing.T) {
	t.Parallel()
	for seed := range *worlds {
		w := &world{once: true, alike: seed%2 == 0, rand: rand.New(rand.NewPCG(uint64(seed), 1))} //nolint:gosec // a test
		n := int64(1 + w.rand.IntN(40))
		for range n {
			w.event()
		}
		w.tag(t, evaluator(t, w.plan(t)), 0, int(n))
		if seed%3 == 0 { // the group was set back: a tag may be in both topics
			w.tag(t, evaluator(t, w.plan(t)), 0, int(n))
		}
		e := evaluator(t, w.plan(t))
		before := byID(w.view(t))
		got := w.retagAtOnce(t, e, kafka.Span{To: n})
		after := byID(w.view(t))
		var want Counts
		for id, was := range before {
			switch is, there := after[id]; {
			case !there:
				want.Removed++
			case cmp.Equal(is, was, cmp.AllowUnexported(finding{})):
				want.Unchanged++
			default:
				want.Changed++
			}
		}
		for id := range after {
			if _, there := before[id]; !there {
				want.Added++
			}
		}
		if diff := cmp.Diff(want, got.Total()); diff != "" {
			t.Fatalf("seed %d: counts of %d events (-want +got):\n%s", seed, n, diff)
		}
		samples := 0
		for _, c := range got.ByLabel {
			samples += len(c.Samples)
			if most := min(c.Added, maxSamples) + min(c.Removed, maxSamples) + min(c.Changed, maxSamples); len(c.Samples) != most {
				t.Errorf("seed %d: %d samples, want %d", seed, len(c.Samples), most)
			}
		}
		if changes := want.Added + want.Removed + want.Changed; changes > 0 && samples == 0 {
			t.Errorf("seed %d: %d changes and no sample", seed, changes)
		}
	}
}

// byID is a view by the ids of tags, whichever topics they are in.
func byID(view map[string]finding) map[string][]finding {
	out := map[string][]finding{}
	for _, key := range slices.Sorted(maps.Keys(view)) {
		f := view[key]
		f.source = key[:1] + " " + f.source
		out[key[2:]] = append(out[key[2:]], f)
	}
	return out
}

// Seen: all earlier events that may yet decide were looked at after every event of a dry run, so that a range whose events were all
// sent twice took time by the square of its length.
func TestEarlierEventsAreForgottenSeldomAndInTime(t *testing.T) {
	t.Parallel()
	u := newUnit(&Evaluator{}, kafka.Partition{Topic: "ev"}, kafka.Span{To: 1 << 20}, "job", newLabels())
	const pending = 5 * minSweep // whose tags are from far later events
	sweeps, most := 0, 0
	for i := range int64(20 * pending) {
		source := i + 1
		if i < pending {
			source = 1 << 19
		}
		u.earlier[uuid.NewSHA1(uuid.Nil, []byte{byte(i), byte(i >> 8), byte(i >> 16)})] = earlier{event: i, source: source}
		before := len(u.earlier)
		u.passed(i)
		if len(u.earlier) < before {
			sweeps++
		}
		most = max(most, len(u.earlier))
	}
	if sweeps == 0 || sweeps > 40 || most > 2*pending+minSweep {
		t.Errorf("%d sweeps, at most %d earlier events, want some, no more than 40, and %d", sweeps, most, 2*pending+minSweep)
	}
	if low := u.low(20 * pending); low != 0 {
		t.Errorf("low = %d, want 0, which may yet decide", low)
	}
}

// The keys of a job are lower-case text: one that differs in case is another key, and somebody else's.
func TestKeysOfOthersAreLeftAlone(t *testing.T) {
	t.Parallel()
	w := &world{rand: rand.New(rand.NewPCG(1, 0))} //nolint:gosec // a test
	w.events = append(w.events, kafka.Record{Topic: "ev", Value: []byte(`{"source_kind":"command","source_id":"e","payload":{"command_text":"alpha"}}`)})
	e := evaluator(t, wholePlan(t))
	w.tag(t, e, 0, 1)
	for _, key := range []string{strings.ToUpper(string(w.sides[trusted][0].Key)), "", "x", strings.Repeat("x", 36), "{5bf7bf99-d026-5137-bf29-c076c5554b8f}"} {
		w.write(kafka.Record{Topic: "tags", Key: []byte(key)}, kafka.Record{Topic: "tags", Key: []byte(key), Value: []byte("x")})
	}
	w.write(kafka.Record{Topic: "tags", Value: []byte("x")})
	if report := w.retag(t, e, kafka.Span{To: 1}); report.Records != 0 || report.Total().Unchanged != 1 {
		t.Errorf("%d records written, %d unchanged, want 0 and 1", report.Records, report.Total().Unchanged)
	}
}

// wholePlan is one rule that finds alpha.
func wholePlan(t *testing.T) *pipeline.Plan {
	t.Helper()
	r, err := rule.NewParser(rule.DefaultMaxBytes).Parse("R1.yaml", []byte("rule_id: R1\nrule_version: 1\nname: n\napplies_to: [command]\n"+
		"match: {pattern: alpha}\nemits: [{tactic: TA0006, technique_id: T1003, confidence: 0.5}]\nevidence_fields: [command_text]\n"))
	must(t, err)
	monitor := tagger.NewMonitor(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	return pipeline.NewPlan([]*rule.Rule{r}, func(string) tagger.Standing { return tagger.DefaultStanding() }, monitor)
}

// Seen: verify told of a record of the range whose value is no tag, and retag left it, as if it were from elsewhere.
func TestAValueThatIsNoTagGivesWayToOne(t *testing.T) {
	t.Parallel()
	none := pipeline.NewPlan(nil, func(string) tagger.Standing { return tagger.DefaultStanding() },
		tagger.NewMonitor(slog.New(slog.DiscardHandler), prometheus.NewRegistry()))
	for _, tt := range []struct {
		name  string
		plan  *pipeline.Plan
		rules []string
		from  string
		want  Counts
		left  bool // the record that is no tag
	}{
		{name: "its event gives the tag", plan: wholePlan(t), from: "ev/0/0", want: Counts{Changed: 1}},
		{name: "its event gives none", plan: none, from: "ev/0/0", want: Counts{Removed: 1}},
		{name: "its event gives the tag, of a rule that is asked for", plan: wholePlan(t), rules: []string{"R1"}, from: "ev/0/0", want: Counts{Added: 1}},
		{name: "its event gives none, and whose it is is not known", plan: none, rules: []string{"R1"}, from: "ev/0/0", left: true},
		{name: "it is from outside", plan: wholePlan(t), from: "ev/0/1", left: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := &world{rand: rand.New(rand.NewPCG(1, 0))} //nolint:gosec // a test
			w.events = append(w.events, kafka.Record{Topic: "ev", Value: []byte(`{"source_kind":"command","source_id":"e","payload":{"command_text":"alpha"}}`)})
			e := evaluator(t, wholePlan(t))
			w.tag(t, e, 0, 1)
			broken := w.sides[trusted][0]
			broken.Value, broken.Headers = []byte("no tag"), []kafka.Header{{Key: sourceHeader, Value: []byte(tt.from)}}
			w.write(broken)
			e.Plan, e.Rules = tt.plan, tt.rules
			report := w.retag(t, e, kafka.Span{To: 1})
			total := report.Total()
			if diff := cmp.Diff(tt.want, total); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			if last := w.sides[trusted][len(w.sides[trusted])-1]; (string(last.Value) == "no tag") != tt.left {
				t.Errorf("the last record has %q, left = %t", last.Value, tt.left)
			}
			if again := w.retag(t, e, kafka.Span{To: 1}); again.Records > 0 {
				t.Errorf("a second retag writes %d records", again.Records)
			}
		})
	}
}

// What cannot be asked about tags, such as a schema registry that is down when the job ends, is no answer.
func TestATagThatCouldNotBeReadEndsTheJob(t *testing.T) {
	t.Parallel()
	e, down := evaluator(t, wholePlan(t)), errors.New("down")
	e.Tag = func(context.Context, []byte) (tagger.Tag, error) { return tagger.Tag{}, down }
	u := newUnit(e, kafka.Partition{Topic: "ev"}, kafka.Span{To: 1}, "job", newLabels())
	rec := kafka.Record{Key: []byte("5bf7bf99-d026-5137-bf29-c076c5554b8f"), Value: []byte("x")}
	if err := u.enter(t.Context(), newMemory(), &rec); !errors.Is(err, down) {
		t.Errorf("enter = %v, want %v", err, down)
	}
}

// Seen: a tag that was just too large for its topic fitted as long as its header ttp-source was not counted, and was found out when
// it was written.
func TestATagFitsIfItsRecordDoes(t *testing.T) {
	t.Parallel()
	e := evaluator(t, wholePlan(t))
	rec := kafka.Record{
		Topic: "a-topic-with-a-long-name", Partition: 10, Offset: 1_000_000,
		Value: []byte(`{"source_kind":"command","source_id":"e","payload":{"command_text":"alpha"}}`),
	}
	var known []bool
	for e.Outputs.MaxBytes = 200; e.Outputs.MaxBytes < 2000; e.Outputs.MaxBytes++ {
		tags, is, err := e.tags(t.Context(), nil, &rec)
		must(t, err)
		if is {
			_, err = e.record(&tags[0], &rec, "job", epoch)
			must(t, err)
		}
		if len(known) == 0 || known[len(known)-1] != is {
			known = append(known, is)
		}
	}
	if !slices.Equal(known, []bool{false, true}) {
		t.Errorf("as its topic takes more the event is known: %v, want false, then true", known)
	}
}

// An event of which a tag is too large is a dead letter of the workers, and decides nothing, before or behind others.
func TestAnEventWithATagThatIsTooLargeIsUnknown(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("alpha ", 600) // evidence is cut at 4,096 bytes
	for _, largeFirst := range []bool{true, false} {
		w := &world{rand: rand.New(rand.NewPCG(1, 0))} //nolint:gosec // a test
		texts := []string{long, "alpha"}
		if !largeFirst {
			slices.Reverse(texts)
		}
		for i, text := range texts {
			value := `{"source_kind":"command","source_id":"e","payload":{"command_text":"` + text + `"}}`
			w.events = append(w.events, kafka.Record{Topic: "ev", Offset: int64(i), Value: []byte(value)})
		}
		e := evaluator(t, wholePlan(t))
		w.tag(t, e, 0, 2) // when topics took more
		last := w.view(t)
		e.Outputs.MaxBytes = 2000
		report := w.retag(t, e, kafka.Span{To: 2})
		if report.Unknown == 0 {
			t.Errorf("large first = %t: no event is unknown", largeFirst)
		}
		if diff := cmp.Diff(last, w.view(t), cmp.AllowUnexported(finding{})); diff != "" {
			t.Errorf("large first = %t (-want +got):\n%s", largeFirst, diff)
		}
		e.Plan = pipeline.NewPlan(nil, func(string) tagger.Standing { return tagger.DefaultStanding() }, tagger.NewMonitor(slog.New(slog.DiscardHandler), prometheus.NewRegistry()))
		w.retag(t, e, kafka.Span{To: 2})
		if left := len(w.view(t)); left != 0 {
			t.Errorf("large first = %t: %d tags left without a rule, want none", largeFirst, left)
		}
	}
}
