package app_test

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/produce"
	"ttpworker/internal/wire"
)

// archive checks that the rule of every tag can be made again from the archive, and was there before the tag.
func (o oracle) archive(archived, tags []*kgo.Record) {
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		o.t.Fatal(err)
	}
	since := map[string]*kgo.Record{} // the first record of each digest
	for _, r := range archived {
		w, err := dec.RuleArchive(r.Value)
		if err != nil {
			o.t.Fatal(err)
		}
		src := produce.SourceOf(&w)
		if got, err := src.Parse(); err != nil || got.Digest != string(r.Key) {
			o.t.Errorf("archived rule %s of digest %s gives %v, %v", w.RuleID, r.Key, got, err)
		}
		if since[w.RuleDigest] == nil {
			since[w.RuleDigest] = r
		}
	}
	used := map[string]bool{}
	for _, r := range tags {
		tag, _, err := dec.Tag(r.Value)
		if err != nil {
			o.t.Fatal(err)
		}
		used[tag.RuleDigest] = true
		switch rec := since[tag.RuleDigest]; {
		case rec == nil:
			o.t.Fatalf("tag %s by rule %s of digest %s, which is not in the archive", tag.ID, tag.RuleID, tag.RuleDigest)
		case rec.Timestamp.After(r.Timestamp):
			o.t.Errorf("tag %s of %s by rule %s, which was archived at %s", tag.ID, r.Timestamp, tag.RuleID, rec.Timestamp)
		}
	}
	o.t.Logf("%d rules in the archive, %d of them gave tags, %d records", len(since), len(used), len(archived))
}
