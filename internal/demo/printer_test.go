package demo

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
	"ttpworker/internal/rule"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// printAll prints one of everything.
func printAll(p *printer) {
	at := time.Date(2026, 5, 4, 12, 30, 1, 0, time.UTC)
	two, ceiling := 2, 0.3
	tag := tagger.Tag{
		SourceID: "x/1", AttackerUUID: "e5b4c808-e0d4-4a1b-8000-000000000000", EventTime: at, Tactic: "TA0006",
		TechniqueID: "T1003", SubTechniqueID: "T1003.008", Confidence: 0.95, RuleID: "R0014", RuleState: tagger.Enabled,
		Evidence: []byte(`{"command_text":"cat /etc/shadow","pwd":"/root","uid":0}`),
	}
	p.tag(&tag)
	tag.RuleState, tag.Tactic, tag.TechniqueID, tag.SubTechniqueID = tagger.Shadow, "TA0007", "T1016", ""
	tag.AttackerUUID, tag.SessionID = "", "83991d89-0000-4000-8000-000000000000"
	tag.Evidence = []byte(`{"headers":{"host":"a"},"raw_url":"/\u001b[2J` + strings.Repeat("x", 100) + `"}`)
	p.tag(&tag)
	p.deadLetter(&kafka.Record{Time: at, Headers: []kafka.Header{{Key: consume.HeaderError, Value: []byte("undecodable: \x1b[2J")}}})
	p.change(store.Change{Kind: store.Loaded, RuleID: "R0014", Path: "demo-rules/a.yaml", Rule: &rule.Rule{Version: &two}}, at)
	p.change(store.Change{Kind: store.Loaded, RuleID: "sigma-1", Path: "demo-rules/s.yaml", Rule: &rule.Rule{}}, at)
	p.change(store.Change{Kind: store.Removed, RuleID: "R0013", Path: "demo-rules/b.yaml"}, at)
	p.change(store.Change{Kind: store.StateChanged, RuleID: "R0016", State: store.State{State: tagger.Clipped, ConfidenceMax: &ceiling, Reason: "noisy"}}, at)
	p.change(store.Change{Kind: store.StateChanged, RuleID: "R0016", State: store.Default("R0016")}, at)
	p.change(store.Change{Kind: store.Refused, Path: "demo-rules/c.yaml", Err: errors.Join(
		errors.New("demo-rules/c.yaml:1:2: this"), errors.New("demo-rules/c.yaml:3:4: that"))}, at)
}

func TestPrinterWithoutColour(t *testing.T) {
	const golden = "testdata/printer.golden"
	var got bytes.Buffer
	printAll(&printer{out: &got, zone: time.UTC})
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
	if strings.ContainsRune(got.String(), '\x1b') {
		t.Error("an escape sequence in output without colour: what an attacker wrote would command the terminal")
	}
}

func TestPrinterWithColourPrintsTheSameText(t *testing.T) {
	var plain, coloured bytes.Buffer
	printAll(&printer{out: &plain, zone: time.UTC})
	printAll(&printer{out: &coloured, zone: time.UTC, colour: true})
	if !strings.Contains(coloured.String(), "\x1b[31mT1003.008") {
		t.Errorf("no colour in %q", coloured.String())
	}
	stripped := coloured.String()
	for _, seq := range []string{"\x1b[0;22m", "\x1b[0m", "\x1b[31;1m", "\x1b[32;1m", "\x1b[31m", "\x1b[33m", "\x1b[34m"} {
		stripped = strings.ReplaceAll(stripped, seq, "")
	}
	if diff := cmp.Diff(plain.String(), stripped); diff != "" {
		t.Errorf("text without its colours (-plain +stripped):\n%s", diff)
	}
}

func TestTallyCountsTagsPerSecond(t *testing.T) {
	began := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	c := newTally(began)
	for range 4 {
		c.event()
		c.tag(&tagger.Tag{TechniqueID: "T1016", AttackerUUID: "a"})
	}
	c.tag(&tagger.Tag{TechniqueID: "T1033"})
	for _, tt := range []struct{ got, want string }{
		{c.summary(began.Add(2 * time.Second)), "-- 2s: 4 events, 5 tags, 2 techniques, 1 attackers, 2.5 tags/s"},
		{c.summary(began.Add(4 * time.Second)), "-- 4s: 4 events, 5 tags, 2 techniques, 1 attackers, 0.0 tags/s"},
		{c.total(began.Add(5 * time.Second)), "-- 5s: 4 events, 5 tags, 2 techniques, 1 attackers, 1.0 tags/s"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}
