package produce_test

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/kafka"
	"ttpworker/internal/produce"
	"ttpworker/internal/rule"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

// -update writes testdata/*.golden anew. A difference there is one that readers of the topics meet: see docs/topics.md.
var update = flag.Bool("update", false, "write testdata/*.golden")

var at = time.Date(2026, 3, 1, 12, 30, 15, 123_456_000, time.UTC)

func encoder(t *testing.T, framing wire.Framing) *wire.Encoder {
	t.Helper()
	enc, err := wire.NewEncoder(framing)
	if err != nil {
		t.Fatal(err)
	}
	return enc
}

func sampleTag() tagger.Tag {
	return tagger.Tag{
		ID:         tagger.TagID(&tagger.TaggerEvent{SourceKind: "command", SourceID: "x"}, "R0014", &tagger.Emit{Tactic: "TA0006", TechniqueID: "T1003", SubTechniqueID: "T1003.008"}),
		SourceKind: "command", SourceID: "x", SessionID: "s-1", DeckyID: "decky-3", EventTime: at,
		Tactic: "TA0006", TechniqueID: "T1003", SubTechniqueID: "T1003.008", Confidence: 0.5, ConfidenceBase: 0.95,
		RuleID: "R0014", RuleVersion: new(2), RuleDigest: "d1", RuleState: tagger.Clipped,
		Evidence: []byte(`{"command_text":"cat /etc/shadow"}`), AttackRelease: "19.1",
		MITREURL: "https://attack.mitre.org/techniques/T1003/008/",
	}
}

// sampleRule has digests of its own, so that a change of what a digest covers shows in package rule only.
func sampleRule() *rule.Rule {
	return &rule.Rule{
		ID: "R1", Version: new(3), Name: "sample", Kinds: []string{"command", "http_request"}, Digest: "d1",
		Emits: []tagger.Emit{
			{Tactic: "TA0006", TechniqueID: "T1003", SubTechniqueID: "T1003.008", Confidence: 0.9},
			{Tactic: "TA0007", TechniqueID: "T1082", Confidence: 0.25},
		},
		File: rule.File{Path: "/rules/a/R1.yaml", SHA256: "f1", Text: "rule_id: R1\nname: 'sample' # \"quoted\"\n"},
	}
}

// render is a record as text: Avro in hexadecimal, JSON as it is.
func render(r kafka.Record, framing wire.Framing) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "topic %s\npartition %d\nkey %s\n", r.Topic, r.Partition, r.Key)
	for _, h := range r.Headers {
		fmt.Fprintf(&b, "header %s: %s\n", h.Key, h.Value)
	}
	switch {
	case r.Value == nil:
		b.WriteString("tombstone\n")
	case framing == wire.JSON:
		fmt.Fprintf(&b, "value %s\n", r.Value)
	default:
		b.WriteString("value\n" + hex.Dump(r.Value))
	}
	return b.Bytes()
}

func TestRecordsAreAsPublished(t *testing.T) {
	t.Parallel()
	from := produce.Source{Partition: 4, Position: "ttp_events/4/1007", Plan: "5f2c"}
	tag := func(edit func(*tagger.Tag)) func(*wire.Encoder) (kafka.Record, error) {
		return func(enc *wire.Encoder) (kafka.Record, error) {
			sample := sampleTag()
			edit(&sample)
			o := produce.Outputs{Encoder: enc, Tags: "ttp_tags", Shadow: "ttp_tags_shadow", MaxBytes: 1_048_588}
			return o.TagRecord(&sample, from, at.Add(time.Second))
		}
	}
	state := func(s store.State) func(*wire.Encoder) (kafka.Record, error) {
		return func(enc *wire.Encoder) (kafka.Record, error) {
			return produce.RuleStateRecord(enc, "ttp_rule_state", s)
		}
	}
	for name, record := range map[string]func(*wire.Encoder) (kafka.Record, error){
		"tag":        tag(func(*tagger.Tag) {}),
		"tag_shadow": tag(func(t *tagger.Tag) { t.RuleState = tagger.Shadow }),
		"rule_reloaded": func(enc *wire.Encoder) (kafka.Record, error) {
			loaded := produce.LoadedRule{Rule: sampleRule(), Path: "a/R1.yaml", By: "replica-0", At: at}
			return produce.RuleReloadedRecord(enc, "ttp_rule_reloaded", "R1", &loaded)
		},
		"rule_gone": func(enc *wire.Encoder) (kafka.Record, error) {
			return produce.RuleReloadedRecord(enc, "ttp_rule_reloaded", "R1", nil)
		},
		"rule_archive": func(enc *wire.Encoder) (kafka.Record, error) {
			return produce.RuleArchiveRecord(enc, "ttp_rule_archive", archivedRule(sampleRule()))
		},
		"rule_archive_sigma": func(enc *wire.Encoder) (kafka.Record, error) {
			r := *sigmaWithFilter(t)
			r.Digest = "d2"
			return produce.RuleArchiveRecord(enc, "ttp_rule_archive", archivedRule(&r))
		},
		"rule_state": state(store.State{
			RuleID: "R1", StateID: "7d444840-9dc0-41d1-b245-5ffdce74fad2", State: tagger.Clipped, ConfidenceMax: new(0.4),
			Reason: "too loud", SetBy: "ops", SetAt: at, ExpiresAt: at.Add(2 * time.Hour),
		}),
		"rule_state_revert": state(store.State{
			RuleID: "R1", StateID: "e4eaaaf2-d142-41b3-b11d-8c3a5d39ef3d", State: tagger.Enabled, Reason: store.ReasonExpired,
			SetBy: "replica-0", SetAt: at, Reverts: "7d444840-9dc0-41d1-b245-5ffdce74fad2",
		}),
	} {
		for _, framing := range []wire.Framing{wire.SingleObject, wire.JSON} {
			t.Run(name+"_"+string(framing), func(t *testing.T) {
				t.Parallel()
				rec, err := record(encoder(t, framing))
				if err != nil {
					t.Fatal(err)
				}
				if !rec.Time.IsZero() {
					t.Errorf("Time = %s, want none: a record has the time it is written", rec.Time)
				}
				golden(t, filepath.Join("testdata", name+"_"+string(framing)+".golden"), render(rec, framing))
			})
		}
	}
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
