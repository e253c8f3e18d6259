package registry

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
	"go.uber.org/goleak"

	"ttpworker/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A fake is a registry of a test, with faults.
type fake struct {
	*srfake.Registry
	fault atomic.Pointer[srfake.Interceptor] // nil = none
	asked atomic.Int64                       // requests
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{Registry: srfake.New()}
	t.Cleanup(f.Close)
	f.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		f.asked.Add(1)
		if fault := f.fault.Load(); fault != nil {
			return (*fault)(w, req)
		}
		return false
	})
	return f
}

// fail has every request answered by fault, nil = by the registry.
func (f *fake) fail(fault srfake.Interceptor) {
	if fault == nil {
		f.fault.Store(nil)
		return
	}
	f.fault.Store(&fault)
}

// reply answers every request so.
func reply(status int, body string) srfake.Interceptor {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
		return true
	}
}

// hang answers no request, until the client has gone away.
func hang(_ http.ResponseWriter, req *http.Request) bool {
	<-req.Context().Done()
	return true
}

// register puts a schema into a subject and returns its id.
func (f *fake) register(t *testing.T, subject, text string) uint32 {
	t.Helper()
	id, _, err := f.RegisterSchema(subject, sr.Schema{Schema: text})
	if err != nil {
		t.Fatal(err)
	}
	return uint32(id) //nolint:gosec // ids count from 1
}

func quickConfig(urls ...string) Config {
	cfg := DefaultConfig()
	cfg.URLs, cfg.Timeout = urls, 20*time.Second
	return cfg
}

func newClient(t *testing.T, cfg Config) (*Client, *prometheus.Registry) {
	t.Helper()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	reg := prometheus.NewRegistry()
	c, err := NewClient(cfg, NewMetrics(reg))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, reg
}

// A rig is a resolver that runs, with its decoder.
type rig struct {
	*Resolver
	decoder *wire.Decoder
	reg     *prometheus.Registry
}

func newRig(t *testing.T, wait time.Duration, cfg Config) *rig {
	t.Helper()
	c, reg := newClient(t, cfg)
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{NewResolver(c, dec, []string{"in-value", "other-value"}, wait, slog.New(slog.DiscardHandler), c.metrics), dec, reg}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
	return r
}

// seek asks and waits for an answer; given up, it returns why.
func (r *rig) seek(t *testing.T, ref wire.SchemaRef) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := r.Await(ctx, ref)
	if ctx.Err() != nil {
		t.Fatalf("Await(%v) = %v, want an answer", ref, err)
	}
	return err
}

// waits fails the test if there is an answer within a while.
func (r *rig) waits(t *testing.T, ref wire.SchemaRef) {
	t.Helper()
	done, err := r.Seek(ref)
	if done == nil {
		t.Fatalf("Seek(%v) gave up: %v", ref, err)
	}
	select {
	case <-done:
		t.Fatalf("Seek(%v) has an answer, want it to wait", ref)
	case <-time.After(700 * time.Millisecond):
	}
}

// value is the value of a metric with one label at the most.
func value(t *testing.T, reg prometheus.Gatherer, name, label string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && (label == "" || m.GetLabel()[0].GetValue() == label) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("no metric %s %s", name, label)
	return 0
}
