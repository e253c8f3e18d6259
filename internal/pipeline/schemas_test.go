package pipeline_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/wire"
)

// A desk answers for schemas: those with a channel are on their way, those with an error are given up, and about the
// others there is nobody to ask.
type desk struct {
	decoder *wire.Decoder
	coming  map[wire.SchemaRef]chan struct{}
	gone    map[wire.SchemaRef]error
	asked   []string
}

var _ pipeline.Schemas = (*desk)(nil)

func (d *desk) Seek(ref wire.SchemaRef) (<-chan struct{}, error) {
	d.asked = append(d.asked, ref.String())
	if done := d.coming[ref]; done != nil {
		return done, nil
	}
	return nil, d.gone[ref]
}

// byID is an event under the schema that a registry has under id.
func byID(id byte) string {
	return string([]byte{0, 0, 0, 0, id}) + "\x0ecommand\x02i\x00\x00\x00\x00\x00\x2e{\"command_text\":\"curl\"}"
}

func TestAPartitionWaitsForASchemaThatMayCome(t *testing.T) {
	t.Parallel()
	r := newRig(t, wire.DefaultLimits(), 0, newPlan(parse(t, "R1", 1, "curl")))
	done := make(chan struct{})
	r.schemas.coming = map[wire.SchemaRef]chan struct{}{wire.RefByID(7): done}
	r.schemas.gone = map[wire.SchemaRef]error{wire.RefByID(8): errors.New("schema id 8: the schema registry does not have it")}
	recs := []kafka.Record{
		record(1, event("a", "curl")), record(2, byID(8)), record(3, byID(7)), record(4, byID(9)), record(5, event("b", "curl")), record(6, byID(7)),
	}
	b := r.Begin()
	before, err := b.Outputs(t.Context(), nil, recs[:2])
	if err != nil || len(before) != 3 { // two tags and a dead letter
		t.Fatalf("Outputs of what is known = %d records, %v", len(before), err)
	}
	if got := errorHeaders(before[2]); got != "unknown_schema: schema id 8: the schema registry does not have it" {
		t.Errorf("dead letter says %q, want what the registry said", got)
	}
	r.schemas.asked = nil
	_, err = b.Outputs(t.Context(), nil, recs[2:])
	held, ok := errors.AsType[*consume.HoldError](err)
	if !ok || held.Topic != "ttp_events" || held.Partition != 3 || held.Until != done {
		t.Fatalf("Outputs = %#v, want partition 3 to wait until the schema is there", err)
	}
	if diff := cmp.Diff([]string{"schema id 7", "schema id 7", "schema id 9", "schema id 7"}, r.schemas.asked); diff != "" {
		t.Errorf("schemas asked for (-want +got):\n%s", diff)
	}
	b.End(false)
	if n := value(t, r.reg, "ttp_pipeline_dead_letters_total", "unknown_schema"); n != 1 {
		t.Errorf("dead letters = %v, want only that of the schema that nobody has", n)
	}
	if n := value(t, r.reg, "ttp_pipeline_events_total", "failed"); n != 0 {
		t.Errorf("failed events = %v, want none", n)
	}

	for _, id := range []uint32{7, 9} {
		if err := r.schemas.decoder.Learn(wire.RefByID(id), "s", wire.SchemaText(wire.EventRecord)); err != nil {
			t.Fatal(err)
		}
	}
	b = r.Begin()
	defer b.End(true)
	after, err := b.Outputs(t.Context(), nil, recs[2:])
	if err != nil || len(after) != 2*4 {
		t.Errorf("Outputs = %d records, %v, want the 2 tags of each of 4 events", len(after), err)
	}
}

// Without a registry a record of an unknown schema is a dead letter at once, with the decoder's words.
func TestWithoutARegistryAnUnknownSchemaIsADeadLetter(t *testing.T) {
	t.Parallel()
	r := newRig(t, wire.DefaultLimits(), 0, newPlan(parse(t, "R1", 1, "curl")))
	b := r.Begin()
	defer b.End(true)
	out, err := b.Outputs(t.Context(), nil, []kafka.Record{record(1, byID(7)), record(2, "\xC3\x0112345678x")})
	if err != nil || len(out) != 2 {
		t.Fatalf("Outputs = %d records, %v, want 2 dead letters", len(out), err)
	}
	for i, want := range []string{
		"unknown_schema: schema id 7: no schema registry is configured",
		"unknown_schema: no schema has the fingerprint 3132333435363738",
	} {
		if got := errorHeaders(out[i]); got != want {
			t.Errorf("dead letter says %q, want %q", got, want)
		}
	}
}

// errorHeaders is the error of a dead letter, which begins with its class.
func errorHeaders(r kafka.Record) string {
	var class, text string
	for _, h := range r.Headers {
		switch h.Key {
		case consume.HeaderErrorClass:
			class = string(h.Value)
		case consume.HeaderError:
			text = string(h.Value)
		}
	}
	if len(text) < len(class) || text[:len(class)] != class {
		return fmt.Sprintf("class %s, but %s", class, text)
	}
	return text
}
