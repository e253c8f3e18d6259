package wire

import (
	"errors"
	"strings"
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
	archive, archiveErr := d.RuleArchive(value)
	for _, e := range encoders {
		if ruleErr == nil {
			data, err := e.RuleReloaded(nil, &rule)
			if err != nil {
				t.Fatal(err)
			}
			got, err := d.RuleReloaded(data)
			checkSame(t, got, rule, err)
		}
		if archiveErr == nil {
			data, err := e.RuleArchive(nil, &archive)
			if err != nil {
				t.Fatal(err)
			}
			got, err := d.RuleArchive(data)
			checkSame(t, got, archive, err)
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

// FuzzCowrie holds that nothing makes the reader of cowrie's events panic or change what it reads; that what it gives is an
// event of our own which comes back the same from any framing; and that white space and order are no content.
func FuzzCowrie(f *testing.F) {
	limits := Limits{PayloadBytes: 4096, Depth: 8, Fields: 100}
	d, ours := newCowrie(f, limits), newDecoder(f, Limits{PayloadBytes: 6 * limits.PayloadBytes, Depth: limits.Depth, Fields: limits.Fields})
	encoders := []*Encoder{newEncoder(f, SingleObject), newEncoder(f, JSON)}
	for _, row := range cowrieTable() {
		for id := range strings.FieldsSeq(row.eventids) {
			f.Add([]byte(cowrieLine(id, `"input":"id","version":"x","dst_ip":"192.0.2.1","dst_port":25,"kexAlgs":["a", "b"],"system":"SSH"`)))
		}
	}
	f.Add([]byte(cowrieLine("cowrie.command.input", "\"input\":\"\xff\\ud800\",\"a\":{\"a\":1e999,\"a\":-0},\"\\u0062\":[1.0]")))
	f.Fuzz(func(t *testing.T, value []byte) {
		before := string(value)
		ev, _, err := d.Event(value, time.Time{})
		if string(value) != before {
			t.Fatalf("value %q was changed to %q", before, value)
		}
		if err != nil {
			if _, skip := errors.AsType[SkipError](err); !skip && (classOf(err) == "?" || classOf(err) == "") {
				t.Fatalf("Event(%q) = %v (%T), want an *Error or a SkipError", value, err, err)
			}
			return
		}
		if len(ev.SourceID) != 64 || ev.EventTime.IsZero() || ev.SourceKind == "" {
			t.Fatalf("Event(%q) = %+v, want a kind, an id and a time", value, ev)
		}
		for _, e := range encoders {
			got, repairs, err := ours.Event(must(e.Event(nil, &ev)), time.Time{})
			if diff := cmp.Diff(ev, got); err != nil || repairs != 0 || diff != "" {
				t.Fatalf("Event(%q) by way of TaggerEvent: %d repairs, %v (-want +got):\n%s", value, repairs, err, diff)
			}
		}
		spread := jsontext.Value(before)
		if err := spread.Indent(); err != nil || len(spread) > limits.PayloadBytes {
			return // it grows
		}
		if got, _, err := d.Event(spread, time.Time{}); err != nil || got.SourceID != ev.SourceID {
			t.Fatalf("Event(%q) = %s, %v, want %s as of %q", spread, got.SourceID, err, ev.SourceID, value)
		}
	})
}
