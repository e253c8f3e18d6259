package app_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/app"
	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
	"ttpworker/internal/retag"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

// unknownID is an id that no registry of a test has.
const unknownID = 4242

// A registeredPast is a past that is framed by the ids of a registry, under two schemas of events, the second of which can be
// kept from whoever asks for it.
type registeredPast struct {
	*past

	ours, makers uint32
	away         atomic.Bool  // the registry does not answer about makers
	asked        atomic.Int64 // how often it did not
}

func newRegisteredPast(t *testing.T) *registeredPast {
	t.Helper()
	c := kafkatest.Start(t)
	cfg := quickConfig(t, c)
	cfg.Kafka.SchemaWait = 50 * time.Millisecond
	fake := newFakeRegistry(t)
	useRegistry(t, &cfg, fake.URL())
	p := &registeredPast{past: newPast(t, c, cfg)}
	p.ours = schemaID(t, fake.URL(), c.Name("ttp_events-value"), wire.SchemaText(wire.EventRecord))
	p.makers = schemaID(t, fake.URL(), "sensors-value", makerSchema)
	tags := schemaID(t, fake.URL(), c.Name("ttp_tags-value"), wire.SchemaText(wire.TagRecord))
	for id, text := range map[uint32]string{p.ours: wire.SchemaText(wire.EventRecord), p.makers: makerSchema, tags: wire.SchemaText(wire.TagRecord)} {
		if err := p.dec.Learn(wire.RefByID(id), "", text); err != nil {
			t.Fatal(err)
		}
	}
	fake.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		out := p.away.Load() && strings.HasPrefix(req.URL.Path, fmt.Sprintf("/schemas/ids/%d", p.makers))
		if out {
			p.asked.Add(1)
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return out
	})
	return p
}

// fill writes events of both schemas into partitions, and has them tagged: in partition 1 there is one of an id that the
// registry does not have.
func (p *registeredPast) fill(t *testing.T) {
	t.Helper()
	for i := range 4 {
		write(t, p.Cluster,
			&kgo.Record{Partition: 0, Value: byID(p.ours, ourDatum(t, fmt.Sprint("ours-", i)))},
			&kgo.Record{Partition: 1, Value: byID(p.ours, ourDatum(t, fmt.Sprint("first-", i)))})
	}
	write(t, p.Cluster, &kgo.Record{Partition: 1, Value: byID(unknownID, ourDatum(t, "unknown"))})
	for i := range 4 {
		write(t, p.Cluster, &kgo.Record{Partition: 1, Value: byID(p.makers, makerDatum(fmt.Sprint("makers-", i)))})
	}
	p.tagged(t, map[int32]int64{0: 4, 1: 9})
}

// A retag, a verification and an explanation read events as live workers do, by the ids of a registry, and leave alone what
// tags there are of an event under an id that it does not have.
func TestARetagOfEventsByTheIDsOfARegistry(t *testing.T) {
	t.Parallel()
	p := newRegisteredPast(t)
	p.fill(t)
	kept := map[string]string{}
	for id, state := range map[string]tagger.State{"unknown": tagger.Enabled, "other": tagger.Shadow} {
		key, line := p.plant(t, 1, 4, tagger.TaggerEvent{SourceKind: "command", SourceID: id}, state)
		kept[key] = line
	}
	extra, _ := p.plant(t, 1, 5, tagger.TaggerEvent{SourceKind: "command", SourceID: "not makers"}, tagger.Enabled)
	edit(t, p.cfg, 2, "curl")
	want := p.scratch(t, nil)
	maps.Copy(want, kept)
	if len(want) != 12+2 {
		t.Fatalf("%d tags are wanted, want 14", len(want))
	}
	report := p.retagIs(t, want)
	if total := report.Total(); report.Events != 13 || report.Unknown != 1 || report.Kept != 2 || total.Changed != 12 || total.Removed != 1 {
		t.Errorf("report %+v, %+v; want 13 events, 1 unknown with 2 tags, 12 tags changed and %s removed", report, total, extra)
	}

	// The rule is another one than any that was live, so it is not in the archive.
	for key, line := range p.view(t) {
		a := p.explain(t, key)
		fault := strings.Join(a, "\n")
		_, unknown := kept[key]
		if says := strings.Contains(fault, fmt.Sprintf("cannot be read as an event (input.format tagger_event): schema id %d: the schema registry does not have it", unknownID)); says != unknown {
			t.Errorf("explaining %s: %q, want to be told of the schema: %t", line, a, unknown)
		}
	}
}

// While the registry is away a job waits, with its member in the group, and takes no tag away. It goes on when the registry is
// back, as do a job that was stopped and a second process that joins meanwhile.
func TestARetagWaitsForARegistryThatIsAway(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		stop, second bool
	}{
		{name: "and goes on"},
		{name: "is stopped, and gone on with", stop: true},
		{name: "with a second process", second: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newRegisteredPast(t)
			p.fill(t)
			edit(t, p.cfg, 2, "curl")
			want, before := p.scratch(t, nil), p.view(t)
			p.away.Store(true)
			job := make(chan string, 1)
			r := allHistory(false)
			r.Began = func(j *retag.Job) { job <- j.ID }
			ctx, stop := context.WithTimeout(t.Context(), 2*kafkatest.Patience)
			defer stop()
			ended := make(chan error, 2)
			run := func(ctx context.Context, r app.Retag) {
				_, err := app.RetagHistory(ctx, p.cfg, slog.New(slog.DiscardHandler), r)
				ended <- err
			}
			go run(ctx, r) // awaited below
			processes, id := 1, <-job
			kafkatest.Eventually(t, "the registry to be asked", func() bool { return p.asked.Load() > 0 })
			if tt.second {
				shared := allHistory(false)
				shared.Job = id
				processes++
				go run(ctx, shared)
			}
			select { // longer than the session, and than a rebalance may take
			case err := <-ended:
				t.Fatalf("RetagHistory = %v while the registry is away, want that it waits", err)
			case <-time.After(p.cfg.Kafka.RebalanceTimeout + p.cfg.Kafka.SessionTimeout):
			}
			for key, line := range before {
				if now := p.view(t)[key]; now != line && now != want[key] {
					t.Errorf("tag %s is %q while the registry is away, want what it was or will be", line, now)
				}
			}
			if tt.stop {
				stop()
				if err := <-ended; !interrupted(err) {
					t.Errorf("RetagHistory = %v, want that it was stopped", err)
				}
				p.away.Store(false)
				again := allHistory(false)
				again.Job = id
				retagHistory(t, p.cfg, again)
			}
			p.away.Store(false)
			for range processes {
				if tt.stop {
					break
				}
				if err := <-ended; err != nil && !strings.Contains(err.Error(), retag.ErrNoJob.Error()) {
					t.Errorf("RetagHistory = %v", err)
				}
			}
			if diff := cmp.Diff(want, p.view(t)); diff != "" {
				t.Errorf("tags (-want +got):\n%s", diff)
			}
			if report := p.retagIs(t, want); report.Records != 0 {
				t.Errorf("another retag writes %d records, want none", report.Records)
			}
		})
	}
}

// What only reads waits, too, and says nothing that it does not know.
func TestDryRunsAndVerificationsWaitForARegistryThatIsAway(t *testing.T) {
	t.Parallel()
	p := newRegisteredPast(t)
	p.fill(t)
	before := p.view(t)
	p.away.Store(true)
	log := slog.New(slog.DiscardHandler)
	rules, err := app.LoadRules(p.cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	var query app.TagQuery
	for key, line := range before {
		if strings.Contains(line, "makers-") {
			_, id, _ := strings.Cut(key, "/")
			query.ID = uuid.MustParse(id)
		}
	}
	compared := allHistory(true)
	compared.Candidate = []string{p.cfg.RuleStore.Dir}
	for name, do := range map[string]func(context.Context) error{
		"dry run": func(ctx context.Context) error {
			_, err := app.RetagHistory(ctx, p.cfg, log, allHistory(true))
			return err
		},
		"comparison": func(ctx context.Context) error { _, err := app.RetagHistory(ctx, p.cfg, log, compared); return err },
		"verify": func(ctx context.Context) error {
			_, err := app.Verify(ctx, p.cfg, log, rules, false, all())
			return err
		},
	} {
		asked := p.asked.Load()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- do(ctx) }() // awaited below
		kafkatest.Eventually(t, "the registry to be asked", func() bool { return p.asked.Load() > asked })
		stop()
		if err := <-ended; !interrupted(err) {
			t.Errorf("%s = %v, want that it was stopped while it waited", name, err)
		}
	}
	if diff := cmp.Diff(before, p.view(t)); diff != "" {
		t.Errorf("tags (-before +after):\n%s", diff)
	}
}

// Seen: tags that were written by the registry's ids were left as if they were from elsewhere once output.framing was another.
func TestARetagReadsTagsByTheIDsOfARegistry(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	cfg := quickConfig(t, c)
	useRegistry(t, &cfg, newFakeRegistry(t).URL())
	w := startWorker(t, cfg, slog.New(slog.DiscardHandler))
	w.ready(t)
	writeEvents(t, c, 12)
	waitForTags(t, c, 12)
	kafkatest.Eventually(t, "all events to be committed", func() bool { return sum(committed(t, c, cfg)) >= 12 })
	if err := w.stop(); err != nil {
		t.Fatalf("Wait = %v", err)
	}
	cfg.Output.Framing = wire.SingleObject
	cfg.RuleStore.Dir = ruleDir(t, "R2") // those of R1 do not hold any more
	out, err := app.RetagHistory(t.Context(), cfg, slog.New(slog.DiscardHandler), app.Retag{To: kafka.Now, Memory: 1 << 20})
	if err != nil {
		t.Fatalf("RetagHistory = %v", err)
	}
	if total := out.Report.Total(); total.Removed != 12 || total.Added != 12 || out.Report.Outside > 0 {
		t.Errorf("%d tags removed, %d added, %d of elsewhere, want 12, 12, 0", total.Removed, total.Added, out.Report.Outside)
	}
	if v := verified(t, cfg, false, all()); v.Differences() > 0 || v.Tags() != 12 {
		t.Errorf("%q of %d tags differ, want none of 12", findings(&v), v.Tags())
	}
}
