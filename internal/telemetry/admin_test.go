package telemetry_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/telemetry"
)

// An admin is a server that runs.
type admin struct {
	*telemetry.Admin
	stop func() error // ends it and returns what Run returned
}

func start(t *testing.T, live, ready telemetry.Checks, reg prometheus.Gatherer) *admin {
	t.Helper()
	a, err := telemetry.NewAdmin(telemetry.AdminConfig{Listen: "127.0.0.1:0"}, live, ready, reg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("NewAdmin = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	r := &admin{Admin: a, stop: sync.OnceValue(func() error {
		cancel()
		return <-done
	})}
	t.Cleanup(func() { _ = r.stop() })
	return r
}

type answer struct {
	status      int
	contentType string
	body        string
}

func (a *admin) ask(t *testing.T, method, path string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+a.Addr()+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true // leaves no idle connection behind
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header.Get("Content-Type"), string(body)}
}

func TestAdminConfigValidate(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]bool{
		telemetry.DefaultAdminConfig().Listen: true, "": true, ":8080": true, "[::1]:0": true, "8080": false, "localhost": false,
	} {
		err := telemetry.AdminConfig{Listen: listen}.Validate()
		if (err == nil) != want {
			t.Errorf("Validate of %q = %v, want valid %v", listen, err, want)
		}
		if err != nil && !strings.Contains(err.Error(), "admin.listen") {
			t.Errorf("Validate of %q = %v, want the key in it", listen, err)
		}
	}
}

func TestTheDefaultListensOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	host, _, err := net.SplitHostPort(telemetry.DefaultAdminConfig().Listen)
	if err != nil || !net.ParseIP(host).IsLoopback() {
		t.Errorf("default address = %s, want loopback: the server has no authentication", telemetry.DefaultAdminConfig().Listen)
	}
}

func TestProbesSayWhatIsNotWell(t *testing.T) {
	t.Parallel()
	var states, group atomic.Bool
	check := func(ok *atomic.Bool, otherwise string) func() error {
		return func() error {
			if ok.Load() {
				return nil
			}
			return errors.New(otherwise)
		}
	}
	a := start(t, telemetry.Checks{"loop": func() error { return nil }},
		telemetry.Checks{"states": check(&states, "not read yet"), "group": check(&group, "not joined yet")}, prometheus.NewRegistry())
	const plain = "text/plain; charset=utf-8"
	want := func(method, path string, want answer) {
		t.Helper()
		if got := a.ask(t, method, path); got != want {
			t.Errorf("%s %s = %+v, want %+v", method, path, got, want)
		}
	}
	want(http.MethodGet, "/livez", answer{200, plain, "ok\n"})
	want(http.MethodGet, "/readyz", answer{503, plain, "group: not joined yet\nstates: not read yet\n"})
	group.Store(true)
	want(http.MethodGet, "/readyz", answer{503, plain, "states: not read yet\n"})
	states.Store(true)
	want(http.MethodGet, "/readyz", answer{200, plain, "ok\n"})
	want(http.MethodHead, "/readyz", answer{200, plain, ""})
	group.Store(false)
	want(http.MethodGet, "/readyz", answer{503, plain, "group: not joined yet\n"})
	if got := a.ask(t, http.MethodPost, "/readyz").status; got != http.StatusMethodNotAllowed {
		t.Errorf("POST /readyz = %d, want 405", got)
	}
	if got := a.ask(t, http.MethodGet, "/debug/pprof/").status; got != http.StatusNotFound {
		t.Errorf("GET /debug/pprof/ = %d, want 404", got)
	}
}

func TestMetricsAreThoseOfTheRegistry(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "ttp_test_total", Help: "A test."})
	reg.MustRegister(c)
	c.Add(3)
	got := start(t, nil, nil, reg).ask(t, http.MethodGet, "/metrics")
	if got.status != http.StatusOK || !strings.Contains(got.body, "\nttp_test_total 3\n") {
		t.Errorf("/metrics = %+v, want ttp_test_total 3", got)
	}
}

func TestAPortInUseIsAnErrorAtStart(t *testing.T) {
	t.Parallel()
	first := start(t, nil, nil, prometheus.NewRegistry())
	cfg := telemetry.AdminConfig{Listen: first.Addr()}
	_, err := telemetry.NewAdmin(cfg, nil, nil, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err == nil || !strings.HasPrefix(err.Error(), "opening the admin server (admin.listen): ") ||
		!strings.Contains(err.Error(), first.Addr()) || !strings.Contains(err.Error(), "in use") {
		t.Errorf("NewAdmin = %v, want a port in use, its address and admin.listen", err)
	}
}

func TestRunEndsWithItsContextAndFreesThePort(t *testing.T) {
	t.Parallel()
	a := start(t, nil, nil, prometheus.NewRegistry())
	a.ask(t, http.MethodGet, "/livez")
	// A prober that keeps its connection and sends nothing must not hold the stop up.
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", a.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	began := time.Now()
	if err := a.stop(); err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("stopping took %s, want about a second at most", took)
	}
	again, err := telemetry.NewAdmin(telemetry.AdminConfig{Listen: a.Addr()}, nil, nil, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("NewAdmin on the port of a stopped server = %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := again.Run(ended); err != nil {
		t.Errorf("Run with an ended context = %v, want nil", err)
	}
	if conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", a.Addr()); err == nil {
		_ = conn.Close()
		t.Error("the port is open after Run")
	}
}

func TestWithoutAnAddressThereIsNoServer(t *testing.T) {
	t.Parallel()
	a, err := telemetry.NewAdmin(telemetry.AdminConfig{}, nil, nil, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err != nil || a.Addr() != "" {
		t.Fatalf("NewAdmin = %v, address %q, want none", err, a.Addr())
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	select {
	case err := <-done:
		t.Fatalf("Run = %v before its context ended", err)
	case <-time.After(20 * time.Millisecond):
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
}
