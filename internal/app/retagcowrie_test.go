package app_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/kafkatest"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

// A retag of events of cowrie is what an evaluation from scratch gives, whatever rule they were tagged by. A record that is
// skipped is known to give no tag, so one that names it goes; of one that is no event nothing is known, and its tags stay.
func TestARetagOfEventsOfCowrie(t *testing.T) {
	t.Parallel()
	const sessions = 12
	c := kafkatest.Start(t)
	cfg := quickConfig(t, c)
	cfg.Input.Format = wire.Cowrie
	p := newPast(t, c, cfg)
	var recs []*kgo.Record
	ends := map[int32]int64{}
	for i := range sessions {
		partition := int32(i % 2)
		for _, line := range cowrieLines(i) {
			recs = append(recs, &kgo.Record{Partition: partition, Value: []byte(line)})
			ends[partition]++
		}
	}
	again := *recs[2] // its download is sent again: the tag is of the second
	broken := &kgo.Record{Partition: 1, Value: []byte(`{"eventid":"cowrie.command.input","input":"curl"}`)}
	write(t, c, append(recs, &again, broken)...)
	ends[0]++
	ends[1]++
	p.tagged(t, ends)
	if diff := cmp.Diff(p.scratch(t, nil), p.view(t)); diff != "" || len(p.view(t)) != sessions {
		t.Fatalf("%d tags of the worker (-want +got):\n%s", len(p.view(t)), diff)
	}

	skipped := map[string]bool{} // keys of tags by hand
	for offset, state := range map[int64]tagger.State{0: tagger.Enabled, 3: tagger.Shadow, 4: tagger.Enabled, 5: tagger.Enabled} {
		key, _ := p.plant(t, 0, offset, tagger.TaggerEvent{SourceKind: "command", SourceID: fmt.Sprint("by hand ", offset)}, state)
		skipped[key] = true
	}
	kept, line := p.plant(t, 1, ends[1]-1, tagger.TaggerEvent{SourceKind: "command", SourceID: "by hand"}, tagger.Enabled)
	v := verified(t, cfg, false, all())
	extra := 0
	for _, found := range findings(&v) {
		if strings.HasPrefix(found, "extra R1 0/") {
			extra++
		}
	}
	if extra != len(skipped) || v.Differences() != len(skipped) {
		t.Errorf("verification finds %q, want each tag of a record that is skipped to be extra", findings(&v))
	}
	for key := range skipped {
		if faults := strings.Join(p.explain(t, key), "\n"); !strings.Contains(faults, "is no event to tag, input.format cowrie skips it (") {
			t.Errorf("explaining a tag of a record that is skipped: %q, want that it is", faults)
		}
	}

	for i, pattern := range []string{"curl", "curl.*a[.]sh", "wget", "203[.]0[.]113"} {
		edit(t, p.cfg, 2+i, pattern)
		want := p.scratch(t, nil)
		want[kept] = line
		if wantTags := map[bool]int{true: 1, false: 1 + sessions}[pattern == "wget"]; len(want) != wantTags {
			t.Fatalf("%d tags are wanted under %s, want %d", len(want), pattern, wantTags)
		}
		report := p.retagIs(t, want)
		if report.Events != len(recs)+2 || report.Unknown != 1 || report.Kept != 1 {
			t.Errorf("under %s: report %+v, want %d events, 1 unknown with 1 tag", pattern, report, len(recs)+2)
		}
		removed := report.Total().Removed
		if first := i == 0; first && removed != len(skipped) {
			t.Errorf("%d tags removed, want the %d by hand", removed, len(skipped))
		}
	}

	// A worker has the rule archived, by which a tag of the retag is explained.
	p.tagged(t, ends)
	for key := range p.view(t) {
		if faults := p.explain(t, key); (len(faults) > 0) != (key == kept) {
			t.Errorf("explaining %s: %q, want faults only of the event that cannot be read", key, faults)
		}
	}

	// What an edit would do is said without the tags that are there.
	next := p.cfg
	next.RuleStore.Dir = t.TempDir()
	edit(t, next, 9, "wget")
	r := allHistory(true)
	r.Candidate = []string{next.RuleStore.Dir}
	if report := retagHistory(t, p.cfg, r); report.Total().Removed != sessions+1 || report.Unknown != 1 {
		t.Errorf("comparison %+v, want %d removed and 1 event unknown", report, sessions+1)
	}
}
