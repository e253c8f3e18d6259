package pipeline_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/wire"
)

// histogram returns count and sum of a histogram without labels.
func histogram(t *testing.T, reg prometheus.Gatherer, name string) *dto.Histogram {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(families, func(f *dto.MetricFamily) bool { return f.GetName() == name })
	if i < 0 {
		t.Fatalf("no metric %s", name)
	}
	return families[i].GetMetric()[0].GetHistogram()
}

// aged is a record that was written age ago, of an event that happened eventAge ago.
func aged(offset int64, age, eventAge time.Duration) kafka.Record {
	now := time.Now()
	rec := record(offset, fmt.Sprintf(`{"source_kind":"command","source_id":"x","event_time":%q,"payload":{"command_text":"ls"}}`,
		now.Add(-eventAge).UTC().Format(time.RFC3339Nano)))
	rec.Time = now.Add(-age)
	return rec
}

func TestLatencyIsObservedAtTheCommitAndOnlyWhereItSaysSomething(t *testing.T) {
	t.Parallel()
	r := newRig(t, wire.DefaultLimits(), 0, newPlan(parse(t, "R1", 1, "curl")))
	recs := []kafka.Record{
		aged(1, 2*time.Second, 30*time.Second),
		aged(2, -500*time.Millisecond, 10*time.Second), // a clock a little ahead: 0
		aged(3, time.Minute, 2*time.Hour),              // sent late: the record counts, the event does not
		aged(4, 30*24*time.Hour, 30*24*time.Hour),      // a replay
		aged(5, -time.Hour, -time.Hour),                // a wrong clock
	}
	garbage := record(6, "garbage")
	garbage.Time = time.Now().Add(-4 * time.Second)
	recs = append(recs, garbage) // no event, so no event time

	b := r.Begin()
	if _, err := b.Outputs(t.Context(), nil, recs); err != nil {
		t.Fatal(err)
	}
	b.End(false)
	if got := histogram(t, r.reg, "ttp_pipeline_record_to_commit_seconds").GetSampleCount(); got != 0 {
		t.Errorf("%d records observed after an abort, want none: they come again", got)
	}
	b = r.Begin()
	if _, err := b.Outputs(t.Context(), nil, recs); err != nil {
		t.Fatal(err)
	}
	b.End(true)
	for name, want := range map[string]struct {
		count uint64
		sum   float64
	}{
		"ttp_pipeline_record_to_commit_seconds": {4, 2 + 0 + 60 + 4},
		"ttp_pipeline_event_to_commit_seconds":  {2, 30 + 10},
	} {
		h := histogram(t, r.reg, name)
		if h.GetSampleCount() != want.count || h.GetSampleSum() < want.sum || h.GetSampleSum() > want.sum+20 {
			t.Errorf("%s = %d samples, sum %v; want %d, %v or little more", name, h.GetSampleCount(), h.GetSampleSum(), want.count, want.sum)
		}
	}
	for labels, want := range map[[2]string]float64{
		{"late", "record"}: 1, {"late", "event"}: 2, {"future", "record"}: 1, {"future", "event"}: 1,
	} {
		if got := value(t, r.reg, "ttp_pipeline_latency_unobserved_total", labels[0], labels[1]); got != want {
			t.Errorf("left out of %s latency, being %s: %v, want %v", labels[1], labels[0], got, want)
		}
	}
}

func TestTheSizeOfABatchIsThatOfAllItsPartitions(t *testing.T) {
	t.Parallel()
	r := newRig(t, wire.DefaultLimits(), 0, newPlan(parse(t, "R1", 1, "curl")))
	for _, committed := range []bool{false, true} {
		b := r.Begin()
		for range 2 { // two tags and a dead letter, of three records
			if _, err := b.Outputs(t.Context(), nil, []kafka.Record{record(1, event("x", "curl")), record(2, event("y", "ls")), record(3, "garbage")}); err != nil {
				t.Fatal(err)
			}
		}
		at := record(9, "")
		if _, err := b.Unreadable(t.Context(), nil, &at, 10, errors.New("too large")); err != nil {
			t.Fatal(err)
		}
		b.End(committed)
	}
	for name, want := range map[string]float64{"ttp_pipeline_batch_records": 6, "ttp_pipeline_batch_outputs": 7} {
		if h := histogram(t, r.reg, name); h.GetSampleCount() != 1 || h.GetSampleSum() != want {
			t.Errorf("%s = %d samples, sum %v; want that of the committed batch, %v", name, h.GetSampleCount(), h.GetSampleSum(), want)
		}
	}
}

func TestOnlyThePlanInForceIsShown(t *testing.T) {
	t.Parallel()
	reg, plans := prometheus.NewRegistry(), pipeline.NewPlans()
	pipeline.NewReloader(nil, plans, nil, nil, nil, nil, nil, reg)
	check := func(want string) {
		t.Helper()
		if want != "" {
			want = "# HELP ttp_pipeline_plan_info 1, with the digest of the plan in force; none before there is a plan.\n" +
				"# TYPE ttp_pipeline_plan_info gauge\nttp_pipeline_plan_info{digest=\"" + want + "\"} 1\n"
		}
		if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "ttp_pipeline_plan_info"); err != nil {
			t.Error(err)
		}
	}
	check("")
	for _, plan := range []*pipeline.Plan{newPlan(parse(t, "R1", 1, "curl")), newPlan(parse(t, "R1", 2, "wget"))} {
		plans.Swap(plan)
		check(plan.Digest)
	}
}

// BenchmarkOutputs is what a record costs in the pipeline, from bytes to bytes.
func BenchmarkOutputs(b *testing.B) {
	for _, bb := range []struct{ name, command string }{{"unchanged", "ls -la /tmp"}, {"tagged", "curl http://x"}} {
		b.Run(bb.name, func(b *testing.B) {
			r := newRig(b, wire.DefaultLimits(), 0, newPlan(parse(b, "R1", 1, "curl")))
			recs := make([]kafka.Record, 100)
			for i := range recs {
				recs[i] = record(int64(i), event(strconv.Itoa(i), bb.command))
				recs[i].Time = time.Now()
			}
			b.ReportAllocs()
			var dst []kafka.Record
			for b.Loop() {
				dst = outputsOf(b, r.Begin(), dst[:0], recs)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(recs)), "ns/record")
		})
	}
}

func outputsOf(tb testing.TB, batch consume.Batch, dst, recs []kafka.Record) []kafka.Record {
	tb.Helper()
	out, err := batch.Outputs(tb.Context(), dst, recs)
	if err != nil {
		tb.Fatal(err)
	}
	batch.End(true)
	return out
}
