package main

import (
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"ttpworker/chaos/fleet"
)

// report prints the tables.
func (r *run) report(f *findings) {
	r.say("seed %d", r.cfg.seed)
	fmt.Fprintln(r.out)
	r.reportFaults()
	r.reportRecords(f)
	r.reportWorkers(f)
	for _, note := range f.verdict.Notes {
		fmt.Fprintln(r.out, "  "+note)
	}
}

func (r *run) reportFaults() {
	t := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "FAULT\tTIMES\tLONGEST GAP\tBOUND\tALL SILENT\tINPUT SILENT\tRECOVERY P50\tP99")
	var gap, silence, input time.Duration
	for _, k := range r.cfg.kinds {
		var recoveries []time.Duration
		var kindGap, kindSilence, kindInput time.Duration
		for _, i := range r.incidents {
			if i.Kind == k {
				recoveries = append(recoveries, i.recovered.Sub(i.over))
				kindGap, kindSilence, kindInput = max(kindGap, i.gap), max(kindSilence, i.silence), max(kindInput, i.input)
			}
		}
		limit := "-"
		if b := r.cfg.bound(k); b > 0 {
			limit = b.String()
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", k, len(recoveries), ms(kindGap), limit, ms(kindSilence), ms(kindInput),
			ms(quantile(recoveries, 0.5)), ms(quantile(recoveries, 0.99)))
		gap, silence, input = max(gap, kindGap), max(silence, kindSilence), max(input, kindInput)
	}
	fmt.Fprintf(t, "all\t%d\t%s\t\t%s\t%s\t\t\n", len(r.incidents), ms(gap), ms(silence), ms(input))
	_ = t.Flush()
	fmt.Fprintln(r.out)
}

// quantile returns the value below which a share q of the values lies; 0 of none. It sorts them.
func quantile(values []time.Duration, q float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[int(q*float64(len(values)-1)+0.5)]
}

func (r *run) reportRecords(f *findings) {
	v := f.verdict
	t := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "RECORDS\t")
	fmt.Fprintf(t, "events in\t%d\n", v.Events)
	fmt.Fprintf(t, "poison in, dead letters out\t%d, %d\n", v.Poison, v.Letters)
	fmt.Fprintf(t, "tags out, on trial\t%d, %d\n", v.Tags, v.Shadow)
	fmt.Fprintf(t, "rule edits, orders, of these unconfirmed\t%d, %d, %d\n", r.editor.edits.Load(), r.editor.given.Load(), r.editor.unsure.Load())
	fmt.Fprintf(t, "plans that tagged\t%d\n", v.Plans)
	fmt.Fprintf(t, "LOST\t%d\n", v.Lost)
	fmt.Fprintf(t, "DOUBLED\t%d\n", v.Doubled)
	fmt.Fprintf(t, "WRONG\t%d\n", v.Wrong)
	fmt.Fprintf(t, "OUT OF ORDER\t%d\n", v.Reordered)
	fmt.Fprintf(t, "TRANSACTIONS UNDER TWO PLANS\t%d\n", v.Torn)
	fmt.Fprintf(t, "SEEN AND NOT COMMITTED, NEVER SEEN\t%d, %d\n", f.phantoms, f.unseen)
	fmt.Fprintf(t, "HUNG CALLS\t%d\n", len(f.hung))
	_ = t.Flush()
	fmt.Fprintln(r.out)
}

func (r *run) reportWorkers(f *findings) {
	t := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "WORKER\tCOMMITTED\tABORTED\tUNKNOWN\tREBUILDS\tRSS MB\tGOROUTINES\tFILES")
	var sum fleet.Figures
	for i := range r.last {
		a, b := r.first[i], r.last[i]
		fmt.Fprintf(t, "%d\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f to %.0f\t%.0f to %.0f\t%.0f to %.0f\n", i, b.Committed, b.Aborted, b.Unknown, b.Rebuilds,
			a.RSS/1e6, b.RSS/1e6, a.Goroutines, b.Goroutines, a.Files, b.Files)
		sum.Committed, sum.Aborted, sum.Unknown, sum.Rebuilds = sum.Committed+b.Committed, sum.Aborted+b.Aborted, sum.Unknown+b.Unknown, sum.Rebuilds+b.Rebuilds
	}
	fmt.Fprintf(t, "all\t%.0f\t%.0f\t%.0f\t%.0f\t\t\t\n", sum.Committed, sum.Aborted, sum.Unknown, sum.Rebuilds)
	_ = t.Flush()
	fmt.Fprintf(r.out, "slowest stop in good order: %s of %d; processes that ended by themselves: %d\n", ms(slices.Max(r.stops)), len(r.stops), len(f.exits))
	for _, e := range f.exits {
		fmt.Fprintln(r.out, "  "+e)
	}
	for _, h := range f.hung {
		fmt.Fprintln(r.out, "  hung: "+h)
	}
}
