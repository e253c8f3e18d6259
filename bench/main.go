package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"time"

	"ttpworker/internal/match/matchtest"
)

// A run is what is measured, and for how long.
type run struct {
	files   []file
	sources []source // in an order that a seed decides, so that the first n are a fair choice
	benign  [][]byte
	sizes   []int // of the rule sets
	events  int   // of each kind
	seed    uint64

	rounds     int
	budget     time.Duration // of one engine in one round
	compareFor time.Duration
	loads      int
	swapRules  int
	swapCount  int

	wrong   int // mistakes of the index
	hitless int // rule sets that no heavy event matched
}

// errWrong says that the index and the reference disagree: no speed is worth that.
var errWrong = errors.New("the index gave wrong answers")

// errNoHits says that heavy events match nothing: engines that agree on that agree on nothing.
var errNoHits = errors.New("the plain scan finds no hits in heavy events")

func main() {
	sigma := flag.String("sigma", "../shared/sigma", "directory with the archive of public Sigma rules")
	pack := flag.String("rules", "rules/ttp", "directory of rules for when there is no archive")
	quick := flag.Bool("quick", false, "see that everything runs; the figures mean nothing")
	seed := flag.Uint64("seed", 1, "of the events, the choice of rules and their variations")
	flag.Parse()
	if err := bench(os.Stdout, *sigma, *pack, *quick, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench measures and prints everything.
func bench(w io.Writer, sigma, pack string, quick bool, seed uint64) error {
	r, err := newRun(w, sigma, pack, quick, seed)
	if err != nil {
		return err
	}
	threads := runtime.GOMAXPROCS(1) // the table is of one core
	err = r.throughput(w)
	r.load(w)
	r.memory(w)
	runtime.GOMAXPROCS(threads)
	r.swaps(w)
	if err != nil {
		return err
	}
	if r.wrong > 0 {
		return fmt.Errorf("%w: %d of them", errWrong, r.wrong)
	}
	if r.hitless > 0 {
		return fmt.Errorf("%w: with %d of %d rule sets", errNoHits, r.hitless, len(r.sizes))
	}
	return nil
}

// newRun loads the rules and makes the events.
func newRun(w io.Writer, sigma, pack string, quick bool, seed uint64) (*run, error) {
	r := &run{
		seed: seed, rounds: 9, budget: 100 * time.Millisecond, compareFor: 5 * time.Second,
		loads: 3, swapRules: 3000, swapCount: 1000,
	}
	files, err := matchtest.ReadArchive(sigma)
	if errors.Is(err, matchtest.ErrNoArchive) {
		fmt.Fprintf(w, "%v: measuring with the rules of %s and variations of them\n", err, pack)
		files, err = readPack(pack)
	}
	if err != nil {
		return nil, err
	}
	sources, bad := parseAll(files)
	if len(sources) == 0 {
		return nil, fmt.Errorf("no rules in %s and %s", sigma, pack)
	}
	if bad > 0 {
		fmt.Fprintf(w, "%d files hold no rule\n", bad)
	}
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // as in grow
	random.Shuffle(len(sources), func(i, j int) { sources[i], sources[j] = sources[j], sources[i] })
	r.files, r.sources = files, sources
	r.sizes = []int{10, 100, 1000, len(sources), 10_000}
	r.events = 8192
	if quick {
		r.rounds, r.budget, r.compareFor, r.loads, r.swapCount = 3, 2*time.Millisecond, 100*time.Millisecond, 1, 20
		r.sizes, r.events = []int{50, 100, 500}, 512
	}
	r.benign = some(r.events, matchtest.NewGenerator(seed, matchtest.Vocabulary{}).Benign)
	fmt.Fprintf(w, "%d benign events of %d bytes on average, heavy ones of %d\n", r.events, meanSize(r.benign), meanSize(r.heavy(r.sources)))
	return r, nil
}

// heavy makes events that carry what the given rules look for.
func (r *run) heavy(sources []source) [][]byte {
	return some(r.events, matchtest.NewGenerator(r.seed, vocabulary(sources, r.seed)).Heavy)
}

func (r *run) stream(events [][]byte) stream {
	return stream{events: events, rounds: r.rounds, budget: r.budget}
}

func some(n int, next func() []byte) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = next()
	}
	return out
}

func meanSize(events [][]byte) int {
	size := 0
	for _, e := range events {
		size += len(e)
	}
	return size / max(len(events), 1)
}
