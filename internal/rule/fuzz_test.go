package rule_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ttpworker/internal/rule"
	"ttpworker/internal/tagger/lift"
)

// FuzzParse wants no panic, places in every fault, and that parsing the same bytes again gives the same rule or the
// same faults.
func FuzzParse(f *testing.F) {
	f.Add([]byte(simple))
	for _, text := range []string{full, withDetection, withLifter, sigma, filter} {
		f.Add([]byte(text))
	}
	for _, data := range badFiles(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p := rule.NewParser(1 << 16)
		r, err := p.Parse("fuzz.yaml", data)
		again, err2 := p.Parse("other.yaml", data)
		if (err == nil) != (err2 == nil) || (r == nil) != (err != nil) {
			t.Fatalf("Parse = %v, %v, then %v, %v", r, err, again, err2)
		}
		if err != nil {
			return
		}
		opts := cmp.Options{
			cmpopts.IgnoreUnexported(rule.Rule{}), cmpopts.IgnoreFields(rule.File{}, "Path"), cmpopts.IgnoreFields(rule.Match{}, "Patterns", "Detection"),
			cmpopts.IgnoreFields(rule.Rule{}, "Warnings"), cmpopts.IgnoreUnexported(rule.Filter{}, lift.Lift{}),
		}
		if diff := cmp.Diff(r, again, opts); diff != "" {
			t.Errorf("Parse of the same bytes (-first +second):\n%s", diff)
		}
		if r.Filter != nil {
			return // no rule
		}
		if ours, err := p.Convert(r); err == nil {
			if again, err := p.Parse("ours.yaml", ours); err != nil && len(ours) <= p.MaxBytes || err == nil && !cmp.Equal(r.Emits, again.Emits) {
				t.Errorf("Parse of what Convert wrote = %v, %v, want the rule again\n%s", again, err, ours)
			}
		}
		if len(r.Digest) != 64 || len(r.File.SHA256) != 64 || len(r.Emits) == 0 || len(r.Kinds) == 0 || len(r.Match.Fields) == 0 && len(r.Match.Patterns) > 0 {
			t.Errorf("Parse = %+v, want what every rule has", r)
		}
		if commented, err := p.Parse("fuzz.yaml", append([]byte("#\n"), data...)); err == nil && commented.Digest != r.Digest {
			t.Errorf("digest with a comment = %s, without = %s, want the same", commented.Digest, r.Digest)
		}
	})
}

// FuzzMigrate wants no panic, and nothing more to change in what was migrated.
func FuzzMigrate(f *testing.F) {
	for _, text := range []string{old, sigma, simple, "tags: [attack.t1562, attack.defense_evasion]\ndetection: {}\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := rule.Migrate("fuzz.yaml", data, 1<<16)
		if err != nil || m.Text == nil {
			return
		}
		again, err := rule.Migrate("fuzz.yaml", m.Text, 1<<17)
		if err != nil || again.Text != nil {
			t.Errorf("Migrate of what it wrote = %v\n%s\nfirst\n%s", err, again.Diff, m.Diff)
		}
	})
}
