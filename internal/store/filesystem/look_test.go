//go:build linux

package filesystem

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"ttpworker/internal/store/storetest"
)

// half is a rule file of which the end is still to be written.
func half(id string, version int) string {
	return strings.TrimSuffix(storetest.Text(id, version), "\n")
}

func TestHalfWrittenFileIsHeld(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		text string
	}{
		{name: "no final newline", text: half("R1", 2)},
		{name: "a key is missing", text: "rule_id: R1\n"},
		{name: "nothing at all", text: ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := patient()
			cfg.Hold = patience // no busy machine is slower
			b := setUp(t, cfg)
			b.write("a.yaml", storetest.Text("R1", 1))
			b.start()
			b.write("a.yaml", tt.text)
			b.barrier() // a round has passed the file over
			b.write("a.yaml", storetest.Text("R1", 2))
			b.expect("loaded R1 2 a.yaml")
		})
	}
}

func TestHeldFileIsReadInTheEnd(t *testing.T) {
	t.Parallel()
	b := setUp(t, patient())
	b.write("a.yaml", storetest.Text("R1", 1))
	b.start()
	saved := time.Now()
	b.write("a.yaml", half("R1", 2))
	b.expect("loaded R1 2 a.yaml")
	if took := time.Since(saved); took < b.cfg.Quiet+b.cfg.Hold {
		t.Errorf("a file that lost its final newline was read after %s, want %s of quiet and %s more", took, b.cfg.Quiet, b.cfg.Hold)
	}
	b.write("a.yaml", half("R1", 3)) // as in the version in force: nothing is lost
	b.expect("loaded R1 3 a.yaml")
}

func TestFaultyFileKeepsTheRule(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		harm func(*bench)
		want string // in the error
	}{
		{name: "emptied", want: "file is empty", harm: func(b *bench) { b.write("a.yaml", "") }},
		{name: "blank", want: "file is empty", harm: func(b *bench) { b.write("a.yaml", "\n \n") }},
		{name: "does not parse", want: "is missing", harm: func(b *bench) { b.write("a.yaml", "rule_id: R1\n") }},
		{name: "too large", want: "has 393217 bytes, more than the limit of 393216", harm: func(b *bench) {
			b.write("a.yaml", strings.Repeat("#", 393_217))
		}},
		{name: "a fifo that nobody writes", want: "is not a regular file", harm: func(b *bench) {
			b.check(syscall.Mkfifo(b.path("fifo.tmp"), 0o600))
			b.rename("fifo.tmp", "a.yaml")
		}},
		{name: "a link to a device", want: "is not a regular file", harm: func(b *bench) { b.link("/dev/zero", "a.yaml") }},
		{name: "a directory", want: "is a directory", harm: func(b *bench) {
			b.remove("a.yaml")
			b.mkdir("a.yaml")
		}},
		{name: "a link to itself", want: "too many levels of symbolic links", harm: func(b *bench) { b.link("a.yaml", "a.yaml") }},
		{name: "a link into a directory that is not there", want: "link cannot be followed", harm: func(b *bench) {
			b.link("../gone/a.yaml", "a.yaml")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setUp(t, patient())
			b.write("a.yaml", storetest.Text("R1", 1))
			b.start()
			tt.harm(b)
			b.expect("refused R1 a.yaml")
			if got := b.ids(); len(got) != 1 || got[0] != "R1 1" {
				t.Errorf("rules in force = %q, want the old one", got)
			}
			if b.refused("a.yaml", tt.want) != 1 {
				t.Errorf("refusals = %q, want one with %q", b.faults, tt.want)
			}
			if got := b.metric("ttp_store_refused_files"); got != 1 {
				t.Errorf("ttp_store_refused_files = %v, want 1", got)
			}
			if got := b.metric("ttp_store_last_successful"); got != 0 {
				t.Errorf("ttp_store_last_successful = %v, want 0", got)
			}
			b.check(os.RemoveAll(b.path("a.yaml")))
			b.expect("removed R1 a.yaml")
			if got := b.metric("ttp_store_last_successful"); got != 1 {
				t.Errorf("ttp_store_last_successful = %v, want 1 when the file is gone", got)
			}
		})
	}
}

func TestNewFaultyFile(t *testing.T) {
	t.Parallel()
	b := setUp(t, patient())
	b.write("empty.yaml", "") // at the start nobody is about to fill it
	b.check(syscall.Mkfifo(b.path("fifo.yaml"), 0o600))
	b.start()
	b.check(syscall.Mkfifo(b.path("late.yaml"), 0o600))
	b.expect("refused  late.yaml")
	for _, name := range []string{"empty", "fifo", "late"} {
		if n := b.refused(name+".yaml", ""); n != 1 {
			t.Errorf("%d refusals of %s.yaml, want 1", n, name)
		}
	}
	b.write("empty.yaml", storetest.Text("R1", 1))
	b.expect("loaded R1 1 empty.yaml")
}

func TestOldBytesAfterAFault(t *testing.T) {
	t.Parallel()
	b := setUp(t, patient())
	b.write("a.yaml", storetest.Text("R1", 1))
	b.start()
	b.put("a.yaml", "rule_id: R1\nname: x\nrule_version: two\n")
	b.expect("refused R1 a.yaml")
	b.put("a.yaml", storetest.Text("R1", 1)) // nothing is another one than before, but the fault is mended
	b.expect()
	if got := b.metric("ttp_store_refused_files"); got != 0 {
		t.Errorf("ttp_store_refused_files = %v, want 0", got)
	}
}

// TestWriterWithoutRest: one who writes all the time is read in the end, and does not keep the others waiting.
func TestWriterWithoutRest(t *testing.T) {
	t.Parallel()
	b := setUp(t, patient())
	b.write("a.yaml", storetest.Text("R1", 1))
	b.start()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		f, err := os.OpenFile(b.path("busy.yaml"), os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = f.Close() }()
		for {
			if _, err := f.WriteAt([]byte(storetest.Text("R2", 1)), 0); err != nil {
				t.Error(err)
			}
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
	b.put("a.yaml", storetest.Text("R1", 2))
	got := map[string]bool{b.next(): true, b.next(): true}
	close(stop)
	<-stopped
	if !got["loaded R1 2 a.yaml"] || !got["loaded R2 1 busy.yaml"] {
		t.Errorf("changes while a writer writes = %v, want R1 2 and R2 1", got)
	}
	b.expect()
}

// TestFirstReadingWaitsForQuiet: a file just being written when the worker starts is not read half.
func TestFirstReadingWaitsForQuiet(t *testing.T) {
	t.Parallel()
	b := setUp(t, patient())
	saved := time.Now()
	b.write("a.yaml", storetest.Text("R1", 1))
	if got := b.ids(); len(got) != 1 {
		t.Errorf("Load = %q, want R1", got)
	}
	if took := time.Since(saved); took < b.cfg.Quiet-20*time.Millisecond { // 20 ms: the grain of modification times
		t.Errorf("a file was read %s after it was written, want %s", took, b.cfg.Quiet)
	}
}

func TestShape(t *testing.T) {
	t.Parallel()
	old := shapeOf([]byte("rule_id: R1\nmatch:\n  pattern: x\nemits: []\n"))
	for _, tt := range []struct {
		name string
		text string
		want bool
	}{
		{name: "the same", text: "rule_id: R1\nmatch:\n  pattern: x\nemits: []\n"},
		{name: "another order, another key", text: "emits: []\nname: x\nmatch: y\nrule_id: R1\n"},
		{name: "without its end", text: "rule_id: R1\nmatch:\n  patt", want: true},
		{name: "without its last key", text: "rule_id: R1\nmatch:\n  pattern: x\n", want: true},
		{name: "without its final newline", text: "rule_id: R1\nmatch: x\nemits: []", want: true},
		{name: "nothing", want: true},
	} {
		if got := shapeOf([]byte(tt.text)).cut(old); got != tt.want {
			t.Errorf("%s: cut = %v, want %v", tt.name, got, tt.want)
		}
	}
	noNewline := shapeOf([]byte("rule_id: R1"))
	if shapeOf([]byte("rule_id: R2")).cut(noNewline) {
		t.Error("a file that never ended with a newline has not lost one")
	}
}

func TestHoldIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := patient()
		s := &Store{cfg: cfg, inbox: newInbox(cfg), book: newBook(storetest.Parse, cfg), holds: map[string]held{}}
		s.book.apply([]sight{contentOf("a.yaml", []byte(storetest.Text("R1", 1)))}, true)
		start := time.Now()
		for i := 0; ; i++ { // ever another half file
			if !s.hold(contentOf("a.yaml", []byte(strings.Repeat("x", i))), time.Now()) {
				break
			}
			time.Sleep(cfg.Hold / 2)
		}
		if took, most := time.Since(start), cfg.MaxWait+2*cfg.Hold; took > most {
			t.Errorf("a file was held for %s, want at most %s", took, most)
		}
	})
}

func TestTrace(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	for link, target := range map[string]string{
		"..data": "v1", "a.yaml": "..data/a.yaml", "abs.yaml": at("v1/a.yaml"), "up.yaml": "v1/../v1/./a.yaml",
		"loop": "loop2", "loop2": "loop", "gone.yaml": "v1/gone", "lost.yaml": "v2/a.yaml",
	} {
		if err := os.Symlink(target, at(link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(at("v1"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("v1/a.yaml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path  string
		links string
		end   string
		rest  bool
		err   string
	}{
		{path: "v1/a.yaml", end: "v1/a.yaml"},
		{path: "a.yaml", links: "a.yaml ..data", end: "v1/a.yaml"},
		{path: "abs.yaml", links: "abs.yaml", end: "v1/a.yaml"},
		{path: "up.yaml", links: "up.yaml", end: "v1/a.yaml"},
		{path: "gone.yaml", links: "gone.yaml", end: "v1/gone", err: "no such file"},
		{path: "lost.yaml", links: "lost.yaml", end: "v2", rest: true, err: "no such file"},
		{path: "loop", err: "too many levels"},
	} {
		r, err := (&files{}).trace(at(tt.path))
		if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("trace(%s) = %v, want error %q", tt.path, err, tt.err)
		}
		if tt.end == "" {
			continue
		}
		links := strings.ReplaceAll(strings.Join(r.links, " "), dir+"/", "")
		if links != tt.links || r.end != at(tt.end) || r.rest != tt.rest {
			t.Errorf("trace(%s) = %q to %s, rest %v, want %q to %s, rest %v", tt.path, links, r.end, r.rest, tt.links, tt.end, tt.rest)
		}
	}
}
