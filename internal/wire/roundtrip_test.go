package wire

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"ttpworker/internal/tagger"
)

func framings() []Framing { return []Framing{SingleObject, JSON, Confluent} }

func TestRoundTrip(t *testing.T) {
	d := newDecoder(t, DefaultLimits())
	for _, framing := range framings() {
		e := newEncoder(t, framing)
		t.Run(string(framing), func(t *testing.T) {
			for _, want := range []tagger.TaggerEvent{fullEvent(), bareEvent()} {
				data, err := e.Event([]byte("x"), &want)
				if err != nil {
					t.Fatal(err)
				}
				got, repairs, err := d.Event(data[1:], time.Time{})
				checkSame(t, got, want, err)
				if repairs != 0 {
					t.Errorf("repairs = %d, want 0", repairs)
				}
			}
			for _, want := range []tagger.Tag{fullTag(), bareTag()} {
				data, err := e.Tag(nil, &want, at())
				if err != nil {
					t.Fatal(err)
				}
				got, taggedAt, err := d.Tag(data)
				checkSame(t, got, want, err)
				checkSame(t, taggedAt, at(), nil)
			}
			for _, want := range []RuleReloaded{fullReloaded(), bareReloaded()} {
				data, err := e.RuleReloaded(nil, &want)
				if err != nil {
					t.Fatal(err)
				}
				got, err := d.RuleReloaded(data)
				checkSame(t, got, want, err)
			}
			for _, want := range []RuleArchive{fullArchive(), bareArchive()} {
				data, err := e.RuleArchive(nil, &want)
				if err != nil {
					t.Fatal(err)
				}
				got, err := d.RuleArchive(data)
				checkSame(t, got, want, err)
			}
			for _, want := range []RuleState{fullState(), bareState()} {
				data, err := e.RuleState(nil, &want)
				if err != nil {
					t.Fatal(err)
				}
				got, err := d.RuleState(data)
				checkSame(t, got, want, err)
			}
		})
	}
}

func checkSame[T any](t *testing.T, got, want T, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("decoding %+v: %v", want, err)
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("round trip (-want +got):\n%s", diff)
	}
}

func TestAppendTagJSONIsTheLineOfTheCommandLine(t *testing.T) {
	const want = `{"tag_id":"5bf7bf99-d026-5137-bf29-c076c5554b8f","source_kind":"command","source_id":"cmd-1",` +
		`"attacker_uuid":"a-1","identity_uuid":"i-1","session_id":"s-1","decky_id":"d-1",` +
		`"event_time":"2026-03-01T12:30:45.123456Z","tactic":"TA0006","technique_id":"T1003","sub_technique_id":"T1003.008",` +
		`"confidence":0.5,"confidence_base":0.95,"rule_id":"R0014","rule_version":3,"rule_digest":"00ff","rule_state":"clipped",` +
		`"evidence":{"command_text":"a <b> & \"c\""},"attack_release":"19.1",` +
		`"mitre_url":"https://attack.mitre.org/techniques/T1003/008/"}`
	const wantBare = `{"tag_id":"5bf7bf99-d026-5137-bf29-c076c5554b8f","source_kind":"command","source_id":"cmd-1",` +
		`"attacker_uuid":null,"identity_uuid":null,"session_id":null,"decky_id":null,"event_time":null,` +
		`"tactic":null,"technique_id":null,"sub_technique_id":null,"confidence":0,"confidence_base":0,"rule_id":"R0014",` +
		`"rule_version":null,"rule_digest":"00ff","rule_state":"enabled","evidence":{},"attack_release":"19.1","mitre_url":null}`
	d := newDecoder(t, DefaultLimits())
	for _, tt := range []struct {
		tag  tagger.Tag
		want string
	}{{fullTag(), want}, {bareTag(), wantBare}} {
		got, err := AppendTagJSON([]byte("> "), &tt.tag)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff("> "+tt.want, string(got)); diff != "" {
			t.Errorf("AppendTagJSON (-want +got):\n%s", diff)
		}
		back, taggedAt, err := d.Tag(got[2:])
		checkSame(t, back, tt.tag, err)
		if !taggedAt.IsZero() {
			t.Errorf("taggedAt = %v, want zero", taggedAt)
		}
	}
}

func TestJSONFramingOfTagEndsWithTaggedAt(t *testing.T) {
	tag := fullTag()
	line, err := AppendTagJSON(nil, &tag)
	if err != nil {
		t.Fatal(err)
	}
	got, err := newEncoder(t, JSON).Tag(nil, &tag, at())
	if err != nil {
		t.Fatal(err)
	}
	want := string(line[:len(line)-1]) + `,"tagged_at":"2026-03-01T12:30:45.123456Z"}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("Tag (-want +got):\n%s", diff)
	}
}

func TestJSONFramingIsJSON(t *testing.T) {
	e := newEncoder(t, JSON)
	rule, state, ev := fullReloaded(), fullState(), fullEvent()
	rule.YAML = "\x00\x1f\"\\\u2028 \U0001F600"
	for name, encode := range map[string]func() ([]byte, error){
		"rule":  func() ([]byte, error) { return e.RuleReloaded(nil, &rule) },
		"state": func() ([]byte, error) { return e.RuleState(nil, &state) },
		"event": func() ([]byte, error) { return e.Event(nil, &ev) },
	} {
		got, err := encode()
		if err != nil || !json.Valid(got) {
			t.Errorf("%s = %s, %v, want JSON", name, got, err)
		}
	}
}

func TestTimesAreRoundedDownToMicroseconds(t *testing.T) {
	d := newDecoder(t, DefaultLimits())
	for _, framing := range framings() {
		e := newEncoder(t, framing)
		for _, tt := range []struct{ in, want time.Time }{
			{time.Date(2026, 1, 1, 0, 0, 0, 1999, time.UTC), time.Date(2026, 1, 1, 0, 0, 0, 1000, time.UTC)},
			{time.Date(1969, 12, 31, 23, 59, 59, 999999999, time.UTC), time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC)},
			{time.Date(2026, 1, 1, 1, 0, 0, 0, time.FixedZone("", 3600)), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
			{time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC), time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC)},
			{time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)},
		} {
			ev := bareEvent()
			ev.EventTime = tt.in
			data, err := e.Event(nil, &ev)
			if err != nil {
				t.Fatal(err)
			}
			got, _, err := d.Event(data, time.Time{})
			checkSame(t, got.EventTime, tt.want, err)
			if got.EventTime.Location() != time.UTC {
				t.Errorf("location %v, want UTC", got.EventTime.Location())
			}
			viaRecord := bareEvent()
			if data, err = e.Event(nil, &viaRecord); err != nil {
				t.Fatal(err)
			}
			got, _, err = d.Event(data, tt.in)
			checkSame(t, got.EventTime, tt.want, err)
		}
	}
}

func TestAnEventsOwnTimeWins(t *testing.T) {
	d := newDecoder(t, DefaultLimits())
	want := fullEvent()
	data, err := newEncoder(t, SingleObject).Event(nil, &want)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := d.Event(data, at().Add(time.Hour))
	checkSame(t, got, want, err)
}

func TestEventOrNamesOnlyNamelessEvents(t *testing.T) {
	d := newDecoder(t, DefaultLimits())
	avro, err := newEncoder(t, SingleObject).Event(nil, &tagger.TaggerEvent{SourceKind: "email", Payload: []byte(`{}`)})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ value, want string }{
		{`{"source_kind":"email","payload":{}}`, "line:7"},
		{`{"source_kind":"email","source_id":null,"payload":{}}`, "line:7"},
		{`{"source_kind":"email","source_id":"","payload":{}}`, "line:7"},
		{`{"source_kind":"email","source_id":"m-1","payload":{}}`, "m-1"},
		{string(avro), "line:7"},
	} {
		got, _, err := d.EventOr([]byte(tt.value), time.Time{}, "line:7")
		if err != nil || got.SourceID != tt.want {
			t.Errorf("EventOr(%q).SourceID = %q, %v, want %q", tt.value, got.SourceID, err, tt.want)
		}
	}
	_, _, err = d.EventOr([]byte(`{"source_kind":"email","source_id":7,"payload":{}}`), time.Time{}, "line:7")
	wantFault(t, err, BadField, "source_id: want a string, got a number")
}

// Decoders and encoders are shared by the goroutines of all partitions; the race detector reads this test.
func TestConcurrentUse(t *testing.T) {
	d := newDecoder(t, DefaultLimits())
	var g errgroup.Group
	for _, framing := range framings() {
		e := newEncoder(t, framing)
		for i := range 4 {
			g.Go(func() error {
				want := fullEvent()
				want.SourceID = fmt.Sprint(framing, i)
				for range 200 {
					data, err := e.Event(nil, &want)
					if err != nil {
						return err
					}
					got, _, err := d.Event(data, time.Time{})
					if diff := cmp.Diff(want, got); err != nil || diff != "" {
						return fmt.Errorf("%w (-want +got):\n%s", err, diff)
					}
					if _, _, err := d.Event(data[:len(data)-1], time.Time{}); classOf(err) != Undecodable {
						return fmt.Errorf("a record cut short gives %w", err)
					}
				}
				return nil
			})
		}
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

// What a decoder returns stays as it is when it reads the next record, though it reuses its memory.
func TestResultsOutliveTheNextRecord(t *testing.T) {
	d := newDecoder(t, DefaultLimits())
	for _, framing := range framings() {
		e := newEncoder(t, framing)
		first, second := fullTag(), bareTag()
		second.SourceID, second.Evidence = "other", []byte(`{"other":"evidence"}`)
		data, err := e.Tag(nil, &first, at())
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := d.Tag(data)
		if err != nil {
			t.Fatal(err)
		}
		next, err := e.Tag(nil, &second, at())
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := d.Tag(next); err != nil {
			t.Fatal(err)
		}
		clear(data)
		checkSame(t, got, first, nil)
	}
}
