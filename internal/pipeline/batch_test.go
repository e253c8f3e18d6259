package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"ttpworker/internal/kafka"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/engine"
	"ttpworker/internal/wire"
)

// outputs runs recs through one batch.
func outputs(t *testing.T, r *rig, recs ...kafka.Record) []kafka.Record {
	t.Helper()
	b := r.Begin()
	defer b.End(true)
	out, err := b.Outputs(t.Context(), nil, recs)
	if err != nil {
		t.Fatalf("Outputs = %v", err)
	}
	return out
}

// lines says of each record where it goes and what it is: "ttp_tags/3 x1 R1 v1 T1003" or
// "ttp_events_dlq/1 ttp_events/3/8 bad_field".
func lines(t *testing.T, recs []kafka.Record) []string {
	t.Helper()
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for i := range recs {
		r := &recs[i]
		to := fmt.Sprintf("%s/%d ", r.Topic, r.Partition)
		if class := r.Header("ttp-error-class"); class != "" {
			all = append(all, to+r.Header("ttp-source")+" "+class)
			continue
		}
		tag, _, err := dec.Tag(r.Value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s%s %s v%d %s", to, tag.SourceID, tag.RuleID, *tag.RuleVersion, tag.Technique()))
	}
	return all
}

func wantLines(t *testing.T, got []kafka.Record, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, lines(t, got)); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
}

func TestTagsFollowTheirEventsInOrderOnTheirPartition(t *testing.T) {
	t.Parallel()
	plan := newPlan(parse(t, "R2", 1, "wget"), parse(t, "R1", 4, "curl"))
	r := newRig(t, wire.DefaultLimits(), 0, plan)
	got := outputs(t, r,
		record(7, event("x1", "curl; wget")), record(8, event("x2", "ls")), record(9, event("x3", "wget")))
	wantLines(t, got,
		"ttp_tags/3 x1 R1 v4 T1003", "ttp_tags/3 x1 R1 v4 T1082", "ttp_tags/3 x1 R2 v1 T1003", "ttp_tags/3 x1 R2 v1 T1082",
		"ttp_tags/3 x3 R2 v1 T1003", "ttp_tags/3 x3 R2 v1 T1082")
	want := map[string]string{
		"content-type": "application/avro", "ttp-schema": got[0].Header("ttp-schema"), "ttp-plan": plan.Digest,
		"ttp-source": "ttp_events/3/7",
	}
	headers := map[string]string{}
	for _, h := range got[0].Headers {
		headers[h.Key] = string(h.Value)
	}
	if diff := cmp.Diff(want, headers); diff != "" || len(headers["ttp-schema"]) != 16 {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	tag, taggedAt, err := dec.Tag(got[0].Value)
	if err != nil {
		t.Fatal(err)
	}
	if string(got[0].Key) != tag.ID.String() {
		t.Errorf("key = %s, want the tag's id %s", got[0].Key, tag.ID)
	}
	if !tag.EventTime.Equal(at) || taggedAt.IsZero() {
		t.Errorf("event_time %s, tagged_at %s, want the record's time %s, and a time", tag.EventTime, taggedAt, at)
	}
	for labels, want := range map[string]float64{"tagged": 2, "unchanged": 1, "malformed": 0, "failed": 0} {
		if got := value(t, r.reg, "ttp_pipeline_events_total", labels); got != want {
			t.Errorf("events counted as %s = %v, want %v", labels, got, want)
		}
	}
	if got := value(t, r.reg, "ttp_pipeline_tags_total", "tags"); got != 6 {
		t.Errorf("tags counted = %v, want 6", got)
	}
	if got := value(t, r.reg, "ttp_pipeline_batch_duration_seconds"); got != 1 {
		t.Errorf("batches timed = %v, want 1", got)
	}
}

func TestTagsOfAShadowRuleGoToTheShadowTopicOnTheSamePartition(t *testing.T) {
	t.Parallel()
	standing := func(id string) tagger.Standing {
		if id == "R2" {
			return tagger.Standing{State: tagger.Shadow}
		}
		return tagger.DefaultStanding()
	}
	plan := pipeline.NewPlan(rules(parse(t, "R1", 1, "curl"), parse(t, "R2", 1, "curl")), standing, newMonitor())
	r := newRig(t, wire.DefaultLimits(), 0, plan)
	wantLines(t, outputs(t, r, record(7, event("x1", "curl"))),
		"ttp_tags/3 x1 R1 v1 T1003", "ttp_tags/3 x1 R1 v1 T1082",
		"ttp_tags_shadow/3 x1 R2 v1 T1003", "ttp_tags_shadow/3 x1 R2 v1 T1082")
	if got := value(t, r.reg, "ttp_pipeline_tags_total", "shadow"); got != 2 {
		t.Errorf("shadow tags counted = %v, want 2", got)
	}
}

func TestEveryMalformedRecordIsOneDeadLetterAndTheBatchGoesOn(t *testing.T) {
	t.Parallel()
	limits := wire.Limits{PayloadBytes: 200, Depth: 4}
	for _, tt := range []struct {
		name  string
		value string
		class wire.Class
	}{
		{"no framing", "garbage", wire.Undecodable},
		{"an empty value", "", wire.Undecodable},
		{"broken JSON", `{"source_kind":"command"`, wire.Undecodable},
		{"Avro cut short", "\xc3\x01\x01\x02", wire.Undecodable},
		{"a fingerprint nobody knows", "\xc3\x01\x01\x02\x03\x04\x05\x06\x07\x08rest", wire.UnknownSchema},
		{"a registry's schema id", "\x00\x00\x00\x00\x09rest", wire.UnknownSchema},
		{"a list as payload", `{"source_kind":"command","source_id":"x","payload":[1]}`, wire.NotObject},
		{"a text that is no object", `{"source_kind":"command","source_id":"x","payload":"[1]"}`, wire.NotObject},
		{"a payload too large", event("x", strings.Repeat("a", 200)), wire.TooLarge},
		{"a payload too deep", `{"source_kind":"command","source_id":"x","payload":{"a":{"b":{"c":{"d":{}}}}}}`, wire.TooDeep},
		{"no source_kind", `{"source_id":"x","payload":{}}`, wire.BadField},
		{"an empty source_kind", `{"source_kind":"","source_id":"x","payload":{}}`, wire.BadField},
		{"no source_id", `{"source_kind":"command","payload":{}}`, wire.BadField},
		{"no UTF-8 in source_id", "{\"source_kind\":\"command\",\"source_id\":\"\xff\",\"payload\":{}}", wire.BadField},
		{"no UTF-8 in session_id", "{\"source_kind\":\"command\",\"source_id\":\"x\",\"session_id\":\"\xc3\",\"payload\":{}}", wire.BadField},
		{"a number as source_id", `{"source_kind":"command","source_id":7,"payload":{}}`, wire.BadField},
		{"no time", `{"source_kind":"command","source_id":"x","event_time":"yesterday","payload":{}}`, wire.BadField},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, limits, 0, newPlan(parse(t, "R1", 1, "curl")))
			bad := record(8, tt.value)
			got := outputs(t, r, record(7, event("x1", "curl")), bad, record(9, event("x3", "curl")))
			wantLines(t, got,
				"ttp_tags/3 x1 R1 v1 T1003", "ttp_tags/3 x1 R1 v1 T1082",
				"ttp_events_dlq/1 ttp_events/3/8 "+string(tt.class),
				"ttp_tags/3 x3 R1 v1 T1003", "ttp_tags/3 x3 R1 v1 T1082")
			letter := got[2]
			if string(letter.Value) != tt.value || string(letter.Key) != "s-1" || !letter.Time.IsZero() {
				t.Errorf("dead letter = key %q, value %q, time %s, want key and value of the record and no time", letter.Key, letter.Value, letter.Time)
			}
			if len(letter.Headers) == 0 || letter.Headers[0].Key != "sensor" {
				t.Errorf("headers = %v, want the record's own first", letter.Headers)
			}
			if text := letter.Header("ttp-error"); !strings.HasPrefix(text, string(tt.class)+": ") {
				t.Errorf("ttp-error = %q, want the class and what is wrong", text)
			}
			if got := value(t, r.reg, "ttp_pipeline_dead_letters_total", string(tt.class)); got != 1 {
				t.Errorf("dead letters of class %s counted = %v, want 1", tt.class, got)
			}
			if got := value(t, r.reg, "ttp_pipeline_events_total", "malformed"); got != 1 {
				t.Errorf("malformed events counted = %v, want 1", got)
			}
		})
	}
}

// An event has all its tags or none: a reader that sees one of two would take the other technique for not shown.
func TestAnEventWhoseTagsDoNotFitIsOneDeadLetter(t *testing.T) {
	t.Parallel()
	r := newRig(t, wire.DefaultLimits(), 1000, newPlan(parse(t, "R1", 1, "curl")))
	got := outputs(t, r, record(7, event("x1", "curl")), record(8, event("x2", "curl "+strings.Repeat("a", 500))))
	wantLines(t, got, "ttp_tags/3 x1 R1 v1 T1003", "ttp_tags/3 x1 R1 v1 T1082", "ttp_events_dlq/1 ttp_events/3/8 output_too_large")
	if got := value(t, r.reg, "ttp_pipeline_events_total", "tagged"); got != 1 {
		t.Errorf("events counted as tagged = %v, want 1", got)
	}
}

func TestInvalidUTF8InThePayloadIsRepairedCountedAndTagged(t *testing.T) {
	t.Parallel()
	r := newRig(t, wire.DefaultLimits(), 0, newPlan(parse(t, "R1", 1, "curl")))
	got := outputs(t, r,
		record(7, "{\"source_kind\":\"command\",\"source_id\":\"x1\",\"payload\":{\"command_text\":\"curl \xff\xfe\"}}"),
		record(8, `{"source_kind":"command","source_id":"x2","payload":{"command_text":"curl \ud800"}}`))
	wantLines(t, got,
		"ttp_tags/3 x1 R1 v1 T1003", "ttp_tags/3 x1 R1 v1 T1082", "ttp_tags/3 x2 R1 v1 T1003", "ttp_tags/3 x2 R1 v1 T1082")
	if !strings.Contains(string(got[0].Value), "curl \ufffd") {
		t.Errorf("evidence is not repaired in %q", got[0].Value)
	}
	if got := value(t, r.reg, "ttp_pipeline_payload_repairs_total"); got < 2 {
		t.Errorf("repairs counted = %v, want one per event at least", got)
	}
}

// A broken is a tagger that does what call does.
type broken struct {
	call func(dst []tagger.Tag, ev *tagger.TaggerEvent) ([]tagger.Tag, error)
}

func (broken) Name() string    { return "broken" }
func (broken) Kinds() []string { return []string{"command"} }

func (b broken) AppendTags(dst []tagger.Tag, ev *tagger.TaggerEvent) ([]tagger.Tag, error) {
	return b.call(dst, ev)
}

// planWith is a plan of the rule R1 and a broken tagger before it.
func planWith(t *testing.T, b broken) *pipeline.Plan {
	t.Helper()
	e := engine.New(rules(parse(t, "R1", 1, "curl")), allEnabled)
	return &pipeline.Plan{Composite: tagger.NewComposite(newMonitor(), nil, b, e), Digest: "d", Rules: 1}
}

func TestATaggersFailureIsNoDeadLetter(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func([]tagger.Tag, *tagger.TaggerEvent) ([]tagger.Tag, error){
		"error": func(dst []tagger.Tag, _ *tagger.TaggerEvent) ([]tagger.Tag, error) { return dst, errors.New("broken") },
		"panic": func([]tagger.Tag, *tagger.TaggerEvent) ([]tagger.Tag, error) { panic("broken") },
		"an error as wire has them": func(dst []tagger.Tag, _ *tagger.TaggerEvent) ([]tagger.Tag, error) {
			return dst, &wire.Error{Class: wire.BadField, Err: errors.New("broken")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, wire.DefaultLimits(), 0, planWith(t, broken{call}))
			wantLines(t, outputs(t, r, record(7, event("x1", "curl"))), "ttp_tags/3 x1 R1 v1 T1003", "ttp_tags/3 x1 R1 v1 T1082")
		})
	}
}

func TestWhatIsNotTheRecordsFaultStopsTheBatchAndNamesTheRecord(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		call func([]tagger.Tag, *tagger.TaggerEvent) ([]tagger.Tag, error)
		want string
	}{
		"a tag that cannot be written": {func(dst []tagger.Tag, _ *tagger.TaggerEvent) ([]tagger.Tag, error) {
			return append(dst, tagger.Tag{RuleID: "R9", SourceKind: "\xff"}), nil
		}, "record ttp_events/3/8: encoding tag of rule \"R9\": "},
		"cancellation": {func(dst []tagger.Tag, _ *tagger.TaggerEvent) ([]tagger.Tag, error) {
			return dst, context.Canceled
		}, "record ttp_events/3/8: context canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, wire.DefaultLimits(), 0, planWith(t, broken{func(dst []tagger.Tag, ev *tagger.TaggerEvent) ([]tagger.Tag, error) {
				if ev.SourceID == "x2" {
					return tt.call(dst, ev)
				}
				return dst, nil
			}}))
			b := r.Begin()
			defer b.End(false)
			_, err := b.Outputs(t.Context(), nil, []kafka.Record{record(7, event("x1", "curl")), record(8, event("x2", "curl"))})
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("Outputs = %v, want %s...", err, tt.want)
			}
			if got := value(t, r.reg, "ttp_pipeline_events_total", "failed"); got != 1 {
				t.Errorf("events counted as failed = %v, want 1", got)
			}
		})
	}
}

func TestAnEndedContextEndsABatchBetweenRecords(t *testing.T) {
	t.Parallel()
	r := newRig(t, wire.DefaultLimits(), 0, newPlan(parse(t, "R1", 1, "curl")))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := r.Begin()
	defer b.End(false)
	if _, err := b.Outputs(ctx, nil, []kafka.Record{record(7, event("x", "ls"))}); !errors.Is(err, context.Canceled) {
		t.Errorf("Outputs = %v, want Canceled", err)
	}
}

func TestABatchMeetsOnePlanThoughItIsSwappedMeanwhile(t *testing.T) {
	t.Parallel()
	older, newer := newPlan(parse(t, "R1", 1, "curl")), newPlan(parse(t, "R1", 2, "curl"))
	r := newRig(t, wire.DefaultLimits(), 0, older)
	b := r.Begin()
	out, err := b.Outputs(t.Context(), nil, []kafka.Record{record(7, event("x1", "curl"))})
	if err != nil {
		t.Fatal(err)
	}
	r.plans.Swap(newer)
	if out, err = b.Outputs(t.Context(), out, []kafka.Record{record(8, event("x2", "curl"))}); err != nil {
		t.Fatal(err)
	}
	next := r.Begin()
	after, err := next.Outputs(t.Context(), nil, []kafka.Record{record(9, event("x3", "curl"))})
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, out,
		"ttp_tags/3 x1 R1 v1 T1003", "ttp_tags/3 x1 R1 v1 T1082", "ttp_tags/3 x2 R1 v1 T1003", "ttp_tags/3 x2 R1 v1 T1082")
	wantLines(t, after, "ttp_tags/3 x3 R1 v2 T1003", "ttp_tags/3 x3 R1 v2 T1082")
	for i := range out {
		if got := out[i].Header("ttp-plan"); got != older.Digest {
			t.Errorf("ttp-plan of output %d = %s, want that of the batch", i, got)
		}
	}
	if b.Metadata() != older.Digest || next.Metadata() != newer.Digest {
		t.Errorf("Metadata = %s, then %s, want the plans' digests %s and %s", b.Metadata(), next.Metadata(), older.Digest, newer.Digest)
	}
	b.End(true)
	next.End(false)
	if got := value(t, r.reg, "ttp_pipeline_batch_duration_seconds"); got != 1 {
		t.Errorf("batches timed = %v, want the committed one only", got)
	}
}

func TestPartitionsOfABatchAreTaggedSideBySide(t *testing.T) {
	t.Parallel()
	r := newRig(t, wire.DefaultLimits(), 0, newPlan(parse(t, "R1", 1, "curl")))
	b := r.Begin()
	defer b.End(true)
	var wg sync.WaitGroup
	for p := range int32(4) {
		wg.Go(func() {
			var recs []kafka.Record
			var want []string
			for i := range int64(20) {
				rec := record(i, event(strconv.FormatInt(i, 10), "curl"))
				rec.Partition = p
				recs = append(recs, rec)
				for _, technique := range []string{"T1003", "T1082"} {
					want = append(want, fmt.Sprintf("ttp_tags/%d %d R1 v1 %s", p, i, technique))
				}
			}
			got, err := b.Outputs(t.Context(), nil, recs)
			if err != nil {
				t.Errorf("Outputs = %v", err)
			}
			wantLines(t, got, want...)
		})
	}
	wg.Wait()
}

func TestPipelineMetricsAreWellNamed(t *testing.T) {
	t.Parallel()
	problems, err := testutil.GatherAndLint(newRig(t, wire.DefaultLimits(), 0, nil).reg)
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
}
