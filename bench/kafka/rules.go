package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"gopkg.in/yaml.v3"

	"ttpworker/internal/app"
	"ttpworker/internal/match/matchtest"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/engine"
	"ttpworker/internal/wire"
)

// counts are the numbers of rules to measure with. The worker takes no event without a rule: "none" is one that applies
// to no event.
var counts = []int{0, 60, 1000, 3000}

// rulesDir is where the rules of a count are, below dir.
func rulesDir(dir string, count int) string { return filepath.Join(dir, "rules-"+strconv.Itoa(count)) }

// marker is what the payloads of one event in ten hold, and the first rule looks for.
const marker = "canary-7d1f"

// writeRules makes a directory of rules for each count: the marker's rule and public Sigma rules, picked evenly from all,
// their log source replaced, so that every one of them is asked about every event.
func writeRules(dir, sigma string, values [][]byte) error {
	usable, err := readRules(sigma, values)
	if err != nil {
		return err
	}
	for _, count := range counts {
		to := rulesDir(dir, count)
		if err := os.MkdirAll(to, 0o750); err != nil {
			return err
		}
		kind := eventKind
		if count == 0 {
			kind = "email"
		}
		if err := os.WriteFile(filepath.Join(to, "marker.yaml"), markerRule(kind), 0o600); err != nil {
			return err
		}
		if len(usable) < count {
			return fmt.Errorf("%s: %d usable rules, want %d", sigma, len(usable), count)
		}
		for i := 1; i < count; i++ {
			name := filepath.Join(to, "sigma_"+strconv.Itoa(i)+".yaml")
			if err := os.WriteFile(name, usable[i*len(usable)/count], 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

func markerRule(kind string) []byte {
	return fmt.Appendf(nil, `rule_id: B0001
rule_version: 1
name: Marker
applies_to: [%s]
match:
  detection:
    selection: {Marker|contains: %s}
    condition: selection
emits:
  - {tactic: TA0002, technique_id: T1059, confidence: 0.5}
evidence_fields: [Marker]
`, kind, marker)
}

// sample is how many events no rule but the marker's may match: the share of tagged events is the marker's.
const sample = 5000

// readRules returns the public rules that match none of a sample of the events. Away from their log sources a few match
// every event, as those do that only say what an address is not.
func readRules(sigma string, values [][]byte) ([][]byte, error) {
	files, err := matchtest.ReadArchive(sigma)
	if err != nil {
		return nil, err
	}
	parser, err := app.NewParser(app.DefaultConfig())
	if err != nil {
		return nil, err
	}
	texts := map[string][]byte{}
	var parsed []*rule.Rule
	for _, f := range files {
		text, ok := flattened(f.Data)
		if !ok {
			continue
		}
		r, err := parser.Parse(f.Path, text)
		if err != nil {
			return nil, err
		}
		parsed, texts[r.ID] = append(parsed, r), text
	}
	rules, _ := rule.Resolve(parsed)
	fired, err := firing(rules, values[:min(sample, len(values))])
	if err != nil {
		return nil, err
	}
	var usable [][]byte
	for _, r := range rules {
		if !fired[r.ID] {
			usable = append(usable, texts[r.ID])
		}
	}
	return usable, nil
}

// firing are the ids of the rules that match any of the events.
func firing(rules []*rule.Rule, values [][]byte) (map[string]bool, error) {
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		return nil, err
	}
	e := engine.New(rules, func(string) tagger.Standing { return tagger.DefaultStanding() })
	fired := map[string]bool{}
	var tags []tagger.Tag
	for _, value := range values {
		ev, _, err := dec.Event(value, time.Time{})
		if err != nil {
			return nil, err
		}
		if tags, err = e.AppendTags(tags[:0], &ev); err != nil {
			return nil, err
		}
		for i := range tags {
			fired[tags[i].RuleID] = true
		}
	}
	return fired, nil
}

// flattened is a Sigma rule whose log source is that of the events. A filter, or a file of another kind, is not usable.
func flattened(data []byte) ([]byte, bool) {
	var rule map[string]any
	if yaml.Unmarshal(data, &rule) != nil || rule["detection"] == nil || rule["filter"] != nil {
		return nil, false
	}
	rule["logsource"] = map[string]string{"category": eventKind}
	text, err := yaml.Marshal(rule)
	return text, err == nil
}
