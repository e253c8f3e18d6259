package fleet

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test binary is the worker too, where this is set: how it behaves.
const role = "FLEET_TEST_ROLE"

func TestMain(m *testing.M) {
	if behaviour := os.Getenv(role); behaviour != "" {
		os.Exit(pretend(behaviour, os.Getenv("FLEET_TEST_ADMIN")))
	}
	os.Exit(m.Run())
}

// pretend is a worker as far as its admin port goes.
func pretend(behaviour, admin string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		if behaviour == "stuck" {
			http.Error(w, "poll loop: has not turned", http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, metrics) })
	server := &http.Server{Addr: admin, Handler: mux, ReadHeaderTimeout: time.Second}
	go func() { _ = server.ListenAndServe() }()
	if behaviour == "brief" {
		fmt.Fprintln(os.Stderr, "worker: fenced")
		return 1
	}
	<-ctx.Done()
	return 0
}

const metrics = `# TYPE ttp_consume_transactions_total counter
ttp_consume_transactions_total{outcome="aborted"} 3
ttp_consume_transactions_total{outcome="committed"} 40
ttp_consume_transactions_total{outcome="unknown"} 2
# TYPE ttp_consume_session_rebuilds_total counter
ttp_consume_session_rebuilds_total 5
# TYPE ttp_consume_end_duration_seconds histogram
ttp_consume_end_duration_seconds_bucket{le="16.384"} 40
ttp_consume_end_duration_seconds_bucket{le="32.768"} 44
ttp_consume_end_duration_seconds_bucket{le="+Inf"} 45
ttp_consume_end_duration_seconds_sum 100
ttp_consume_end_duration_seconds_count 45
# TYPE ttp_engine_audit_mismatches_total counter
ttp_engine_audit_mismatches_total 1
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 5e+07
# TYPE go_goroutines gauge
go_goroutines 50
# TYPE process_open_fds gauge
process_open_fds 31
`

func newWorker(t *testing.T, behaviour string) *Worker {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	admin := l.Addr().String()
	_ = l.Close()
	w := New(7, admin, filepath.Join(t.TempDir(), "log"), []string{role + "=" + behaviour, "FLEET_TEST_ADMIN=" + admin}, os.Args[0])
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Kill() })
	return w
}

// eventually waits for something that must come.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waiting for %s", what)
		}
	}
}

func TestFiguresAreKeptWhenAProcessEnds(t *testing.T) {
	w := newWorker(t, "well")
	eventually(t, "the worker to be ready", func() bool { return w.Ready(t.Context()) })
	w.probe(t.Context())
	want := Figures{Committed: 40, Aborted: 3, Unknown: 2, Rebuilds: 5, LongEnds: 1, Mismatches: 1, RSS: 5e7, Goroutines: 50, Files: 31}
	if got := w.Figures(); got != want {
		t.Errorf("Figures = %+v, want %+v", got, want)
	}
	if took, err := w.Stop(); err != nil || took > stopLimit {
		t.Errorf("Stop = %s, %v", took, err)
	}
	want.RSS, want.Goroutines, want.Files = 0, 0, 0
	if got := w.Figures(); got != want {
		t.Errorf("Figures after the end = %+v, want %+v", got, want)
	}
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the worker to be ready again", func() bool { return w.Ready(t.Context()) })
	w.probe(t.Context())
	if got := w.Figures(); got.Committed != 80 || got.RSS != 5e7 {
		t.Errorf("Figures of two processes = %+v, want 80 committed and the memory of one", got)
	}
	if len(w.Exits())+len(w.Hung()) > 0 || w.Unread() != "" {
		t.Errorf("a worker that is well: exits %v, hung %v, unread %q", w.Exits(), w.Hung(), w.Unread())
	}
}

func TestAMetricThatIsMissingIsToldOf(t *testing.T) {
	_, err := parse(strings.ReplaceAll(metrics, rebuilds, "another"))
	if err == nil || !strings.Contains(err.Error(), rebuilds) {
		t.Errorf("parse = %v, want an error that names %s", err, rebuilds)
	}
}

func TestAWorkerThatEndsByItselfIsStartedAgain(t *testing.T) {
	w := newWorker(t, "brief")
	eventually(t, "two ends", func() bool { return len(w.Exits()) >= 2 })
	if got, want := w.Exits()[0], "worker 7: exit status 1: worker: fenced"; got != want {
		t.Errorf("Exits()[0] = %q, want %q", got, want)
	}
	if err := w.Kill(); err != nil {
		t.Fatal(err)
	}
	ends := len(w.Exits())
	time.Sleep(2 * restartDelay)
	if w.PID() != 0 || len(w.Exits()) != ends {
		t.Errorf("after Kill: process %d, %d ends more", w.PID(), len(w.Exits())-ends)
	}
}

func TestAWorkerThatIsNotLiveIsHung(t *testing.T) {
	w := newWorker(t, "stuck")
	eventually(t, "the worker to be ready", func() bool { return w.Ready(t.Context()) })
	w.probe(t.Context())
	if hung := w.Hung(); len(hung) != 1 || !strings.Contains(hung[0], "has not turned") {
		t.Errorf("Hung = %q, want what /livez says", hung)
	}
}

// A worker that the suite itself has stopped is not hung, and dies even so.
func TestAPausedWorkerIsNotHung(t *testing.T) {
	w := newWorker(t, "well")
	w.http.Timeout = 50 * time.Millisecond
	eventually(t, "the worker to be ready", func() bool { return w.Ready(t.Context()) })
	if err := w.Pause(); err != nil {
		t.Skip(err)
	}
	for range lateProbes + 1 {
		w.probe(t.Context())
	}
	if len(w.Hung()) > 0 {
		t.Errorf("Hung = %q of a paused worker", w.Hung())
	}
	if err := w.Resume(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the worker to be ready again", func() bool { return w.Ready(t.Context()) })
	if err := w.signal(w.process, pauseSignal); err != nil { // behind its back
		t.Fatal(err)
	}
	eventually(t, "a hang", func() bool { w.probe(t.Context()); return len(w.Hung()) > 0 })
	if err := w.Kill(); err != nil || w.PID() != 0 {
		t.Errorf("Kill = %v, process %d", err, w.PID())
	}
}

func TestOwnerKnowsWhoseConnectionItIs(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	port := conn.LocalAddr().(*net.TCPAddr).Port //nolint:forcetypeassert // of a TCP connection
	if _, err := os.Stat("/proc/net/tcp"); err != nil {
		t.Skip("this system does not say whose a connection is")
	}
	other := newWorker(t, "well")
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	mine := &Worker{ID: 3, process: self}
	if got := Owner([]*Worker{other, mine}, port); got != 3 {
		t.Errorf("Owner = %d, want 3", got)
	}
	if got := Owner([]*Worker{other}, port); got != -1 {
		t.Errorf("Owner among others = %d, want -1", got)
	}
}
