package match_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"ttpworker/internal/match"
	"ttpworker/internal/match/matchtest"
	"ttpworker/internal/rule"
	"ttpworker/rules"
)

// publicRules are the detections of the public Sigma rules.
func publicRules(t *testing.T) []*match.Detection {
	t.Helper()
	files, err := matchtest.ReadArchive("../../../shared/sigma")
	if errors.Is(err, matchtest.ErrNoArchive) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	parser := rule.NewParser(rule.DefaultMaxBytes)
	var ds []*match.Detection
	for _, f := range files {
		r, err := parser.Parse(f.Path, f.Data)
		if err != nil {
			t.Fatal(err)
		}
		ds = append(ds, r.Match.Detection)
	}
	return ds
}

// Index and reference agree about all public rules. `make agree` runs it over a million events.
func TestPublicRulesByIndexAndReference(t *testing.T) {
	match.CheckIndexAgainstReference(t, publicRules(t), 7, match.Events())
}

func TestPublicPatternsByIndexAndRegexp(t *testing.T) {
	match.CheckPatternsAgainstRegexp(t, publicRules(t), nil)
}

func TestShippedPatternsByIndexAndRegexp(t *testing.T) {
	pack, err := rule.NewParser(rule.DefaultMaxBytes).Load(rules.Pack(), ".", "rules/ttp")
	if err != nil {
		t.Fatal(err)
	}
	var ds []*match.Detection
	var texts []string
	for _, r := range pack {
		for _, kind := range r.Kinds {
			if d := r.On(kind); d != nil {
				ds = append(ds, d)
			}
		}
		for _, test := range r.Tests {
			var payload map[string]any
			if err := json.Unmarshal(test.Payload, &payload); err != nil {
				t.Fatal(err)
			}
			for _, value := range payload {
				if text, ok := value.(string); ok {
					texts = append(texts, text)
				}
			}
		}
	}
	slices.Sort(texts) // no matter how a map is walked
	match.CheckPatternsAgainstRegexp(t, ds, texts)
}
