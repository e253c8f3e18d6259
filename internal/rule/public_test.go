package rule_test

import (
	"errors"
	"strings"
	"testing"

	"ttpworker/internal/match/matchtest"
)

// Every public rule loads as it is, and what our form can say of it is the same rule there.
func TestPublicSigmaRules(t *testing.T) {
	t.Parallel()
	p := parser()
	ids := map[string]string{}
	refused, warned, converted, without := 0, 0, 0, 0
	files, err := matchtest.ReadArchive("../../../shared/sigma")
	if errors.Is(err, matchtest.ErrNoArchive) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := f.Path
		r, err := p.Parse(name, f.Data)
		if err != nil {
			refused++
			t.Errorf("refused: %v", err)
			continue
		}
		if other := ids[r.ID]; other != "" || r.Version != nil || len(r.Kinds) != 1 || len(r.Emits) == 0 {
			t.Errorf("%s = %+v; rule with the same id: %q", name, r, other)
		}
		ids[r.ID] = name
		warned += len(r.Warnings)
		ours, err := p.Convert(r)
		switch {
		case err == nil:
		case strings.Contains(err.Error(), "no technique"):
			without++
			continue
		default:
			t.Logf("not converted: %v", err)
			continue
		}
		converted++
		again, err := p.Parse(name, ours)
		if err != nil {
			t.Errorf("converted rule is refused: %v\n%s", err, ours)
			continue
		}
		sameRule(t, r, again)
	}
	t.Logf("%d rules, %d refused, %d warnings; %d converted, %d without a technique", len(ids), refused, warned, converted, without)
	if len(ids) < 3000 {
		t.Errorf("%d rules, want more than 3000", len(ids))
	}
}
