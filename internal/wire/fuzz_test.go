package wire

import (
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// FuzzEvent holds two promises: no bytes make the decoder panic, and what decodes comes back the same from either
// framing, its payload a JSON object that a strict reader takes.
func FuzzEvent(f *testing.F) {
	limits := Limits{PayloadBytes: 4096, Depth: 8}
	d := newDecoder(f, limits)
	encoders := []*Encoder{newEncoder(f, SingleObject), newEncoder(f, JSON), newEncoder(f, Confluent)}
	full, bare := fullEvent(), bareEvent()
	for _, e := range encoders {
		f.Add(must(e.Event(nil, &full)))
		f.Add(must(e.Event(nil, &bare)))
	}
	for _, payload := range []string{"{\"\xff\":\"\\ud800\\\\\"}", `{"a":[[[[]]]]}`, ` {"a":1,"a":2} `} {
		f.Add(append(header(f, EventRecord), withPayload(payload)...))
		f.Add([]byte(`{"source_kind":"k","source_id":"i","event_time":"2026-01-31T12:00:00.5+01:00","payload":` + payload + `}`))
	}
	f.Add([]byte("\x00\x00\x00\x00\x01"))
	f.Add([]byte("\x00\x00\x00\x00\x09"))
	f.Fuzz(func(t *testing.T, value []byte) {
		before := string(value)
		ev, _, err := d.Event(value, time.Time{})
		if string(value) != before {
			t.Fatalf("value %q was changed to %q", before, value)
		}
		if err != nil {
			if class := classOf(err); class == "?" || class == "" {
				t.Fatalf("Event(%q) = %v (%T), want an *Error", value, err, err)
			}
			return
		}
		if len(ev.Payload) > 3*limits.PayloadBytes || !jsontext.Value(ev.Payload).IsValid(jsontext.AllowDuplicateNames(true)) {
			t.Fatalf("Event(%q) gave the payload %q", value, ev.Payload)
		}
		if len(ev.Payload) > limits.PayloadBytes {
			return // repair made it longer than the limit: it cannot be read again under the same one
		}
		for _, e := range encoders {
			data, err := e.Event(nil, &ev)
			if err != nil {
				t.Fatalf("Event(%q) does not encode: %v", value, err)
			}
			got, repairs, err := d.Event(data, time.Time{})
			if err != nil || repairs != 0 {
				t.Fatalf("%q, from %q: %d repairs, %v", data, value, repairs, err)
			}
			if diff := cmp.Diff(ev, got); diff != "" {
				t.Fatalf("Event(%q) by way of %q (-want +got):\n%s", value, data, diff)
			}
		}
	})
}

// FuzzTag holds the same for tags, and that nothing makes the decoders of control records panic.
func FuzzTag(f *testing.F) {
	d := newDecoder(f, DefaultLimits())
	encoders := []*Encoder{newEncoder(f, SingleObject), newEncoder(f, JSON), newEncoder(f, Confluent)}
	for _, e := range encoders {
		for _, s := range samples() {
			f.Add(must(s.encode(e)))
		}
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		checkControl(t, d, encoders, value)
		tag, taggedAt, err := d.Tag(value)
		if err != nil {
			if class := classOf(err); class == "?" || class == "" {
				t.Fatalf("Tag(%q) = %v (%T), want an *Error", value, err, err)
			}
			return
		}
		line, err := AppendTagJSON(nil, &tag)
		if err != nil || !jsontext.Value(line).IsValid(jsontext.AllowDuplicateNames(true)) {
			t.Fatalf("AppendTagJSON of %q = %q, %v", value, line, err)
		}
		if taggedAt.IsZero() {
			taggedAt = at()
		}
		for _, e := range encoders {
			data, err := e.Tag(nil, &tag, taggedAt)
			if err != nil {
				t.Fatalf("Tag(%q) does not encode: %v", value, err)
			}
			got, gotAt, err := d.Tag(data)
			if diff := cmp.Diff(tag, got); err != nil || diff != "" || !gotAt.Equal(taggedAt) {
				t.Fatalf("Tag(%q) by way of %q: %v, tagged at %v (-want +got):\n%s", value, data, err, gotAt, diff)
			}
		}
	})
}

func checkControl(t *testing.T, d *Decoder, encoders []*Encoder, value []byte) {
	t.Helper()
	rule, ruleErr := d.RuleReloaded(value)
	state, stateErr := d.RuleState(value)
	for _, e := range encoders {
		if ruleErr == nil {
			data, err := e.RuleReloaded(nil, &rule)
			if err != nil {
				t.Fatal(err)
			}
			got, err := d.RuleReloaded(data)
			checkSame(t, got, rule, err)
		}
		if stateErr == nil {
			data, err := e.RuleState(nil, &state)
			if err != nil {
				t.Fatal(err)
			}
			got, err := d.RuleState(data)
			checkSame(t, got, state, err)
		}
	}
}

func must(data []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return data
}
