package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/kafka"
	"ttpworker/internal/produce"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

// A fakePlan gives a tag of rule R1 for events whose id begins with "hit", one of R2 in state shadow for "quiet", both for
// "both", and has a tagger that fails for "fail".
type fakePlan struct{ confidence float64 }

func (p fakePlan) AppendWhole(dst []tagger.Tag, ev *tagger.TaggerEvent) ([]tagger.Tag, bool, error) {
	add := func(rule string, state tagger.State) {
		standing := tagger.DefaultStanding()
		standing.State = state
		o := tagger.Origin{RuleID: rule, RuleDigest: strings.Repeat("a", 64), Standing: standing, AttackRelease: "19.1"}
		evidence := `{}`
		if strings.HasPrefix(ev.SourceID, "large") {
			evidence = `{"a":"` + strings.Repeat("x", 4000) + `"}`
		}
		dst = append(dst, o.Tag(ev, &tagger.Emit{Tactic: "TA0002", TechniqueID: "T1059", Confidence: p.confidence}, []byte(evidence)))
	}
	name, _, _ := strings.Cut(ev.SourceID, "-")
	switch name {
	case "hit", "large":
		add("R1", tagger.Enabled)
	case "quiet":
		add("R2", tagger.Shadow)
	case "both":
		add("R1", tagger.Enabled)
		add("R2", tagger.Shadow)
	case "fail":
		return dst, false, nil
	}
	return dst, true, nil
}

// testCodec reads an event of its source id.
func testCodec(t *testing.T) *Codec {
	t.Helper()
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	enc, err := wire.NewEncoder(wire.JSON)
	if err != nil {
		t.Fatal(err)
	}
	return &Codec{
		Event: func(_ context.Context, rec *kafka.Record) (tagger.TaggerEvent, error) {
			id := string(rec.Value)
			switch {
			case strings.HasPrefix(id, "bad"):
				return tagger.TaggerEvent{}, &wire.Error{Class: wire.Undecodable, Err: errors.New("bad")}
			case strings.HasPrefix(id, "skip"):
				return tagger.TaggerEvent{}, wire.SkipError{}
			}
			return tagger.TaggerEvent{SourceKind: "command", SourceID: id, EventTime: time.Unix(1e9, 0), Payload: []byte(`{}`)}, nil
		},
		Tag: func(_ context.Context, value []byte) (tagger.Tag, error) {
			tag, _, err := dec.Tag(value)
			return tag, err
		},
		Outputs: produce.Outputs{Encoder: enc, Tags: "tags", Shadow: "shadow", MaxBytes: 2000},
	}
}

// A tagTopic is a list of records that a test writes by hand.
type tagTopic []kafka.Record

// written are the records that plan writes for the event of an id at an offset, of one rule.
func written(t *testing.T, plan fakePlan, id, rule string, offset int64) kafka.Record {
	t.Helper()
	c := testCodec(t)
	c.Outputs.MaxBytes = 0
	tags, _, _ := plan.AppendWhole(nil, &tagger.TaggerEvent{SourceKind: "command", SourceID: id, EventTime: time.Unix(1e9, 0)})
	for i := range tags {
		if tags[i].RuleID == rule {
			r, err := c.Outputs.TagRecord(&tags[i], produce.Source{Position: source("events", 3, offset)}, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
	}
	t.Fatalf("no tag of %s for %s", rule, id)
	return kafka.Record{}
}

// deleted is the tombstone of a record.
func deleted(r kafka.Record) kafka.Record {
	r.Value = nil
	return r
}

// judged runs a check over slices: events begin at offset 10, and the range is 10 to 20.
func judged(t *testing.T, plan fakePlan, events []string, gone int64, rules []string, topics [2]tagTopic) (differences []string, unknown map[Unknown]int) {
	t.Helper()
	only := map[string]bool{}
	for _, id := range rules {
		only[id] = true
	}
	c := newCheck("events", 3, kafka.Span{From: 10, To: 20}, plan, testCodec(t), only)
	for i, id := range events {
		if err := c.event(t.Context(), &kafka.Record{Topic: "events", Partition: 3, Offset: 10 + int64(i), Value: []byte(id)}); err != nil {
			t.Fatal(err)
		}
	}
	for in, topic := range topics {
		for i := range topic {
			topic[i].Offset = int64(i)
			if err := c.tag(t.Context(), in, &topic[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
	v := c.verdict(gone, 10)
	total := 0
	for _, kind := range Kinds() {
		for _, d := range v.samples[kind] {
			differences = append(differences, fmt.Sprintf("%s %s %d", d.kind, d.label.Rule, d.source))
		}
		for _, n := range v.counts[kind] {
			total += n
		}
	}
	if total != len(differences) {
		t.Errorf("%d differences are counted, and %d shown", total, len(differences))
	}
	if len(v.unknown) > 0 {
		unknown = v.unknown
	}
	return differences, unknown
}

func TestDifferencesOfARange(t *testing.T) {
	t.Parallel()
	plan, before := fakePlan{confidence: 0.9}, fakePlan{confidence: 0.5}
	hit := func(offset int64) kafka.Record { return written(t, plan, "hit", "R1", offset) }
	quiet := func(offset int64) kafka.Record { return written(t, plan, "quiet", "R2", offset) }
	nameless := hit(10)
	nameless.Headers = slices.DeleteFunc(slices.Clone(nameless.Headers), func(h kafka.Header) bool { return h.Key == produce.HeaderSource })
	garbage := hit(10)
	garbage.Value = []byte("no tag")
	foreign := hit(10)
	foreign.Key = []byte("no id")
	upper := hit(10)
	upper.Key = bytes.ToUpper(upper.Key)
	elsewhere := hit(10)
	elsewhere.Headers = append(slices.Clone(elsewhere.Headers), kafka.Header{Key: produce.HeaderSource, Value: []byte("other/3/10")})

	for _, tt := range []struct {
		name         string
		events       []string
		gone         int64
		rules        []string
		tags, shadow tagTopic
		want         []string
		unknown      map[Unknown]int
	}{
		{name: "nothing"},
		{name: "no tag, none wanted", events: []string{"miss", "skip"}},
		{name: "all as wanted", events: []string{"hit", "quiet"}, tags: tagTopic{hit(10)}, shadow: tagTopic{quiet(11)}},
		{name: "the time of tagging does not count", events: []string{"hit"}, tags: tagTopic{hit(10), hit(10)}},
		{name: "the last record of a key counts", events: []string{"hit"}, tags: tagTopic{written(t, before, "hit", "R1", 10), deleted(hit(10)), hit(10)}},
		{name: "the last event of a tag decides", events: []string{"hit", "hit"}, tags: tagTopic{hit(10), hit(11)}},

		{name: "missing", events: []string{"both-1"}, shadow: tagTopic{written(t, plan, "both-1", "R2", 10)}, want: []string{"missing R1 10"}},
		{name: "deleted", events: []string{"hit"}, tags: tagTopic{hit(10), deleted(hit(10))}, want: []string{"missing R1 10"}},
		{name: "extra", events: []string{"miss"}, tags: tagTopic{hit(10)}, want: []string{"extra R1 10"}},
		{name: "extra in both topics", events: []string{"miss"}, tags: tagTopic{hit(10)}, shadow: tagTopic{hit(10)}, want: []string{"extra R1 10", "extra R1 10"}},
		{name: "extra, of a record that is skipped", events: []string{"skip"}, tags: tagTopic{hit(10)}, want: []string{"extra R1 10"}},
		{name: "extra, and no tag at all", events: []string{"miss"}, tags: tagTopic{garbage}, want: []string{"extra  10"}},
		{name: "extra, but deleted", events: []string{"miss"}, tags: tagTopic{hit(10), deleted(hit(10))}},
		{name: "different", events: []string{"hit"}, tags: tagTopic{written(t, before, "hit", "R1", 10)}, want: []string{"different R1 10"}},
		{name: "different, as it is no tag", events: []string{"hit"}, tags: tagTopic{garbage}, want: []string{"different R1 10"}},
		{name: "the source is of an earlier event", events: []string{"hit", "hit"}, tags: tagTopic{hit(10)}, want: []string{"different R1 11"}},
		{name: "the source is of a later event", events: []string{"hit", "miss"}, tags: tagTopic{hit(11)}, want: []string{"different R1 10"}},
		{name: "in the wrong topic", events: []string{"quiet"}, tags: tagTopic{quiet(10)}, want: []string{"misplaced R2 10"}},
		{name: "in both topics", events: []string{"hit"}, tags: tagTopic{hit(10)}, shadow: tagTopic{hit(10)}, want: []string{"misplaced R1 10"}},
		{name: "once in both topics", events: []string{"hit"}, tags: tagTopic{hit(10)}, shadow: tagTopic{hit(10), deleted(hit(10))}},

		{name: "before the range", events: []string{"hit"}, tags: tagTopic{hit(9)}},
		{name: "behind the range", events: []string{"hit", "miss"}, tags: tagTopic{hit(10), written(t, before, "hit", "R1", 20)}},
		{name: "behind the range, and not wanted", events: []string{"miss"}, tags: tagTopic{hit(10), hit(20)}},
		{name: "behind the range, deleted", events: []string{"hit"}, tags: tagTopic{hit(10), deleted(hit(20))}},
		{name: "behind the range, in the other topic", events: []string{"hit"}, tags: tagTopic{hit(10), deleted(hit(10))}, shadow: tagTopic{hit(20)}},
		{name: "behind the range, but left in the wrong topic", events: []string{"quiet"}, tags: tagTopic{quiet(10)}, shadow: tagTopic{quiet(20)}, want: []string{"misplaced R2 10"}},
		{name: "of another topic", events: []string{"miss"}, tags: tagTopic{elsewhere}},
		{name: "without a source", events: []string{"hit"}, tags: tagTopic{nameless}},
		{name: "without a source, and not wanted", events: []string{"miss"}, tags: tagTopic{nameless}},
		{name: "under a key that is no id", events: []string{"miss"}, tags: tagTopic{foreign}},
		{name: "under a key in upper case, which is another one", events: []string{"hit"}, tags: tagTopic{hit(10), deleted(upper)}},

		{name: "the event cannot be read", events: []string{"bad"}, tags: tagTopic{hit(10)}, unknown: map[Unknown]int{Undecodable: 1}},
		{name: "a tagger has failed", events: []string{"fail"}, tags: tagTopic{hit(10)}, unknown: map[Unknown]int{Failed: 1}},
		{name: "a later event, of which nothing is known, may decide", events: []string{"hit", "fail"}, tags: tagTopic{written(t, before, "hit", "R1", 11)}, unknown: map[Unknown]int{Failed: 1}},
		{name: "an earlier one does not", events: []string{"fail", "hit"}, tags: tagTopic{hit(10)}, want: []string{"different R1 11"}},
		{name: "the event is gone", gone: 12, tags: tagTopic{hit(11)}, unknown: map[Unknown]int{Gone: 1}},
		{name: "the event was never there", gone: 5, tags: tagTopic{hit(11)}, want: []string{"extra R1 11"}},
		{name: "an event with a tag that is too large has none", events: []string{"large"}},
		{name: "a tag that was not too large then", events: []string{"large"}, tags: tagTopic{written(t, plan, "large", "R1", 10)}, unknown: map[Unknown]int{TooLarge: 1}},

		{name: "other rules do not count", events: []string{"both"}, rules: []string{"R2"}, shadow: tagTopic{written(t, plan, "both", "R2", 10)}},
		{name: "other rules' tags are not extra", events: []string{"miss"}, rules: []string{"R2"}, tags: tagTopic{hit(10)}},
		{name: "the chosen rule's are", events: []string{"miss", "miss"}, rules: []string{"R2"}, tags: tagTopic{hit(10)}, shadow: tagTopic{quiet(11)}, want: []string{"extra R2 11"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, unknown := judged(t, plan, tt.events, tt.gone, tt.rules, [2]tagTopic{tt.tags, tt.shadow})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("differences (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.unknown, unknown); diff != "" {
				t.Errorf("unknown (-want +got):\n%s", diff)
			}
		})
	}
}

// Of many differences the report shows those of the first events.
func TestSamplesAreTheFirst(t *testing.T) {
	t.Parallel()
	c := newCheck("events", 3, kafka.Span{From: 0, To: 1000}, fakePlan{0.9}, testCodec(t), nil)
	for i := range int64(1000) {
		if err := c.event(t.Context(), &kafka.Record{Offset: i, Value: fmt.Append(nil, "hit-", i)}); err != nil {
			t.Fatal(err)
		}
	}
	v := c.verdict(0, 3)
	if got := v.counts[Missing][Label{"R1", "T1059"}]; got != 1000 {
		t.Errorf("%d tags are missing, want 1000", got)
	}
	var got []int64
	for _, d := range v.samples[Missing] {
		got = append(got, d.source)
	}
	if diff := cmp.Diff([]int64{0, 1, 2}, got); diff != "" {
		t.Errorf("sources of samples (-want +got):\n%s", diff)
	}
}
