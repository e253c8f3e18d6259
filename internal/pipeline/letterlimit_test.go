package pipeline_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/kafka"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/wire"
	"ttpworker/internal/yamlx"
)

// mixed is n records, the first bad of them no events: half of these without a source_id, half no JSON.
func mixed(n, bad int) []kafka.Record {
	recs := make([]kafka.Record, n)
	for i := range recs {
		switch {
		case i >= bad:
			recs[i] = record(int64(i), event("x", "curl"))
		case i%2 == 0:
			recs[i] = record(int64(i), `{"source_kind":"command","payload":{}}`)
		default:
			recs[i] = record(int64(i), "garbage")
		}
	}
	return recs
}

// try runs recs through a batch, commits it if that is allowed, and returns what Check says.
func try(t *testing.T, r *rig, recs []kafka.Record) error {
	t.Helper()
	b := r.Begin()
	if _, err := b.Outputs(t.Context(), nil, recs); err != nil {
		t.Fatal(err)
	}
	err := b.Check()
	b.End(err == nil)
	return err
}

func TestTheLimitOfDeadLetters(t *testing.T) {
	t.Parallel()
	type batch struct {
		after  time.Duration // the batch before
		n, bad int
	}
	for _, tt := range []struct {
		name    string
		edit    func(*pipeline.LetterLimit)
		batches []batch
		want    int // which batch is too much, from 1; 0 = none
	}{
		{name: "one in a hundred", batches: []batch{{0, 10_000, 100}, {0, 10_000, 100}, {0, 10_000, 100}}},
		{name: "all, in one batch", batches: []batch{{0, 500, 500}}, want: 1},
		{name: "all, but too few", batches: []batch{{0, 499, 499}}},
		{name: "three at night, every minute", batches: []batch{{0, 3, 3}, {time.Minute, 3, 3}, {time.Minute, 3, 3}}},
		{name: "all, in small batches", batches: []batch{{0, 200, 200}, {time.Second, 200, 200}, {time.Second, 200, 200}}, want: 3},
		{name: "all, but so slowly that no window holds enough", batches: []batch{{0, 200, 200}, {40 * time.Second, 200, 200}, {40 * time.Second, 200, 200}}},
		{name: "just half", batches: []batch{{0, 1000, 500}}},
		{name: "more than half", batches: []batch{{0, 1000, 501}}, want: 1},
		{name: "a burst among many good records", batches: []batch{{0, 5000, 0}, {time.Second, 800, 800}, {time.Second, 5000, 0}}},
		{
			name:    "a flood after many good records, when it fills half the window",
			batches: []batch{{0, 1000, 0}, {20 * time.Second, 800, 800}, {20 * time.Second, 800, 800}}, want: 3,
		},
		{name: "good records that leave the window do not count", batches: []batch{{0, 9000, 0}, {time.Minute, 500, 500}}, want: 2},
		{
			name:    "a flood that is over does not stop good records",
			batches: []batch{{0, 5000, 0}, {30 * time.Second, 3000, 3000}, {31 * time.Second, 300, 0}, {time.Second, 300, 30}},
		},
		{name: "payloads too large do not count", edit: func(l *pipeline.LetterLimit) { l.Classes = yamlx.Strings{"too_large"} }, batches: []batch{{0, 900, 900}}},
		{name: "only the classes named count", edit: func(l *pipeline.LetterLimit) { l.Classes = yamlx.Strings{"undecodable"} }, batches: []batch{{0, 900, 900}}},
		{name: "no limit", edit: func(l *pipeline.LetterLimit) { l.MaxRatio = 0 }, batches: []batch{{0, 9000, 9000}, {0, 9000, 9000}}},
		{name: "another limit", edit: func(l *pipeline.LetterLimit) { *l = limit(0.1, 10*time.Second, 20) }, batches: []batch{{0, 20, 2}, {time.Second, 20, 3}}, want: 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := pipeline.DefaultLetterLimit()
				if tt.edit != nil {
					tt.edit(&l)
				}
				r := newLimitedRig(t, l)
				got := 0
				for i, b := range tt.batches {
					time.Sleep(b.after)
					if err := try(t, r, mixed(b.n, b.bad)); err != nil {
						got = i + 1
						break
					}
				}
				if got != tt.want {
					t.Errorf("batch %d is too much, want %d (0 = none)", got, tt.want)
				}
			})
		})
	}
}

func limit(ratio float64, window time.Duration, records int) pipeline.LetterLimit {
	l := pipeline.DefaultLetterLimit()
	l.MaxRatio, l.Window, l.MinRecords = ratio, window, records
	return l
}

func newLimitedRig(t *testing.T, l pipeline.LetterLimit) *rig {
	t.Helper()
	return newRigOf(t, wire.DefaultLimits(), 0, l, newPlan(parse(t, "R1", 1, "curl")))
}

func TestAFloodSaysHowMuchOfWhatAndWhatToDo(t *testing.T) {
	t.Parallel()
	r := newLimitedRig(t, pipeline.DefaultLetterLimit())
	if err := try(t, r, mixed(600, 0)); err != nil {
		t.Fatal(err)
	}
	err := try(t, r, mixed(1001, 1001))
	flood, ok := errors.AsType[*pipeline.FloodError](err)
	if !ok {
		t.Fatalf("Check = %v, want a *FloodError", err)
	}
	if flood.Records != 1601 || flood.Letters[wire.BadField] != 501 || flood.Letters[wire.Undecodable] != 500 {
		t.Errorf("flood of %v among %d records, want 501 bad_field and 500 undecodable among 1601", flood.Letters, flood.Records)
	}
	want := "62.5 % of the records of the last 1m0s are dead letters (1001 of 1601), the limit is 50.0 % (dlq.max_ratio)\n" +
		"  by class: bad_field 501, undecodable 500\n" +
		"  the first of this batch: ttp_events/3/0: bad_field: source_id is missing or null, want a string\n" +
		"  This batch is not committed: its records are read again at the next start, and nothing is lost.\n" +
		"  So many at once are no bad data but a bad deploy: of a sensor, of a schema, or of this worker. Mend it and start again.\n" +
		"  To let them pass and replay them later (`worker dlq replay`): --set dlq.max_ratio=0, or DECNET_TTP_DLQ_MAX_RATIO=0."
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
}

// Partitions are worked on in any order, at once; what is told must not depend on that.
func TestTheExampleOfAFloodIsTheSameInWhateverOrderPartitionsRun(t *testing.T) {
	t.Parallel()
	for _, order := range [][]int32{{4, 2, 9}, {9, 4, 2}, {2, 9, 4}} {
		r := newLimitedRig(t, limit(0.5, time.Minute, 3))
		b := r.Begin()
		for _, p := range order {
			rec := record(7, "garbage")
			rec.Partition = p
			if _, err := b.Outputs(t.Context(), nil, []kafka.Record{rec}); err != nil {
				t.Fatal(err)
			}
		}
		flood, ok := errors.AsType[*pipeline.FloodError](b.Check())
		if !ok || flood.Example.Source != "ttp_events/2/7" {
			t.Errorf("partitions in order %v: %+v, want the example of partition 2", order, flood)
		}
		b.End(false)
	}
}

// What is aborted comes again and would count twice.
func TestOnlyCommittedBatchesCount(t *testing.T) {
	t.Parallel()
	r := newLimitedRig(t, limit(0.5, time.Minute, 100))
	for range 5 {
		b := r.Begin()
		if _, err := b.Outputs(t.Context(), nil, mixed(60, 60)); err != nil {
			t.Fatal(err)
		}
		if err := b.Check(); err != nil {
			t.Fatalf("Check = %v, want nil: 60 records are too few", err)
		}
		b.End(false)
	}
	if got := value(t, r.reg, "ttp_pipeline_dead_letter_ratio"); got != 0 {
		t.Errorf("ratio of what is committed = %v, want 0", got)
	}
	if err := try(t, r, mixed(60, 45)); err != nil {
		t.Fatal(err)
	}
	if got := value(t, r.reg, "ttp_pipeline_dead_letter_ratio"); got != 0.75 {
		t.Errorf("ratio of what is committed = %v, want 0.75", got)
	}
	if got := value(t, r.reg, "ttp_pipeline_dead_letter_max_ratio"); got != 0.5 {
		t.Errorf("limit = %v, want 0.5", got)
	}
}

// Sessions commit side by side: two batches that are too much together must not pass because neither is alone.
func TestBatchesThatAreOpenSideBySideCountTogether(t *testing.T) {
	t.Parallel()
	r := newLimitedRig(t, limit(0.5, time.Minute, 100))
	var checks []error
	for range 3 {
		b := r.Begin()
		if _, err := b.Outputs(t.Context(), nil, mixed(60, 60)); err != nil {
			t.Fatal(err)
		}
		err := b.Check()
		checks = append(checks, err)
		defer b.End(err == nil)
	}
	if checks[0] != nil || checks[1] == nil || checks[2] == nil {
		t.Errorf("Check = %v, want the first batch to pass and no other", checks)
	}
}

// A batch that nobody can unpack is made by hand, and one of them must not stop the worker; if their class counts,
// many do.
func TestWhatCannotBeUnpackedCountsOnlyIfItsClassDoes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		classes yamlx.Strings
		stops   bool
	}{
		{pipeline.DefaultLetterLimit().Classes, false},
		{yamlx.Strings{"too_large"}, true},
	} {
		l := limit(0.5, time.Minute, 2)
		l.Classes = tt.classes
		b := newLimitedRig(t, l).Begin()
		for i := range 3 {
			at := record(int64(i), "")
			if _, err := b.Unreadable(t.Context(), nil, &at, 10, errors.New("too much")); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Check(); (err != nil) != tt.stops {
			t.Errorf("classes %v: Check = %v, want an error: %t", tt.classes, err, tt.stops)
		}
		b.End(false)
	}
}

func TestLetterLimitValidateNamesTheKeyAndWhatIsWrong(t *testing.T) {
	t.Parallel()
	bad := pipeline.LetterLimit{MaxRatio: 1, Window: 0, MinRecords: 0}
	worse := limit(-0.1, time.Minute, 1)
	worse.Classes = yamlx.Strings{"bad_field", "sad_field"}
	got := strings.Split(fmt.Sprint(bad.Validate(), "\n", worse.Validate()), "\n")
	want := []string{
		"dlq.max_ratio 1 is not at least 0 and less than 1: 0 means no limit, and nothing is above 1",
		"dlq.window 0s is not positive",
		"dlq.min_records 0 is less than 1",
		"dlq.classes is empty, so that nothing counts: dlq.max_ratio 0 is how to say that",
		"dlq.max_ratio -0.1 is not at least 0 and less than 1: 0 means no limit, and nothing is above 1",
		`dlq.classes: unknown "sad_field"; known: undecodable, unknown_schema, not_object, too_large, too_deep, bad_field, output_too_large`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}
