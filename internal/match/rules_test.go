package match_test

import (
	"errors"
	"testing"

	"ttpworker/internal/match"
	"ttpworker/internal/match/matchtest"
	"ttpworker/internal/rule"
)

// Index and reference agree about all public rules. `make agree` runs it over a million events.
func TestPublicRulesByIndexAndReference(t *testing.T) {
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
	match.CheckIndexAgainstReference(t, ds, 7, match.Events())
}
