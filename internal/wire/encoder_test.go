package wire

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestNewEncoderRefusesFramings(t *testing.T) {
	if _, err := NewEncoder(Confluent); err == nil || err.Error() != "output.framing confluent needs the ids of a schema registry" {
		t.Errorf("NewEncoder(confluent) = %v, want an error that says what it needs", err)
	}
	tag := bareTag()
	got, err := NewConfluentEncoder(map[Record]uint32{EventRecord: 1}).Tag([]byte("keep"), &tag, at())
	if err == nil || err.Error() != "encoding a ttp.Tag: the schema registry has given its schema no id" || string(got) != "keep" {
		t.Errorf("Tag without an id = %q, %v, want an error that names the record", got, err)
	}
	const want = `unknown output.framing "xml": one of single_object, confluent, json`
	if _, err := NewEncoder("xml"); err == nil || err.Error() != want {
		t.Errorf("NewEncoder(xml) = %v, want %s", err, want)
	}
}

func TestHeaders(t *testing.T) {
	avro, text, registry := newEncoder(t, SingleObject), newEncoder(t, JSON), newEncoder(t, Confluent)
	if got := avro.ContentType() + " " + text.ContentType() + " " + registry.ContentType(); got != "application/avro application/json application/avro" {
		t.Errorf("content types %s", got)
	}
	if got := registry.Schema(TagRecord) + " " + registry.Schema(RuleStateRecord); got != "2 2147483648" {
		t.Errorf("Schema of the registry's framing = %s, want the ids in decimal digits", got)
	}
	ev, tag, rule, state, archive := bareEvent(), bareTag(), bareReloaded(), bareState(), bareArchive()
	for record, encode := range map[Record]func() ([]byte, error){
		EventRecord:        func() ([]byte, error) { return avro.Event(nil, &ev) },
		TagRecord:          func() ([]byte, error) { return avro.Tag(nil, &tag, at()) },
		RuleReloadedRecord: func() ([]byte, error) { return avro.RuleReloaded(nil, &rule) },
		RuleStateRecord:    func() ([]byte, error) { return avro.RuleState(nil, &state) },
		RuleArchiveRecord:  func() ([]byte, error) { return avro.RuleArchive(nil, &archive) },
	} {
		data, err := encode()
		if err != nil {
			t.Fatal(err)
		}
		want := fingerprint(data[2:10]).String()
		if got := avro.Schema(record); got != want || len(got) != 16 {
			t.Errorf("Schema(%s) = %s, want %s: the bytes behind C3 01", record, got, want)
		}
		if got := text.Schema(record); got != want {
			t.Errorf("Schema(%s) of JSON = %s, want %s", record, got, want)
		}
	}
}

func TestEncoderRefusesValues(t *testing.T) {
	big := math.MaxInt32 + 1
	for _, framing := range framings() {
		e := newEncoder(t, framing)
		for _, tt := range []struct {
			name   string
			encode func(dst []byte) ([]byte, error)
			want   string
		}{
			{"invalid UTF-8 in a text", func(dst []byte) ([]byte, error) {
				ev := fullEvent()
				ev.SessionID = "\xff"
				return e.Event(dst, &ev)
			}, "encoding a ttp.TaggerEvent: session_id: invalid UTF-8"},
			{"no payload", func(dst []byte) ([]byte, error) {
				ev := fullEvent()
				ev.Payload = nil
				return e.Event(dst, &ev)
			}, "encoding a ttp.TaggerEvent: payload: empty, want a JSON object"},
			{"year 10000", func(dst []byte) ([]byte, error) {
				ev := fullEvent()
				ev.EventTime = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
				return e.Event(dst, &ev)
			}, "encoding a ttp.TaggerEvent: event_time: time in the year 10000 is outside the years 1 to 9999"},
			{"no tagged_at", func(dst []byte) ([]byte, error) {
				tag := fullTag()
				return e.Tag(dst, &tag, time.Time{})
			}, "encoding a ttp.Tag: tagged_at: time in the year 1 is outside the years 1 to 9999"},
			{"not a number", func(dst []byte) ([]byte, error) {
				tag := fullTag()
				tag.Confidence = math.NaN()
				return e.Tag(dst, &tag, at())
			}, "encoding a ttp.Tag: confidence: not a finite number"},
			{"infinite ceiling", func(dst []byte) ([]byte, error) {
				state, inf := fullState(), math.Inf(1)
				state.ConfidenceMax = &inf
				return e.RuleState(dst, &state)
			}, "encoding a ttp.RuleState: confidence_max: not a finite number"},
			{"version of 33 bits", func(dst []byte) ([]byte, error) {
				rule := fullReloaded()
				rule.RuleVersion = &big
				return e.RuleReloaded(dst, &rule)
			}, "encoding a ttp.RuleReloaded: rule_version: 2147483648 has more than 32 bits"},
		} {
			t.Run(string(framing)+"/"+tt.name, func(t *testing.T) {
				got, err := tt.encode([]byte("keep"))
				if err == nil || err.Error() != tt.want {
					t.Errorf("error\n %v, want\n %s", err, tt.want)
				}
				if string(got) != "keep" {
					t.Errorf("dst = %q, want it as it was", got)
				}
			})
		}
	}
}

func TestLimitsValidate(t *testing.T) {
	if err := DefaultLimits().Validate(); err != nil {
		t.Error(err)
	}
	_, err := NewDecoder(Limits{PayloadBytes: 1, Depth: 1001})
	const want = "limits.payload_bytes 1 is too small: the shortest payload is {}, 2 bytes\nlimits.depth 1001 is not between 1 and 1000"
	if err == nil || err.Error() != want {
		t.Errorf("NewDecoder = %v, want %s", err, want)
	}
	if err := (Limits{PayloadBytes: 2, Depth: 0}).Validate(); err == nil || !strings.Contains(err.Error(), "depth 0") {
		t.Errorf("Validate = %v, want a word on depth 0", err)
	}
}
