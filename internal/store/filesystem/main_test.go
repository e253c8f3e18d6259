//go:build linux

package filesystem

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"ttpworker/internal/rule"
	"ttpworker/internal/store"
	"ttpworker/internal/store/storetest"
)

// TestMain has many tests run at once: they wait for quiet and use no processor.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "24"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// A bench is a store over a directory of its own below a directory of its own.
type bench struct {
	*Store
	t   *testing.T
	dir string
	reg *prometheus.Registry
	sub *store.Subscription
	n   int // barriers so far

	faults []string // of refused files, as read so far: path, what is wrong

	mu    sync.Mutex
	lines bytes.Buffer
}

func (b *bench) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lines.Write(p)
}

// logged counts the log lines that contain text.
func (b *bench) logged(text string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Count(b.lines.String(), text)
}

// patient is a configuration for tests: quiet is long enough for the steps of a save style to fall into one round on a
// busy machine, and nothing is rescanned by the clock.
func patient() Config {
	cfg := DefaultConfig()
	cfg.Quiet, cfg.MaxWait, cfg.Hold, cfg.Rescan = 200*time.Millisecond, 2*time.Second, 300*time.Millisecond, time.Hour
	return cfg
}

// setUp makes a store over an empty directory.
func setUp(t *testing.T, cfg Config) *bench {
	t.Helper()
	return setUpWith(t, cfg, storetest.Parse)
}

// setUpWith is setUp with another parser than that of storetest.
func setUpWith(t *testing.T, cfg Config, parse Parse) *bench {
	t.Helper()
	b := &bench{t: t, dir: filepath.Join(t.TempDir(), "rules"), reg: prometheus.NewRegistry()}
	b.mkdir(".")
	cfg.Dir = b.dir
	s, err := New(cfg, parse, store.NewMemoryLog(), slog.New(slog.NewTextHandler(b, nil)), b.reg)
	if err != nil {
		t.Fatalf("New = %v", err)
	}
	b.Store, b.sub = s, s.Subscribe()
	return b
}

// refused counts the refusals read so far that begin with path and have text in them.
func (b *bench) refused(path, text string) int {
	n := 0
	for _, f := range b.faults {
		if strings.HasPrefix(f, path+" ") && strings.Contains(f, text) {
			n++
		}
	}
	return n
}

// start reads the rules and runs the store until the test ends. It returns when the watcher works.
func (b *bench) start() {
	b.t.Helper()
	if _, err := b.Load(b.t.Context()); err != nil {
		b.t.Fatalf("Load = %v", err)
	}
	ctx, cancel := context.WithCancel(b.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	b.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.t.Errorf("Run = %v", err)
		}
	})
	b.barrier()
}

// barrier has a change of its own go through the store and returns all that came before it.
func (b *bench) barrier() []string {
	b.t.Helper()
	b.n++
	b.put("zz_barrier.yaml", storetest.Text("zz", b.n))
	return b.until(fmt.Sprintf("loaded zz %d zz_barrier.yaml", b.n))
}

// until reads changes up to want and returns those before it.
func (b *bench) until(want string) []string {
	b.t.Helper()
	var got []string
	for {
		c := b.next()
		if c == want {
			return got
		}
		got = append(got, c)
	}
}

// next reads a change: kind, rule, version or filters, path below the rule directory.
func (b *bench) next() string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	c, err := b.sub.Next(ctx)
	if err != nil {
		b.t.Fatalf("Next = %v", err)
	}
	rel, err := filepath.Rel(b.dir, c.Path)
	if err != nil {
		b.t.Fatal(err)
	}
	if c.Err != nil {
		b.faults = append(b.faults, rel+" "+c.Err.Error())
	}
	words := []string{string(c.Kind), c.RuleID}
	if c.Rule != nil {
		words = append(words, versionOf(c.Rule))
		if c.Rule.File.Path != c.Path {
			b.t.Errorf("the rule's path is %s, the change's %s", c.Rule.File.Path, c.Path)
		}
	}
	return strings.Join(append(words, rel), " ")
}

// expect reads as many changes as want has, then makes sure that no more come.
func (b *bench) expect(want ...string) {
	b.t.Helper()
	var got []string
	for range want {
		got = append(got, b.next())
	}
	b.Rescan() // what the events did not tell would come out now
	got = append(got, b.barrier()...)
	got = append(got, b.barrier()...) // a second round: whatever was put off to the next one
	if diff := cmp.Diff(want, got); diff != "" {
		b.t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

func (b *bench) check(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// write writes a file in place.
func (b *bench) write(name, text string) {
	b.t.Helper()
	b.check(os.WriteFile(b.path(name), []byte(text), 0o600))
}

// put writes a file aside, by a name that is nobody's, and renames it over.
func (b *bench) put(name, text string) {
	b.t.Helper()
	tmp := filepath.Join(filepath.Dir(name), ".tmp~"+filepath.Base(name))
	b.write(tmp, text)
	b.rename(tmp, name)
}

func (b *bench) rename(from, to string) {
	b.t.Helper()
	b.check(os.Rename(b.path(from), b.path(to)))
}

func (b *bench) remove(name string) {
	b.t.Helper()
	b.check(os.Remove(b.path(name)))
}

func (b *bench) mkdir(name string) {
	b.t.Helper()
	b.check(os.MkdirAll(b.path(name), 0o700))
}

// link makes name a link to target, in one step if it is one already.
func (b *bench) link(target, name string) {
	b.t.Helper()
	tmp := name + "_tmp~"
	b.check(os.Symlink(target, b.path(tmp)))
	b.rename(tmp, name)
}

// ids lists the rules in force as rule and version.
func (b *bench) ids() []string {
	b.t.Helper()
	rules, err := b.Load(b.t.Context())
	if err != nil {
		b.t.Fatalf("Load = %v", err)
	}
	var out []string
	for _, r := range rules {
		if r.ID != "zz" {
			out = append(out, fmt.Sprintf("%s %d", r.ID, *r.Version))
		}
	}
	return out
}

// eventually waits until cond holds.
func (b *bench) eventually(what string, cond func() bool) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); !cond(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("still waiting: %s", what)
		}
	}
}

// metric reads one gauge or counter without labels.
func (b *bench) metric(name string) float64 {
	b.t.Helper()
	families, err := b.reg.Gather()
	b.check(err)
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	b.check(errors.New("no metric " + name))
	return 0
}

// versionOf is the version of a rule, of a Sigma rule the filters in it.
func versionOf(r *rule.Rule) string {
	if r.Version == nil {
		return fmt.Sprint(r.Filters)
	}
	return strconv.Itoa(*r.Version)
}
