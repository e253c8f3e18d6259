package app_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/app"
	"ttpworker/internal/kafkatest"
	"ttpworker/internal/rule"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

// Two replicas work on a steady stream while rule files are edited in every save style and operator states are set
// and expire. Afterwards a reader that knows only the files as they were saved, the orders as they were given and
// what the topics hold checks that every event was tagged exactly once, under one plan, and just as a plain scan of
// that plan's rules tags it; and that every effective edit gave exactly one catalogue record.
func TestTwoReplicasUnderEditsTagEveryEventOnceAndExactly(t *testing.T) {
	w := newWorld(t)
	replicas := []*replica{w.startReplica(t), w.startReplica(t)}
	w.replicas = replicas
	stream := w.startStream(t)
	reader := w.startReader(t)

	for _, style := range saveStyles {
		t.Run(style.name, func(t *testing.T) { style.run(t, w) })
	}
	t.Run("states are set, limited and expire", func(t *testing.T) { w.orders(t) })

	events := stream.stop()
	w.waitUntilTagged(t, events)
	for _, r := range replicas {
		r.stop(t)
	}
	w.cluster.Settle(t, w.cfg.Topics.Tags.Name, w.cfg.Topics.Shadow.Name)
	o := oracle{t: t, w: w, events: w.cluster.ReadAll(t, w.cfg.Topics.Events.Name)}
	if len(o.events) != events {
		t.Fatalf("%d events in the topic, want the %d written", len(o.events), events)
	}
	tags := append(w.cluster.ReadAll(t, w.cfg.Topics.Tags.Name), w.cluster.ReadAll(t, w.cfg.Topics.Shadow.Name)...)
	o.tags(tags)
	o.archive(w.cluster.ReadAll(t, w.cfg.Topics.Archive.Name), tags)
	o.catalogue(w.cluster.ReadAll(t, w.cfg.Topics.Reloaded.Name))
	w.printLatencies(t, reader.stop())
}

// A world is a cluster, a rule directory and what was done to it.
type world struct {
	cluster  *kafkatest.Cluster
	cfg      app.Config
	dir      string
	parser   rule.Parser
	replicas []*replica
	initial  map[string]*rule.Rule

	mu     sync.Mutex
	saved  map[string]time.Time    // when a content was saved, by its SHA-256
	rules  map[string]*rule.Rule   // every content ever saved, by its SHA-256 and path
	wanted map[string][]savedEntry // catalogue records that the edits should give, by rule id, in order

	barriers []barrier
}

// A barrier is a moment at which both replicas had told that an edit is in effect: events from these offsets on
// must meet it, or a later one.
type barrier struct {
	id   string
	edit int             // index in wanted
	from map[int32]int64 // offset by partition of the events
}

// A savedEntry is one effective edit; sum "" = the rule is gone.
type savedEntry struct{ sum, path string }

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		cluster: kafkatest.Start(t), dir: filepath.Join(t.TempDir(), "rules"), parser: rule.NewParser(rule.DefaultMaxBytes),
		saved: map[string]time.Time{}, rules: map[string]*rule.Rule{}, wanted: map[string][]savedEntry{}, initial: map[string]*rule.Rule{},
	}
	w.cfg = config(w.cluster)
	w.cfg.Kafka.CommitInterval = 50 * time.Millisecond
	w.cfg.RuleStore.Dir = w.dir
	w.cfg.Admin.Listen = ""
	w.mkdir(t, w.dir)
	for _, id := range []string{"STABLE", "STATE_A", "STATE_B", "STATE_C"} {
		w.save(t, id+".yaml", id, 1)
	}
	for _, style := range saveStyles {
		if style.prepare != nil {
			style.prepare(t, w)
		}
	}
	for _, entries := range w.wanted {
		last := entries[len(entries)-1]
		r := w.rules[last.sum+last.path]
		w.initial[r.ID] = r
	}
	return w
}

func (w *world) mkdir(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
}

// text is version v of a rule. Each version matches other events, so that a tag by the wrong version shows.
func text(id string, v int) []byte {
	return fmt.Appendf(nil, `rule_id: %s
rule_version: %d
name: e2e
applies_to: [command]
match:
  pattern: 'n=[0-9]*[%s]$'
emits:
  - {tactic: TA0007, technique_id: T1082, confidence: 0.7}
  - {tactic: TA0006, technique_id: T1003, sub_technique_id: T1003.008, confidence: 0.9}
evidence_fields: [command_text]
`, id, v, digits(id, v))
}

// digits are the last digits of n that version v of a rule matches: all for the stable rule.
func digits(id string, v int) string {
	if id == "STABLE" {
		return "0-9"
	}
	return fmt.Sprintf("%d%d%d", v%10, (v+3)%10, (v+7)%10)
}

// expect notes that the content of a rule at path, relative to the directory, is about to be saved and to take
// effect; it returns the content.
func (w *world) expect(t *testing.T, path, id string, v int) []byte {
	t.Helper()
	data := text(id, v)
	r, err := w.parser.Parse(filepath.Join(w.dir, filepath.FromSlash(path)), data)
	if err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rules[r.File.SHA256+path] = r
	w.wanted[id] = append(w.wanted[id], savedEntry{r.File.SHA256, path})
	return data
}

// expectGone notes that a rule is about to go.
func (w *world) expectGone(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wanted[id] = append(w.wanted[id], savedEntry{})
}

// save rewrites a file in place.
func (w *world) save(t *testing.T, path, id string, v int) {
	t.Helper()
	w.write(t, path, w.expect(t, path, id, v))
}

func (w *world) write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, path), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// effective waits until both replicas work by the last thing noted for each of the rules, which was saved by now.
func (w *world) effective(t *testing.T, ids ...string) {
	t.Helper()
	now := time.Now()
	for _, id := range ids {
		w.mu.Lock()
		want := w.wanted[id][len(w.wanted[id])-1]
		if want.sum != "" {
			w.saved[id+want.sum] = now
		}
		w.mu.Unlock()
		for i, r := range w.replicas {
			kafkatest.Eventually(t, fmt.Sprintf("replica %d to take up the edit of %s", i, id), func() bool { return r.alive(t) && r.last(w, id) == want })
		}
	}
	from := w.endOffsets(t)
	for _, id := range ids {
		w.barriers = append(w.barriers, barrier{id, len(w.wanted[id]) - 1, from})
	}
	w.catalogueHas(t, ids...)
}

func (w *world) endOffsets(t *testing.T) map[int32]int64 {
	t.Helper()
	ends, err := kadm.NewClient(w.cluster.Client(t)).ListEndOffsets(t.Context(), w.cfg.Topics.Events.Name)
	if err != nil {
		t.Fatal(err)
	}
	from := map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) { from[o.Partition] = o.Offset })
	return from
}

// catalogueHas waits for the keeper, so that the next edit of the rule is not folded into this one.
func (w *world) catalogueHas(t *testing.T, ids ...string) {
	t.Helper()
	kafkatest.Eventually(t, fmt.Sprintf("catalogue records of %v", ids), func() bool {
		n := map[string]int{}
		for _, r := range w.cluster.ReadAll(t, w.cfg.Topics.Reloaded.Name) {
			n[string(r.Key)]++
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		return !slices.ContainsFunc(ids, func(id string) bool { return n[id] < len(w.wanted[id]) })
	})
}

// orders gives orders about the STATE rules and sees each take effect and end.
func (w *world) orders(t *testing.T) {
	t.Helper()
	ceiling := 0.25
	set := func(s store.State) {
		t.Helper()
		err := app.WithStates(t.Context(), w.cfg, slog.New(slog.DiscardHandler), func(states *store.States) error {
			return states.SetState(t.Context(), s)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	inForce := func(id string, want tagger.State) {
		t.Helper()
		for i, r := range w.replicas {
			kafkatest.Eventually(t, fmt.Sprintf("replica %d to have %s %s", i, id, want), func() bool { return r.alive(t) && r.standing(id) == want })
		}
	}
	set(store.State{RuleID: "STATE_A", State: tagger.Disabled, ExpiresAt: time.Now().Add(800 * time.Millisecond)})
	set(store.State{RuleID: "STATE_B", State: tagger.Clipped, ConfidenceMax: &ceiling})
	set(store.State{RuleID: "STATE_C", State: tagger.Shadow})
	inForce("STATE_B", tagger.Clipped)
	inForce("STATE_C", tagger.Shadow)
	inForce("STATE_A", tagger.Enabled) // it has expired
	set(store.State{RuleID: "STATE_B", State: tagger.Enabled})
	inForce("STATE_B", tagger.Enabled)
	for i, r := range w.replicas {
		if !r.has("STATE_A", tagger.Disabled) {
			t.Errorf("replica %d never had STATE_A disabled", i)
		}
	}
}

// A stream writes events until it is stopped.
type stream struct {
	cancel context.CancelFunc
	done   chan int
}

func (w *world) startStream(t *testing.T) *stream {
	t.Helper()
	enc, err := wire.NewEncoder(wire.SingleObject)
	if err != nil {
		t.Fatal(err)
	}
	cl := w.cluster.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	ctx, cancel := context.WithCancel(t.Context())
	s := &stream{cancel: cancel, done: make(chan int, 1)}
	go func() {
		n := 0
		defer func() { s.done <- n }()
		for ; ctx.Err() == nil; n++ {
			ev := tagger.TaggerEvent{
				SourceKind: "command", SourceID: fmt.Sprint("event-", n), AttackerUUID: uuid.NewSHA1(uuid.Nil, fmt.Append(nil, n%20)).String(),
				EventTime: time.Now().UTC().Truncate(time.Microsecond), Payload: fmt.Appendf(nil, `{"command_text":"n=%d"}`, n),
			}
			value, err := enc.Event(nil, &ev)
			if err != nil {
				t.Errorf("encoding an event: %v", err)
				return
			}
			rec := &kgo.Record{Topic: w.cfg.Topics.Events.Name, Partition: int32(n % 20 % 6), Key: []byte(ev.Anchor()), Value: value}
			cl.Produce(context.WithoutCancel(ctx), rec, func(_ *kgo.Record, err error) {
				if err != nil {
					t.Errorf("writing an event: %v", err)
				}
			})
			time.Sleep(4 * time.Millisecond) // about 250 events/s
		}
		if err := cl.Flush(context.WithoutCancel(ctx)); err != nil {
			t.Errorf("flushing events: %v", err)
		}
	}()
	return s
}

// stop ends the stream and returns how many events it wrote.
func (s *stream) stop() int {
	s.cancel()
	return <-s.done
}

// waitUntilTagged waits until the group has committed all events.
func (w *world) waitUntilTagged(t *testing.T, events int) {
	t.Helper()
	adm := kadm.NewClient(w.cluster.Client(t))
	kafkatest.Eventually(t, "all events to be committed", func() bool {
		offsets, err := adm.FetchOffsets(kadm.RequireStable(t.Context()), w.cfg.Kafka.Group)
		if err != nil {
			return false
		}
		sum := int64(0)
		offsets.Each(func(o kadm.OffsetResponse) { sum += max(o.At, 0) })
		return sum >= int64(events)
	})
}
