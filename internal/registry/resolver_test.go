package registry

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"ttpworker/internal/wire"
)

// foreignSchema is that of a sensor of another maker; foreignDatum is an event under it.
const foreignSchema = `{"type":"record","name":"TaggerEvent","namespace":"com.example","fields":[
	{"name":"sensor","type":"string"},{"name":"payload","type":"string"},{"name":"source_id","type":"string"},{"name":"source_kind","type":"string"}]}`

const foreignDatum = "\x02x\x04{}\x02i\x02k"

func confluent(id uint32, datum string) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, id), datum...)
}

func (r *rig) checkForeign(t *testing.T, value []byte) {
	t.Helper()
	ev, _, err := r.decoder.Event(value, time.Time{})
	if err != nil || ev.SourceKind != "k" || ev.SourceID != "i" || string(ev.Payload) != "{}" {
		t.Errorf("Event = %+v, %v, want the event", ev, err)
	}
}

func TestAnIDIsAskedForOnceAndKept(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	ours, theirs := f.register(t, "in-value", wire.SchemaText(wire.EventRecord)), f.register(t, "in-value", foreignSchema)
	r := newRig(t, time.Second, quickConfig(f.URL()))
	for _, id := range []uint32{ours, theirs} {
		if err := r.seek(t, wire.RefByID(id)); err != nil {
			t.Fatalf("Await(%d) = %v", id, err)
		}
	}
	r.checkForeign(t, confluent(theirs, foreignDatum))
	asked := f.asked.Load()
	f.fail(reply(500, "")) // and now it does not matter any more
	for range 10 {
		if err := r.seek(t, wire.RefByID(ours)); err != nil {
			t.Fatal(err)
		}
		r.checkForeign(t, confluent(theirs, foreignDatum))
	}
	if got := f.asked.Load(); got != asked || asked != 4 {
		t.Errorf("%d requests, %d of them for known ids; want 2 for each id and none later", got, got-asked)
	}
	if n := value(t, r.reg, "ttp_registry_schemas", readable); n != 2 {
		t.Errorf("schemas = %v, want 2", n)
	}
}

func TestASchemaThatCannotBeReadIsADeadLetterThatSaysSo(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.SeedSchema("in-value", 1, 11, sr.Schema{Schema: `syntax = "proto3";`, Type: sr.TypeProtobuf})
	f.SeedSchema("in-value", 2, 12, sr.Schema{Schema: `{"type":"record","name":"acme.Order","fields":[]}`})
	f.SeedSchema("in-value", 3, 13, sr.Schema{Schema: foreignSchema, References: []sr.SchemaReference{{Name: "x", Subject: "in-value", Version: 1}}})
	f.SeedSchema("in-value", 4, 14, sr.Schema{Schema: `{"type":"record","name":"TaggerEvent","fields":[{"name":"payload","type":"int"}]}`})
	f.SeedSchema("in-value", 5, 15, sr.Schema{Schema: foreignSchema + strings.Repeat(" ", maxSchema)})
	r := newRig(t, time.Second, quickConfig(f.URL()))
	for id, want := range map[uint32]string{
		11: "schema id 11 (subject in-value version 1): it is of type PROTOBUF, want AVRO",
		12: `schema id 12 (subject in-value version 2): the record "acme.Order" is none of ttp.TaggerEvent`,
		13: "schema id 13 (subject in-value version 3): it needs other schemas (references), which are not read here",
		14: "schema id 14 (subject in-value version 4): its data cannot be read as ttp.TaggerEvent: source_kind is missing and has no default",
		15: "schema id 15 (subject in-value version 5): it has ",
	} {
		if err := r.seek(t, wire.RefByID(id)); err != nil {
			t.Errorf("Await(%d) = %v, want nil: the registry has it", id, err)
		}
		_, _, err := r.decoder.Event(confluent(id, "x"), time.Time{})
		fault, ok := errors.AsType[*wire.Error](err)
		if !ok || fault.Class != wire.UnknownSchema || !strings.HasPrefix(fault.Err.Error(), want) {
			t.Errorf("Event of id %d = %v, want %s", id, err, want)
		}
	}
	if n := value(t, r.reg, "ttp_registry_schemas", unreadable); n != 5 {
		t.Errorf("unreadable schemas = %v, want 5", n)
	}
}

func TestAnIDThatComesLateIsWaitedFor(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	r := newRig(t, time.Minute, quickConfig(f.URL()))
	r.waits(t, wire.RefByID(5))
	f.SeedSchema("in-value", 1, 5, sr.Schema{Schema: foreignSchema})
	if err := r.seek(t, wire.RefByID(5)); err != nil {
		t.Errorf("Await = %v, want nil", err)
	}
	r.checkForeign(t, confluent(5, foreignDatum))
}

func TestAnIDThatNeverComesIsGivenUpAndRemembered(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	r := newRig(t, 500*time.Millisecond, quickConfig(f.URL()))
	began := time.Now()
	err := r.seek(t, wire.RefByID(5))
	if took := time.Since(began); !errors.Is(err, ErrNotFound) || took < 500*time.Millisecond {
		t.Errorf("Await = %v after %s, want ErrNotFound after half a second", err, took)
	}
	if err.Error() != "schema id 5: the schema registry does not have it" {
		t.Errorf("Await = %v", err)
	}
	asked := f.asked.Load()
	for range 100 {
		if done, err := r.Seek(wire.RefByID(5)); done != nil || err == nil {
			t.Fatalf("Seek of a schema that was given up = %v, want why", err)
		}
	}
	if got := f.asked.Load(); got != asked {
		t.Errorf("%d requests for a schema that was given up, want none", got-asked)
	}
	if n := value(t, r.reg, "ttp_registry_given_up_total", ""); n != 1 {
		t.Errorf("given up = %v, want 1", n)
	}
}

// Whatever keeps the registry from answering, nothing is given up, and what is known is read all the same. When it is
// back there is an answer.
func TestAnOutageGivesNothingUp(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]srfake.Interceptor{
		"500":     reply(500, `{"error_code":50001,"message":"Error in the backend data store"}`),
		"hangs":   hang,
		"401":     reply(401, ""),
		"a proxy": reply(404, "<html>"),
		"slow": func(_ http.ResponseWriter, req *http.Request) bool { // slower than the timeout
			select {
			case <-time.After(time.Second):
			case <-req.Context().Done():
			}
			return false
		},
	} {
		for _, atStart := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, at start %t", name, atStart), func(t *testing.T) {
				t.Parallel()
				f := newFake(t)
				known, late := f.register(t, "in-value", wire.SchemaText(wire.EventRecord)), f.register(t, "in-value", foreignSchema)
				cfg := quickConfig(f.URL())
				cfg.Timeout = 300 * time.Millisecond
				r := newRig(t, 10*time.Millisecond, cfg)
				if !atStart {
					if err := r.seek(t, wire.RefByID(known)); err != nil {
						t.Fatal(err)
					}
				}
				f.fail(fault)
				r.waits(t, wire.RefByID(late))
				r.waits(t, wire.RefByID(99))
				if !atStart && !r.decoder.Knows(wire.RefByID(known)) {
					t.Error("a known id is forgotten")
				}
				if n := value(t, r.reg, "ttp_registry_waiting_schemas", ""); n != 2 {
					t.Errorf("waiting schemas = %v, want 2", n)
				}
				if n := value(t, r.reg, "ttp_registry_given_up_total", ""); n != 0 {
					t.Errorf("given up = %v, want none", n)
				}
				f.fail(nil)
				if err := r.seek(t, wire.RefByID(late)); err != nil {
					t.Errorf("Await after the outage = %v, want nil", err)
				}
				r.checkForeign(t, confluent(late, foreignDatum))
				if err := r.seek(t, wire.RefByID(99)); !errors.Is(err, ErrNotFound) {
					t.Errorf("Await after the outage = %v, want ErrNotFound", err)
				}
			})
		}
	}
}

func TestARegistryThatIsDownIsNotAskedAllTheTime(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.fail(reply(500, ""))
	r := newRig(t, time.Second, quickConfig(f.URL()))
	for id := range uint32(50) {
		if done, err := r.Seek(wire.RefByID(id)); done == nil {
			t.Fatal(err)
		}
	}
	time.Sleep(2 * time.Second)
	if n := f.asked.Load(); n > 10*parallel || n < 3 {
		t.Errorf("%d requests in 2 s of an outage, want some", n)
	}
}

func TestAFingerprintIsLookedForInTheSubjects(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.register(t, "in-value", `"string"`)
	r := newRig(t, 500*time.Millisecond, quickConfig(f.URL()))
	refs, err := wire.Refs(foreignSchema)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.seek(t, refs[0]); err == nil || !strings.Contains(err.Error(), `no version of ["in-value" "other-value"] in the schema registry has it`) {
		t.Errorf("Await = %v, want where it was looked for", err)
	}
	f.register(t, "other-value", foreignSchema)
	fresh := newRig(t, time.Minute, quickConfig(f.URL()))
	if err := fresh.seek(t, refs[0]); err != nil {
		t.Fatalf("Await = %v, want nil", err)
	}
	header := []byte{0xC3, 0x01}
	sum := strings.TrimPrefix(refs[0].String(), "fingerprint ")
	for i := 0; i < len(sum); i += 2 {
		var b byte
		if _, err := fmt.Sscanf(sum[i:i+2], "%02x", &b); err != nil {
			t.Fatal(err)
		}
		header = append(header, b)
	}
	fresh.checkForeign(t, append(header, foreignDatum...))
}

func TestIDsThatNoRegistryGives(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	r := newRig(t, time.Minute, quickConfig(f.URL()))
	if done, err := r.Seek(wire.RefByID(math.MaxUint32)); done != nil || err == nil || err.Error() != "schema id 4294967295: no registry gives ids above 2147483647" {
		t.Errorf("Seek = %v, want it given up at once", err)
	}
	if f.asked.Load() != 0 {
		t.Error("the registry was asked")
	}
}

func TestWithoutARegistryEverythingIsGivenUpAtOnce(t *testing.T) {
	t.Parallel()
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	r := NewResolver(nil, dec, nil, time.Minute, nil, nil)
	if done, err := r.Seek(wire.RefByID(1)); done != nil || err != nil {
		t.Errorf("Seek = %v, want neither a wait nor a word", err)
	}
	if err := r.Await(t.Context(), wire.RefByID(1)); err == nil || err.Error() != "schema id 1: no schema registry is configured" {
		t.Errorf("Await = %v, want that there is no registry", err)
	}
}

// Made-up ids must not keep a partition waiting for ever: patience is used up.
func TestPatienceWithIDsThatNobodyKnowsIsLimited(t *testing.T) {
	t.Parallel()
	r := NewResolver(&Client{}, nil, nil, 10*time.Second, nil, nil)
	now := time.Now()
	for i := range maxPatience {
		if !r.patient(now.Add(time.Duration(i) * time.Second)) {
			t.Fatalf("no patience for schema %d", i)
		}
	}
	if r.patient(now.Add(time.Minute)) {
		t.Errorf("patience for schema %d, want none", maxPatience+1)
	}
	if !r.patient(now.Add(patienceFor*r.wait + time.Millisecond)) {
		t.Error("no patience although the first use of it is long ago")
	}
}

func TestManyMadeUpIDsAreGivenUpSoon(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	r := newRig(t, 2*time.Second, quickConfig(f.URL()))
	var all []<-chan struct{}
	for id := range uint32(200) {
		done, err := r.Seek(wire.RefByID(1000 + id))
		if done == nil {
			t.Fatal(err)
		}
		all = append(all, done)
	}
	time.Sleep(time.Second) // half the wait
	soon := 0
	for _, done := range all {
		select {
		case <-done:
			soon++
		default:
		}
	}
	if want := len(all) - maxPatience; soon != want {
		t.Errorf("%d of %d ids are given up before the wait is over, want %d", soon, len(all), want)
	}
	for _, done := range all {
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Fatal("an id is not given up")
		}
	}
	for id := range uint32(200) {
		if _, err := r.Seek(wire.RefByID(1000 + id)); !errors.Is(err, ErrNotFound) {
			t.Fatalf("Seek = %v, want ErrNotFound", err)
		}
	}
}

// What the registry said before an outage counts, the outage does not.
func TestAnOutageIsNoPartOfTheWait(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	c, _ := newClient(t, quickConfig(f.URL()))
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	r := NewResolver(c, dec, nil, 30*time.Second, slog.New(slog.DiscardHandler), c.metrics)
	done, err := r.Seek(wire.RefByID(1))
	if err != nil {
		t.Fatal(err)
	}
	q := r.open[wire.RefByID(1)]
	now := time.Now()
	at := func(seconds int, err error, want bool) {
		t.Helper()
		r.settle(q, err, now.Add(time.Duration(seconds)*time.Second))
		select {
		case <-done:
			if !want {
				t.Fatalf("given up after %d s", seconds)
			}
		default:
			if want {
				t.Fatalf("not given up after %d s", seconds)
			}
		}
	}
	out := &OutageError{errors.New("x")}
	at(0, ErrNotFound, false)
	at(20, ErrNotFound, false)
	at(25, out, false)
	at(500, out, false)
	at(600, ErrNotFound, false)
	at(609, ErrNotFound, false)
	at(611, ErrNotFound, true)
}
