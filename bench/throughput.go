package main

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
)

// A contender is an engine with its name in the table.
type contender struct {
	name string
	engine
	unloaded       []int32 // places of the rules that only this engine did not load, ascending
	whole, reading *lane   // reading is nil where decoding is no step of its own
}

// newContender returns a contender that has not been measured.
func newContender(name string, e engine) *contender {
	c := &contender{name: name, engine: e, whole: &lane{do: func(payload []byte) { e.Match(payload) }}}
	if d, ok := e.(decoder); ok {
		c.reading = &lane{do: func(payload []byte) { _ = d.decode(payload) }} // the events are JSON
	}
	return c
}

// ns is the median time of an event.
func (c *contender) ns() float64 { return median(c.whole.ns) }

// contenders loads the rules into every engine, the index first and the reference second. One more engine is one more
// contender here.
func contenders(sources []source) []*contender {
	detections, _ := compileAll(sources)
	_, index := build(detections)
	e, unloaded := newGoSigma(sources)
	public := newContender(goSigmaName, e)
	public.unloaded = unloaded
	return []*contender{
		newContender("index", newIndexed(index)),
		newContender("plain scan", &plainScan{detections: detections}),
		public,
	}
}

// throughput measures all engines over the sizes of the set and the kinds of events, and prints the table.
func (r *run) throughput(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "events\trules\tengine\tevents/s\tns/event\tof it JSON\tallocs/event\tindex is\thits/event\tnot loaded\tmissed\tfalse\tof hits\t")
	for _, kind := range []string{"benign", "heavy"} {
		for _, size := range r.sizes {
			sources := grow(r.sources, size, r.seed)
			events := r.benign
			if kind == "heavy" {
				events = r.heavy(sources)
			}
			all := contenders(sources)
			found := r.measure(all, events)
			for i, m := range found {
				all[i].print(t, kind, size, all[0].ns(), m)
			}
			if kind == "heavy" && found[1].hits == 0 {
				r.hitless++
			}
		}
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("printing the table: %w", err)
	}
	return nil
}

// measure measures contenders over events, and returns what they got wrong.
func (r *run) measure(all []*contender, events [][]byte) []mistakes {
	var lanes []*lane
	for _, c := range all {
		lanes = append(lanes, c.whole)
		if c.reading != nil {
			lanes = append(lanes, c.reading)
		}
	}
	r.stream(events).run(lanes...)
	wrong := compare(all[1], all, events, r.compareFor)
	r.wrong += wrong[0].missed + wrong[0].wrong
	return wrong
}

// print prints the line of a contender, index being the time of the index in the same rounds.
func (c *contender) print(w io.Writer, events string, rules int, index float64, m mistakes) {
	reading := "-"
	if c.reading != nil {
		reading = strconv.FormatFloat(median(c.reading.ns), 'f', 0, 64)
	}
	fmt.Fprintf(w, "%s\t%d\t%s\t%.0f\t%.0f\t%s\t%.1f\t%.1fx\t%.2f\t%d\t%d\t%d\t%d\t\n", events, rules, c.name, 1e9/c.ns(), c.ns(), reading,
		median(c.whole.allocs), c.ns()/index, float64(m.hits)/float64(m.events), m.unloaded, m.missed, m.wrong, m.hits)
}
