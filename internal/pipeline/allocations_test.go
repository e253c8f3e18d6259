//go:build !race

// The race detector has pools forget at random: what an event costs is counted without it, by make allocations.

package pipeline_test

import (
	"strconv"
	"testing"

	"ttpworker/internal/kafka"
	"ttpworker/internal/wire"
)

// Most records carry no trace. They pay for nothing, whether traces are on or off.
func TestAllocationsOfARecordWithoutTrace(t *testing.T) {
	plan := newPlan(parse(t, "R1", 1, "curl"))
	on, exporter := newTracedRig(t, plan)
	off := newRig(t, wire.DefaultLimits(), 0, plan)
	recs := make([]kafka.Record, 50)
	for i := range recs {
		recs[i] = record(int64(i), event(strconv.Itoa(i), "ls"))
	}
	cost := func(r *rig) float64 {
		var dst []kafka.Record
		return testing.AllocsPerRun(50, func() { dst = outputsOf(t, r.Begin(), dst[:0], recs) })
	}
	slack := float64(len(recs)) / 2 // one a record would be fifty; less is the pools', which a garbage collection empties
	if with, without := cost(on), cost(off); with > without+slack {
		t.Errorf("a batch of %d costs %v allocations with traces on and %v with them off, want as many",
			len(recs), with, without)
	}
	if n := len(exporter.GetSpans()); n > 0 {
		t.Errorf("%d spans of records that carry no trace, want none", n)
	}
}
