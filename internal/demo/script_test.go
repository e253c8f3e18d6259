package demo

import (
	"errors"
	"log/slog"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/attack"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
	"ttpworker/rules"
)

// shipped is the script as it is in the binary, and what happens in it.
func shipped(t *testing.T) (*script, []happening) {
	t.Helper()
	s, err := readScript(scriptYAML)
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.once(time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return s, all
}

// packPlan is a plan of the shipped rules.
func packPlan(t *testing.T) *pipeline.Plan {
	t.Helper()
	pack, err := rule.NewParser(rule.DefaultMaxBytes).Load(rules.Pack(), ".", "embedded")
	if err != nil {
		t.Fatal(err)
	}
	standing := func(string) tagger.Standing { return tagger.DefaultStanding() }
	return pipeline.NewPlan(pack, standing, tagger.NewMonitor(slog.New(slog.DiscardHandler), prometheus.NewRegistry()))
}

func TestEveryStepOfTheScriptIsAnEventOrADeadLetter(t *testing.T) {
	_, all := shipped(t)
	enc, err := wire.NewEncoder(wire.SingleObject)
	if err != nil {
		t.Fatal(err)
	}
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	raw, seen := 0, map[string]bool{}
	for i := range all {
		h := &all[i]
		if h.isRaw() {
			raw++
			_, _, err := dec.Event(h.raw, time.Time{})
			if e, ok := errors.AsType[*wire.Error](err); !ok || e.Class != h.class {
				t.Errorf("Event(%q) = error %v, want one of class %s", h.raw, err, h.class)
			}
			continue
		}
		value, err := enc.Event(nil, &h.event)
		if err != nil {
			t.Fatal(err)
		}
		got, repairs, err := dec.Event(value, time.Time{})
		if err != nil || repairs != 0 {
			t.Fatalf("%s: Event = %d repairs, error %v", h.event.SourceID, repairs, err)
		}
		if diff := cmp.Diff(h.event, got); diff != "" {
			t.Errorf("event after encoding and decoding (-want +got):\n%s", diff)
		}
		if !slices.Contains(tagger.BuiltinKinds(), h.event.SourceKind) {
			t.Errorf("%s: unknown source kind %q", h.event.SourceID, h.event.SourceKind)
		}
		if seen[h.event.SourceID] {
			t.Errorf("source id %q is there twice", h.event.SourceID)
		}
		seen[h.event.SourceID] = true
	}
	if raw == 0 {
		t.Error("the script has no record that is no event")
	}
}

func TestShippedRulesFindWhatTheScriptExpects(t *testing.T) {
	s, all := shipped(t)
	plan := packPlan(t)
	fired := map[string]bool{}
	for i := range all {
		h := &all[i]
		for _, id := range h.expect {
			if technique, ok := attack.Lookup(id); !ok || technique.Status != attack.Active {
				t.Errorf("%s expects %s, which is no active technique", h.event.SourceID, id)
			}
		}
		if h.isRaw() {
			continue
		}
		tags, err := plan.AppendTags(nil, &h.event)
		if err != nil {
			t.Fatal(err)
		}
		got := []string{}
		for k := range tags {
			got = append(got, tags[k].Technique())
			fired[tags[k].RuleID] = true
		}
		slices.Sort(got)
		if diff := cmp.Diff(append([]string{}, h.expect...), slices.Compact(got)); diff != "" {
			t.Errorf("%s %s: techniques (-want +got):\n%s", h.event.SourceID, h.event.Payload, diff)
		}
	}
	if !fired[s.Shadow] {
		t.Errorf("the script gives no tag by %q, the rule in state shadow", s.Shadow)
	}
}

func TestScriptNamesNobodyReal(t *testing.T) {
	var documentation []netip.Prefix
	for _, p := range []string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"} {
		documentation = append(documentation, netip.MustParsePrefix(p))
	}
	for _, text := range regexp.MustCompile(`\b\d+\.\d+\.\d+\.\d+\b`).FindAllString(string(scriptYAML), -1) {
		addr, err := netip.ParseAddr(text)
		if err != nil || !slices.ContainsFunc(documentation, func(p netip.Prefix) bool { return p.Contains(addr) }) {
			t.Errorf("%s is no address from a documentation range", text)
		}
	}
	for _, host := range regexp.MustCompile(`\b[\w.-]+\.(?:org|com|net|io)\b`).FindAllString(string(scriptYAML), -1) {
		if host != "sqlmap.org" && !regexp.MustCompile(`(?:^|\.)example\.(?:org|com|net)$`).MatchString(host) {
			t.Errorf("%s is no example domain", host)
		}
	}
}

func TestScriptIsTheSameEveryTime(t *testing.T) {
	_, first := shipped(t)
	_, second := shipped(t)
	if diff := cmp.Diff(first, second, cmp.AllowUnexported(happening{})); diff != "" {
		t.Errorf("two readings of the script differ:\n%s", diff)
	}
	keys := map[string]bool{}
	for i := range first {
		keys[first[i].key] = true
	}
	if len(keys) < 5 {
		t.Errorf("the script has %d anchors, want several", len(keys))
	}
}

func TestReadScriptReportsFaultsWithTheirPlace(t *testing.T) {
	for _, tt := range []struct{ name, yaml, want string }{
		{"unknown key", "attackers: [192.0.2.1]\nsession: []\n", `script:2:1: unknown field "session"`},
		{"neither event nor raw", "attackers: [192.0.2.1]\nsessions:\n  - steps:\n      - {pause: 1s}\n", "script:4:9: a step has either"},
		{"nobody", "shadow: R0001\n", "no attackers or no sessions"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readScript([]byte(tt.yaml))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("readScript = error %v, want one with %q", err, tt.want)
			}
		})
	}
}
