package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sort"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// AdminConfig is about the admin server.
type AdminConfig struct {
	Listen string `yaml:"listen" env:"LISTEN"` // host:port; port 0 = a free one; "" = no server
}

// DefaultAdminConfig listens on loopback only: the admin server has no authentication.
func DefaultAdminConfig() AdminConfig { return AdminConfig{Listen: "127.0.0.1:8080"} }

// Validate reports an address that is none.
func (c AdminConfig) Validate() error {
	if c.Listen == "" {
		return nil
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("admin.listen %q is not host:port: %w", c.Listen, err)
	}
	return nil
}

// Checks are what a probe asks, by name: nil is well, an error says what is not.
type Checks map[string]func() error

// An Admin server answers /livez, /readyz and /metrics.
type Admin struct {
	listener net.Listener
	server   *http.Server
	log      *slog.Logger
}

// NewAdmin opens the listener, so that a port in use is an error at start. Run serves.
func NewAdmin(cfg AdminConfig, live, ready Checks, reg prometheus.Gatherer, log *slog.Logger) (*Admin, error) {
	mux := http.NewServeMux()
	mux.Handle("GET /livez", probe(live))
	mux.Handle("GET /readyz", probe(ready))
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	a := &Admin{server: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}, log: log}
	if cfg.Listen == "" {
		return a, nil
	}
	var err error
	if a.listener, err = (&net.ListenConfig{}).Listen(context.Background(), "tcp", cfg.Listen); err != nil {
		return nil, fmt.Errorf("opening the admin server (admin.listen): %w", err)
	}
	return a, nil
}

// Addr is where the server listens, host:port; "" if it does not.
func (a *Admin) Addr() string {
	if a.listener == nil {
		return ""
	}
	return a.listener.Addr().String()
}

// Run serves until ctx ends.
func (a *Admin) Run(ctx context.Context) error {
	if a.listener == nil {
		<-ctx.Done()
		return nil
	}
	a.log.Info("admin server listens", "addr", a.Addr())
	stopped := make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // ends when ctx does, or Serve has failed
		defer close(stopped)
		<-ctx.Done()
		grace, done := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer done()
		if a.server.Shutdown(grace) != nil {
			_ = a.server.Close()
		}
	}()
	err := a.server.Serve(a.listener)
	cancel()
	<-stopped
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the admin port: %w", err)
	}
	return nil
}

// probe answers 200 "ok" or 503 with one line per check that does not hold.
func probe(checks Checks) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		var faults []string
		for name, check := range checks {
			if err := check(); err != nil {
				faults = append(faults, name+": "+err.Error())
			}
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if len(faults) == 0 {
			_, _ = w.Write([]byte("ok\n")) // the prober hung up: nobody to tell
			return
		}
		sort.Strings(faults)
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(strings.Join(faults, "\n") + "\n"))
	})
}
