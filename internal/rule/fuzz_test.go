package rule_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ttpworker/internal/rule"
)

// FuzzParse wants no panic, places in every fault, and that parsing the same bytes again gives the same rule or the
// same faults.
func FuzzParse(f *testing.F) {
	f.Add([]byte(simple))
	f.Add([]byte(full))
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
			cmpopts.IgnoreUnexported(rule.Rule{}), cmpopts.IgnoreFields(rule.File{}, "Path"), cmpopts.IgnoreFields(rule.Match{}, "Patterns"),
		}
		if diff := cmp.Diff(r, again, opts); diff != "" {
			t.Errorf("Parse of the same bytes (-first +second):\n%s", diff)
		}
		if len(r.Digest) != 64 || len(r.File.SHA256) != 64 || len(r.Emits) == 0 || len(r.Kinds) == 0 || len(r.Match.Fields) == 0 {
			t.Errorf("Parse = %+v, want what every rule has", r)
		}
		if commented, err := p.Parse("fuzz.yaml", append([]byte("#\n"), data...)); err == nil && commented.Digest != r.Digest {
			t.Errorf("digest with a comment = %s, without = %s, want the same", commented.Digest, r.Digest)
		}
	})
}
