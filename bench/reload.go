package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"ttpworker/internal/match"
)

// load measures what it takes from the bytes of all files to an index.
func (r *run) load(w io.Writer) {
	var parsing, compiling, building []time.Duration
	bad := 0
	for range r.loads {
		start := time.Now()
		sources, _ := parseAll(r.files)
		parsed := time.Now()
		var detections []*match.Detection
		detections, bad = compileAll(sources)
		compiled := time.Now()
		build(detections)
		parsing = append(parsing, parsed.Sub(start))
		compiling = append(compiling, compiled.Sub(parsed))
		building = append(building, time.Since(compiled))
	}
	p, c, b := median(parsing), median(compiling), median(building)
	fmt.Fprintf(w, "load of %d files: %v (YAML %v, compiling %v, building the index %v)\n", len(r.files), round(p+c+b), round(p), round(c), round(b))
	_, others := newGoSigma(r.sources)
	fmt.Fprintf(w, "not loaded: index and plain scan %d, %s %d\n", bad, goSigmaName, len(others))
}

// swaps measures how long one changed rule takes to be in force, and what events wait for meanwhile. Swapping never
// stops, which no operator keeps up with.
func (r *run) swaps(w io.Writer) {
	sources := grow(r.sources, min(r.swapRules, len(r.sources)), r.seed)
	detections, _ := compileAll(sources)
	builder, first := build(detections)
	var index atomic.Pointer[match.Index] // what is in force; the builder is the swapping goroutine's
	index.Store(first)

	quiet := r.latencies(&index, nil)
	var took []time.Duration
	var done atomic.Bool
	var swapping sync.WaitGroup
	swapping.Go(func() {
		defer done.Store(true)
		took = r.swap(builder, sources, index.Store)
	})
	meanwhile := r.latencies(&index, &done)
	swapping.Wait()

	fmt.Fprintf(w, "swap of one rule of %d, %d times, compiling included: p50 %v, p99 %v\n", len(sources), len(took), round(median(took)), round(quantile(took, 0.99)))
	fmt.Fprintf(w, "one benign event, on %d threads: quiet p50 %v, p99 %v; while rules are swapped without a pause p50 %v, p99 %v\n", runtime.GOMAXPROCS(0),
		round(median(quiet)), round(quantile(quiet, 0.99)), round(median(meanwhile)), round(quantile(meanwhile, 0.99)))
}

// swap puts variations of rules in their places, and each time the new index in force.
func (r *run) swap(b *match.Builder, sources []source, store func(*match.Index)) []time.Duration {
	random := rand.New(rand.NewPCG(r.seed, 3)) //nolint:gosec // as in grow
	took := make([]time.Duration, 0, r.swapCount)
	for range r.swapCount {
		i := random.IntN(len(sources))
		changed := node(vary(sources[i].detection, random))
		start := time.Now()
		d, err := match.Compile(changed, match.Options{})
		if err != nil {
			continue // nor did the rule compile that it varies
		}
		b.Put(int32(i), d) //nolint:gosec // there are no 2^31 rules
		store(b.Index())
		took = append(took, time.Since(start))
	}
	return took
}

// latencies times benign events one by one, until done or, without it, for as long as a lane of the table takes.
func (r *run) latencies(index *atomic.Pointer[match.Index], done *atomic.Bool) []time.Duration {
	var took []time.Duration
	scratch := match.NewScratch()
	for start, i := time.Now(), 0; ; i++ {
		if done == nil && i > 0 && time.Since(start) > time.Duration(r.rounds)*r.budget || done != nil && done.Load() {
			return took
		}
		at := time.Now()
		_, _ = index.Load().Match(r.benign[i%len(r.benign)], scratch) // the events are JSON
		took = append(took, time.Since(at))
	}
}

// memory measures what the rules keep, without the files and the YAML they came from.
func (r *run) memory(w io.Writer) {
	before := heap()
	detections, bad := compileAll(r.sources)
	compiled := heap()
	builder, index := build(detections)
	built := heap()
	rules := max(len(detections)-bad, 1)
	s := index.Stats()
	fmt.Fprintf(w, "memory of %d rules: %d bytes per rule; compiled %.1f MB, builder and index %.1f MB\n", rules,
		(built-before)/int64(rules), float64(compiled-before)/1e6, float64(built-compiled)/1e6)
	fmt.Fprintf(w, "index: %.1f MB, %d detections, %d always evaluated, %d atoms, %d literals\n", float64(s.Bytes)/1e6, s.Detections, s.Always, s.Atoms, s.Literals)
	runtime.KeepAlive(builder)
	runtime.KeepAlive(detections)
}

// heap is how many bytes are in use once the garbage is gone.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what has a finalizer goes with the second
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // there are no 2^63 bytes
}

// round leaves three digits or so of a time.
func round(d time.Duration) time.Duration {
	for unit := time.Second; unit > time.Nanosecond; unit /= 10 {
		if d >= unit*10 {
			return d.Round(unit / 10)
		}
	}
	return d
}
