//go:build linux

package filesystem

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/store/storetest"
)

// TestForeignNamesCostNothing counts file operations: an edit of a rule costs as many with a storm of other files
// as without, though each of those gives events.
func TestForeignNamesCostNothing(t *testing.T) {
	t.Parallel()
	b := setUp(t, patient())
	b.start()
	quiet := b.files.ops.Load()
	b.barrier()
	alone := b.files.ops.Load() - quiet

	for i := range 50 {
		for _, name := range []string{
			"README.md", ".a.yaml.swp", "a.yaml~", "#a.yaml#", ".#a.yaml", "a.yaml.tmp", "rule-dash.yaml", "a b.yaml", "a.yaml.bak",
			".goutputstream-X1", "a.json", ".yaml", "..tmp", "a.YAML",
		} {
			b.write(name, strconv.Itoa(i))
		}
		b.write("4913", "")
		b.remove("4913")
		b.write("sedAbCdE", "x")
		b.rename("sedAbCdE", "kept.orig")
		b.write("README", "no dot in the name, but written to")
		b.write("../sibling.yaml", storetest.Text("R9", i)) // the parent is watched too
	}
	storm := b.files.ops.Load()
	b.barrier()
	if got := b.files.ops.Load() - storm; got != alone {
		t.Errorf("%d file operations, want %d: what is no rule file's name must cost none", got, alone)
	}
	for _, name := range []string{"README", "swp", "sibling", "4913"} {
		if n := b.logged(name); n != 0 {
			t.Errorf("%d log lines about %s", n, name)
		}
	}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	l := newLayout()
	l.root = "/r"
	l.dirs["/r"], l.dirs["/r/sub"] = "rules", "rules/sub"
	l.link("rules/l.yaml", "/else/text")
	l.follow(route{links: []string{"/r/..data", "/r/current"}, end: "/else/text"}, false)
	l.follow(route{links: []string{"/r/l2.yaml"}, end: "/else/gone"}, true)
	for _, tt := range []struct {
		name string
		op   fsnotify.Op
		want meaning
		path []string
	}{
		{name: "/r/a.yaml", op: fsnotify.Write, want: candidate, path: []string{"rules/a.yaml"}},
		{name: "/r/sub/a.yml", op: fsnotify.Remove, want: candidate, path: []string{"rules/sub/a.yml"}},
		{name: "/else/text", op: fsnotify.Write, want: candidate, path: []string{"rules/l.yaml"}},
		{name: "/else/a.yaml", op: fsnotify.Create},
		{name: "/r/.git/a.yaml", op: fsnotify.Create},
		{name: "/a.yaml", op: fsnotify.Create},
		{name: "/r/..data", op: fsnotify.Create, want: rescan},
		{name: "/r/..data_tmp", op: fsnotify.Create},
		{name: "/r/current", op: fsnotify.Create, want: rescan},
		{name: "/else/gone", op: fsnotify.Create, want: rescan},
		{name: "/else", op: fsnotify.Remove, want: rescan},
		{name: "/r", op: fsnotify.Remove, want: rescan},
		{name: "/r/sub", op: fsnotify.Rename, want: rescan},
		{name: "/r/new-dir", op: fsnotify.Create, want: maybeDir},
		{name: "/r/new-dir", op: fsnotify.Write},
		{name: "/r/a.yaml~", op: fsnotify.Create},
		{name: "/r/.a.yaml.swp", op: fsnotify.Write},
		{name: "/else/new-dir", op: fsnotify.Create},
	} {
		got, paths := l.classify(fsnotify.Event{Name: tt.name, Op: tt.op})
		if got != tt.want || !slices.Equal(paths, tt.path) {
			t.Errorf("classify(%s %s) = %v %q, want %v %q", tt.op, tt.name, got, paths, tt.want, tt.path)
		}
	}
}

func TestInboxSettles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := DefaultConfig()
		b := newInbox(cfg)
		b.live.dirs["/r"] = "r"
		write := func(name string) { b.event(fsnotify.Event{Name: "/r/" + name, Op: fsnotify.Write}, time.Now()) }
		take := func() []string { return b.take(time.Now()).paths }

		write("a.yaml")
		time.Sleep(cfg.Quiet - 1)
		write("b.yaml")
		time.Sleep(cfg.Quiet - 1)
		if got := take(); got != nil {
			t.Errorf("taken before it was quiet: %q", got)
		}
		if got := time.Until(b.next()); got != 1 {
			t.Errorf("next is in %s, want 1ns", got)
		}
		time.Sleep(time.Nanosecond)
		if diff := cmp.Diff([]string{"r/a.yaml", "r/b.yaml"}, take()); diff != "" {
			t.Errorf("taken when quiet (-want +got):\n%s", diff)
		}
		if got := b.next(); !got.IsZero() {
			t.Errorf("next of an empty inbox = %s", got)
		}

		// A writer that never rests: the others wait for MaxWait at most, and so does it.
		start := time.Now()
		write("a.yaml")
		for i := 0; time.Since(start) < cfg.MaxWait; i++ {
			time.Sleep(10 * time.Millisecond)
			write("busy.yaml")
			if i == 97 {
				write("late.yaml")
			}
		}
		if diff := cmp.Diff([]string{"r/a.yaml"}, take()); diff != "" {
			t.Errorf("taken after MaxWait (-want +got):\n%s", diff)
		}
		time.Sleep(10 * time.Millisecond)
		if diff := cmp.Diff([]string{"r/busy.yaml"}, take()); diff != "" {
			t.Errorf("taken MaxWait after the writer began (-want +got):\n%s", diff)
		}
		time.Sleep(cfg.Quiet)
		if diff := cmp.Diff([]string{"r/late.yaml"}, take()); diff != "" {
			t.Errorf("taken when quiet again (-want +got):\n%s", diff)
		}
	})
}

func TestInboxRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newInbox(DefaultConfig())
		b.live.dirs["/r"] = "r"
		b.retry("r/a.yaml", time.Now().Add(time.Minute))
		b.retry("r/b.yaml", time.Now().Add(time.Second))
		b.rescanAt(time.Now().Add(time.Hour))
		b.rescanAt(time.Now().Add(2 * time.Hour))
		b.event(fsnotify.Event{Name: "/r/a.yaml", Op: fsnotify.Write}, time.Now()) // takes the place of the retry
		time.Sleep(time.Second)
		got := b.take(time.Now())
		if diff := cmp.Diff(batch{paths: []string{"r/a.yaml"}, again: []string{"r/b.yaml"}}, got, cmp.AllowUnexported(batch{})); diff != "" {
			t.Errorf("taken (-want +got):\n%s", diff)
		}
		if got := time.Until(b.next()); got != time.Hour-time.Second {
			t.Errorf("next is in %s, want the rescan", got)
		}
		time.Sleep(time.Hour)
		if !b.take(time.Now()).rescan || b.take(time.Now()).rescan {
			t.Error("a rescan by the clock is not taken once")
		}
	})
}

// TestWithoutInotify: the clock alone finds everything.
func TestWithoutInotify(t *testing.T) {
	t.Parallel()
	cfg := patient()
	cfg.Rescan = 50 * time.Millisecond
	b := setUp(t, cfg)
	b.newWatcher = func() (*fsnotify.Watcher, error) { return nil, errors.New("too many open files") }
	b.write("a.yaml", storetest.Text("R1", 1))
	b.start()
	b.put("a.yaml", storetest.Text("R1", 2))
	b.expect("loaded R1 2 a.yaml")
	b.mkdir("v1.2") // a name that events are not looked at for
	b.write("v1.2/c.yaml", storetest.Text("R3", 1))
	b.expect("loaded R3 1 v1.2/c.yaml")
	b.remove("a.yaml")
	b.expect("removed R1 a.yaml")
	if b.logged("inotify is not available") != 1 {
		t.Errorf("not one warning:\n%s", &b.lines)
	}
}

// TestOverflow: events that the kernel has dropped are made good by a rescan.
func TestOverflow(t *testing.T) {
	t.Parallel()
	b := setUp(t, patient())
	b.newWatcher = func() (*fsnotify.Watcher, error) { return nil, errors.New("no events, as if all were dropped") }
	b.write("a.yaml", storetest.Text("R1", 1))
	if got := b.ids(); len(got) != 1 {
		t.Fatalf("Load = %q", got)
	}
	w := &fsnotify.Watcher{Events: make(chan fsnotify.Event), Errors: make(chan error)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.pump(w)
	}()
	b.write("a.yaml", storetest.Text("R1", 2))
	w.Errors <- fsnotify.ErrEventOverflow
	close(w.Events)
	<-ended
	time.Sleep(b.cfg.Quiet)
	now := time.Now()
	b.work.Lock()
	b.round(b.inbox.take(now), now)
	b.work.Unlock()
	if got := b.next(); got != "loaded R1 2 a.yaml" {
		t.Errorf("after an overflow: %q, want R1 loaded", got)
	}
}

// TestSaveToChange says how long it takes from a save to its change: the quiet, and little more.
func TestSaveToChange(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	b := setUp(t, DefaultConfig())
	b.start()
	const saves = 40
	took := make([]time.Duration, saves)
	for i := range took {
		start := time.Now()
		b.put("a.yaml", storetest.Text("R1", i+1))
		if got := b.next(); !strings.HasPrefix(got, "loaded R1") {
			t.Fatalf("change %q", got)
		}
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	t.Logf("save to change over %d saves: p50 %s, p99 %s, quiet %s", saves, took[saves/2], took[saves*99/100], b.cfg.Quiet)
	if took[saves/2] > 5*time.Second {
		t.Errorf("p50 = %s", took[saves/2])
	}
}

// TestManyRules: a directory of thousands is read, and a rescan of it changes nothing.
func TestManyRules(t *testing.T) {
	if testing.Short() {
		t.Skip("writes thousands of files")
	}
	t.Parallel()
	b := setUp(t, patient())
	for i := range 3000 {
		if i%100 == 0 {
			b.mkdir(fmt.Sprintf("d%02d", i/100))
		}
		b.write(fmt.Sprintf("d%02d/r%d.yaml", i/100, i), storetest.Text(fmt.Sprintf("M%d", i), 1))
	}
	b.start()
	if got := len(b.ids()); got != 3000 {
		t.Errorf("%d rules, want 3000", got)
	}
	b.Rescan()
	b.expect()
	b.check(os.RemoveAll(b.path("d07")))
	b.until("removed M799 d07/r799.yaml")
	b.expect()
}
