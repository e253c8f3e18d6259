package app_test

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"ttpworker/internal/app"
	"ttpworker/internal/consume"
	"ttpworker/internal/deadletter"
	"ttpworker/internal/kafkatest"
	"ttpworker/internal/produce"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
	"ttpworker/internal/yamlx"
)

// A fakeRegistry is the registry of a test, with a switch.
type fakeRegistry struct {
	*srfake.Registry
	down atomic.Bool
	seen sync.Map // paths of requests for ids
}

func newFakeRegistry(t *testing.T) *fakeRegistry {
	t.Helper()
	r := &fakeRegistry{Registry: srfake.New()}
	t.Cleanup(r.Close)
	r.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if strings.HasPrefix(req.URL.Path, "/schemas/ids/") {
			r.seen.Store(req.URL.Path, true)
		}
		if r.down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return r.down.Load()
	})
	return r
}

// useRegistry has cfg read and write by the ids of a registry at url that has our schemas.
func useRegistry(t *testing.T, cfg *app.Config, url string) {
	t.Helper()
	cfg.Registry.URLs = yamlx.Strings{url}
	cfg.Registry.Timeout = 5 * time.Second
	cfg.Output.Framing = wire.Confluent
	reports, err := app.RegisterSchemas(t.Context(), *cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range reports {
		if len(r.Faults) > 0 || r.ID == 0 {
			t.Fatalf("registering %s under %s: %q", r.Schema, r.Subject, r.Faults)
		}
	}
}

// byID is value in the framing of a registry.
func byID(id uint32, datum []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, id), datum...)
}

// makerSchema is that of a sensor of another maker, makerDatum an event under it.
const makerSchema = `{"type":"record","name":"TaggerEvent","namespace":"com.example","fields":[
	{"name":"vendor","type":{"type":"array","items":"string"}},{"name":"payload","type":"bytes"},
	{"name":"source_id","type":"string"},{"name":"source_kind","type":"string"},{"name":"session_id","type":"string"}]}`

func makerDatum(id string) []byte {
	out := []byte{0} // no vendor
	for _, text := range []string{`{"command_text":"curl"}`, id, "command", "s-1"} {
		out = append(binary.AppendVarint(out, int64(len(text))), text...)
	}
	return out
}

// ourDatum is an event under our schema.
func ourDatum(t *testing.T, id string) []byte {
	t.Helper()
	enc, err := wire.NewEncoder(wire.SingleObject)
	if err != nil {
		t.Fatal(err)
	}
	value, err := enc.Event(nil, &tagger.TaggerEvent{SourceKind: "command", SourceID: id, SessionID: "s-1", Payload: []byte(`{"command_text":"curl"}`)})
	if err != nil {
		t.Fatal(err)
	}
	return value[10:]
}

// schemaID finds the id of a schema in a subject, and registers it if it is not there.
func schemaID(t *testing.T, url, subject, text string) uint32 {
	t.Helper()
	client, err := sr.NewClient(sr.URLs(url), sr.HTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}))
	if err != nil {
		t.Fatal(err)
	}
	id, err := client.RegisterSchema(t.Context(), subject, sr.Schema{Schema: text}, -1, -1)
	if err != nil {
		t.Fatalf("registering under %s: %v", subject, err)
	}
	return uint32(id) //nolint:gosec // ids count from 1
}

// checkByIDs runs a replica over events in every framing and checks that what comes out is framed and named by id.
func checkByIDs(t *testing.T, url string) {
	t.Helper()
	c := kafkatest.Start(t)
	cfg := quickConfig(t, c)
	useRegistry(t, &cfg, url)
	w := startWorker(t, cfg, slog.New(slog.DiscardHandler))
	w.ready(t)
	ours, makers := schemaID(t, url, c.Name("ttp_events-value"), wire.SchemaText(wire.EventRecord)), schemaID(t, url, "sensors-value", makerSchema)
	write(t, c,
		&kgo.Record{Partition: 0, Value: byID(ours, ourDatum(t, "a"))},
		&kgo.Record{Partition: 0, Value: byID(makers, makerDatum("b"))},
		&kgo.Record{Partition: 1, Value: []byte(`{"source_kind":"command","source_id":"c","payload":{"command_text":"curl"}}`)},
	)
	waitForTags(t, c, 3)
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	learn := func(id uint32, r wire.Record) {
		if err := dec.Learn(wire.RefByID(id), "", wire.SchemaText(r)); err != nil {
			t.Fatal(err)
		}
	}
	tagID := schemaID(t, url, c.Name("ttp_tags-value"), wire.SchemaText(wire.TagRecord))
	learn(tagID, wire.TagRecord)
	found := map[string]bool{}
	for _, r := range c.ReadAll(t, c.Name("ttp_tags")) {
		if got := header(r, produce.HeaderSchema); r.Value[0] != 0 || got != strconv.Itoa(int(tagID)) || header(r, produce.HeaderContentType) != "application/avro" {
			t.Errorf("tag begins with %x, header ttp-schema = %s, want 0 and %d", r.Value[:5], got, tagID)
		}
		tag, _, err := dec.Tag(r.Value)
		if err != nil {
			t.Fatal(err)
		}
		found[tag.SourceID] = true
	}
	if !found["a"] || !found["b"] || !found["c"] {
		t.Errorf("tags of %v, want those of a, b and c", found)
	}
	if letters := c.ReadAll(t, c.Name("ttp_events_dlq")); len(letters) != 0 {
		t.Errorf("%d dead letters, the first %s; want none", len(letters), header(letters[0], consume.HeaderError))
	}

	// The control topics, too, and both ways.
	kafkatest.Eventually(t, "the rule in the catalogue", func() bool { return len(c.ReadAll(t, c.Name("ttp_rule_reloaded"))) == 1 })
	learn(schemaID(t, url, c.Name("ttp_rule_reloaded-value"), wire.SchemaText(wire.RuleReloadedRecord)), wire.RuleReloadedRecord)
	if r, err := dec.RuleReloaded(c.ReadAll(t, c.Name("ttp_rule_reloaded"))[0].Value); err != nil || r.RuleID != "R1" {
		t.Errorf("catalogue has %+v, %v, want R1", r, err)
	}
	err = app.WithStates(t.Context(), cfg, slog.New(slog.DiscardHandler), func(s *store.States) error {
		return s.SetState(t.Context(), store.State{RuleID: "R1", State: tagger.Shadow, StateID: "", SetBy: "test"})
	})
	if err != nil {
		t.Fatalf("setting a state: %v", err)
	}
	kafkatest.Eventually(t, "the order to be in force", func() bool {
		write(t, c, &kgo.Record{Partition: 2, Value: byID(ours, ourDatum(t, "d"))})
		return len(c.ReadAll(t, c.Name("ttp_tags_shadow"))) > 0
	})
	if err := w.stop(); err != nil {
		t.Errorf("Wait = %v, want nil", err)
	}
}

func TestAWorkerReadsAndWritesByTheIDsOfARegistry(t *testing.T) {
	t.Parallel()
	checkByIDs(t, newFakeRegistry(t).URL())
}

// While the registry is down known ids are read as ever, an event of an unknown one waits with its partition, nothing
// becomes a dead letter and the replica is alive and ready. When it is back all is there, in order.
func TestAnOutageOfTheRegistryLosesNothing(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	cfg := quickConfig(t, c)
	cfg.Kafka.SchemaWait = 50 * time.Millisecond
	fake := newFakeRegistry(t)
	useRegistry(t, &cfg, fake.URL())
	ours := schemaID(t, fake.URL(), c.Name("ttp_events-value"), wire.SchemaText(wire.EventRecord))
	makers := schemaID(t, fake.URL(), "sensors-value", makerSchema)
	w := startWorker(t, cfg, slog.New(slog.DiscardHandler))
	w.ready(t)
	write(t, c, &kgo.Record{Partition: 0, Value: byID(ours, ourDatum(t, "first"))})
	waitForTags(t, c, 1)

	fake.down.Store(true)
	write(t, c,
		&kgo.Record{Partition: 1, Value: byID(ours, ourDatum(t, "1-0"))},
		&kgo.Record{Partition: 1, Value: byID(makers, makerDatum("1-1"))},
		&kgo.Record{Partition: 1, Value: byID(ours, ourDatum(t, "1-2"))},
	)
	const rounds = 30 // of 100 ms: longer than the session
	for i := range rounds {
		write(t, c, &kgo.Record{Partition: 0, Value: byID(ours, ourDatum(t, fmt.Sprint("0-", i)))})
		time.Sleep(100 * time.Millisecond)
	}
	waitForTags(t, c, 1+rounds)
	for path, want := range map[string]int{"/livez": http.StatusOK, "/readyz": http.StatusOK} {
		if status, body := w.get(t, path); status != want {
			t.Errorf("%s = %d %s, want %d: nothing is wrong with the replica", path, status, body, want)
		}
	}
	_, text := w.get(t, "/metrics")
	for _, series := range []string{
		"ttp_consume_held_partitions 1", "ttp_registry_reachable 0", "ttp_registry_waiting_schemas 1", "ttp_registry_given_up_total 0",
		`ttp_registry_schemas{use="readable"} 1`, `ttp_pipeline_dead_letters_total{class="unknown_schema"} 0`,
	} {
		if !strings.Contains(text, "\n"+series+"\n") {
			t.Errorf("/metrics does not have %s", series)
		}
	}

	fake.down.Store(false)
	waitForTags(t, c, 1+rounds+3)
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if err := dec.Learn(wire.RefByID(schemaID(t, fake.URL(), c.Name("ttp_tags-value"), wire.SchemaText(wire.TagRecord))), "", wire.SchemaText(wire.TagRecord)); err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, r := range c.ReadAll(t, c.Name("ttp_tags")) {
		tag, _, err := dec.Tag(r.Value)
		if err != nil {
			t.Fatal(err)
		}
		if r.Partition == 1 {
			order = append(order, tag.SourceID)
		}
	}
	if fmt.Sprint(order) != "[1-0 1-1 1-2]" {
		t.Errorf("order on the partition that waited = %v, want that of the events", order)
	}
	if letters := c.ReadAll(t, c.Name("ttp_events_dlq")); len(letters) != 0 {
		t.Errorf("%d dead letters, want none", len(letters))
	}
}

// A replica that writes without the registry's ids does not need the registry to start, and what it cannot read waits.
func TestARegistryThatIsDownAtTheStart(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	cfg := quickConfig(t, c)
	fake := newFakeRegistry(t)
	ours := schemaID(t, fake.URL(), c.Name("ttp_events-value"), wire.SchemaText(wire.EventRecord))
	fake.down.Store(true)
	cfg.Registry.URLs = yamlx.Strings{fake.URL()}
	w := startWorker(t, cfg, slog.New(slog.DiscardHandler))
	w.ready(t)
	write(t, c, &kgo.Record{Partition: 0, Value: byID(ours, ourDatum(t, "a"))})
	writeEvents(t, c, 6) // one of them on the partition that waits
	waitForTags(t, c, 5)
	fake.down.Store(false)
	waitForTags(t, c, 7)
	if letters := c.ReadAll(t, c.Name("ttp_events_dlq")); len(letters) != 0 {
		t.Errorf("%d dead letters, want none", len(letters))
	}
}

// What the registry does not have after the wait is a dead letter that says so; a schema that comes within it is none.
func TestASchemaThatTheRegistryDoesNotHave(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	cfg := quickConfig(t, c)
	cfg.Kafka.SchemaWait = 8 * time.Second
	fake := newFakeRegistry(t)
	cfg.Registry.URLs = yamlx.Strings{fake.URL()}
	fake.SeedSchema("orders-value", 1, 50, sr.Schema{Schema: `{"type":"record","name":"acme.Order","fields":[]}`})
	w := startWorker(t, cfg, slog.New(slog.DiscardHandler))
	w.ready(t)
	refs, err := wire.Refs(makerSchema)
	if err != nil {
		t.Fatal(err)
	}
	printed := append([]byte{0xC3, 0x01}, fingerprintOf(t, refs[0])...)
	write(t, c,
		&kgo.Record{Partition: 0, Value: byID(60, ourDatum(t, "never"))},
		&kgo.Record{Partition: 1, Value: byID(61, ourDatum(t, "late"))},
		&kgo.Record{Partition: 2, Value: byID(50, []byte("order"))},
		&kgo.Record{Partition: 3, Value: []byte("\xC3\x0112345678never")},
		&kgo.Record{Partition: 4, Value: append(printed, makerDatum("by print")...)},
	)
	kafkatest.Eventually(t, "the registry to be asked for what it does not have", func() bool {
		_, asked := fake.seen.Load("/schemas/ids/61")
		return asked
	})
	fake.SeedSchema(c.Name("ttp_events-value"), 1, 61, sr.Schema{Schema: wire.SchemaText(wire.EventRecord)})
	fake.SeedSchema(c.Name("ttp_events-value"), 2, 62, sr.Schema{Schema: makerSchema})
	waitForTags(t, c, 2)
	kafkatest.Eventually(t, "the dead letters of what nobody knows", func() bool { return len(c.ReadAll(t, c.Name("ttp_events_dlq"))) == 3 })
	want := map[string]string{
		c.Name("ttp_events/0/0"): "unknown_schema: schema id 60: the schema registry does not have it",
		c.Name("ttp_events/2/0"): `unknown_schema: schema id 50 (subject orders-value version 1): the record "acme.Order" is none of ` +
			"ttp.TaggerEvent, ttp.Tag, ttp.RuleReloaded, ttp.RuleState, ttp.RuleArchive",
		c.Name("ttp_events/3/0"): `unknown_schema: fingerprint 3132333435363738: no version of ["` + c.Name("ttp_events-value") + `"] in the schema registry has it`,
	}
	for _, r := range c.ReadAll(t, c.Name("ttp_events_dlq")) {
		source := header(r, consume.HeaderSource)
		if got := header(r, consume.HeaderError); got != want[source] || header(r, consume.HeaderErrorClass) != string(wire.UnknownSchema) {
			t.Errorf("dead letter of %s says\n%s, want\n%s", source, got, want[source])
		}
		delete(want, source)
	}
	if len(want) > 0 {
		t.Errorf("no dead letter of %v", want)
	}

	// Once the registry has it, what became a dead letter for want of it is as good as any.
	fake.SeedSchema(c.Name("ttp_events-value"), 3, 60, sr.Schema{Schema: wire.SchemaText(wire.EventRecord)})
	time.Sleep(6 * time.Second) // the replica asks again 5 s after it gave up
	report, err := app.ReplayDeadLetters(t.Context(), cfg, slog.New(slog.DiscardHandler), deadletter.Replay{By: "test"}, true)
	if err != nil || report.Replayed != 1 {
		t.Errorf("replay = %+v, %v, want the one record replayed that can be read now", report, err)
	}
	waitForTags(t, c, 3)
}

// fingerprintOf gives back the bytes of a fingerprint.
func fingerprintOf(t *testing.T, ref wire.SchemaRef) []byte {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimPrefix(ref.String(), "fingerprint "), 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	return binary.BigEndian.AppendUint64(nil, n)
}

func TestStartErrorsOfARegistrySayWhatToMend(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	fake := newFakeRegistry(t)
	cfg := quickConfig(t, c)
	cfg.Registry.URLs = yamlx.Strings{fake.URL()}
	cfg.Output.Framing = wire.Confluent
	log := slog.New(slog.DiscardHandler)
	err := app.Run(t.Context(), cfg, log)
	for _, subject := range []string{"ttp_tags-value", "ttp_tags_shadow-value", "ttp_rule_reloaded-value", "ttp_rule_state-value"} {
		if err == nil || !strings.Contains(err.Error(), "is not registered under "+c.Name(subject)+": run `worker schemas register`") {
			t.Errorf("Run = %v, want %s in it", err, subject)
		}
	}
	if err != nil && strings.Contains(err.Error(), c.Name("ttp_events-value")) {
		t.Errorf("Run = %v, want no word of the input: sensors have schemas of their own", err)
	}
	cfg.Registry.PasswordFile, cfg.Registry.Username = "/nonexistent/password", "u"
	if err := app.Run(t.Context(), cfg, log); err == nil || !strings.Contains(err.Error(), "schema_registry.password_file: open /nonexistent/password") {
		t.Errorf("Run = %v, want the file that is not there", err)
	}
	if _, err := app.RegisterSchemas(t.Context(), app.DefaultConfig()); err != app.ErrNoRegistry { //nolint:errorlint // it is that one
		t.Errorf("RegisterSchemas without a registry = %v, want ErrNoRegistry", err)
	}
}

func TestAWorkerAgainstARealRegistry(t *testing.T) {
	url := os.Getenv("TTP_TEST_REGISTRY")
	if url == "" {
		t.Skip("TTP_TEST_REGISTRY names no registry: see make test-registry")
	}
	checkByIDs(t, url)
}
