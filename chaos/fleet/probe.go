package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

const (
	probeEvery   = 500 * time.Millisecond
	probeTimeout = 5 * time.Second
	// lateProbes without an answer, one after the other, of a process that is not paused, are a hang.
	lateProbes = 4
	// longEnd is the bound of a bucket of ttp_consume_end_duration_seconds that no end of a transaction may be above,
	// if end_timeout is well below it.
	longEnd = 32.768
)

// Figures are what a worker's metrics say. Those of processes that were killed are as of up to half a second before.
type Figures struct {
	Committed, Aborted, Unknown float64 // transactions
	Rebuilds                    float64 // of sessions
	LongEnds                    float64 // ends of transactions that took longer than longEnd
	Mismatches                  float64 // of the index and the plain scan, found by the worker's own audit

	RSS, Goroutines, Files float64 // as they are
}

func (f *Figures) add(o Figures) {
	f.Committed += o.Committed
	f.Aborted += o.Aborted
	f.Unknown += o.Unknown
	f.Rebuilds += o.Rebuilds
	f.LongEnds += o.LongEnds
	f.Mismatches += o.Mismatches
}

func (w *Worker) lastFigures() Figures {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// Unread says why the metrics could not be read; "" if they could.
func (w *Worker) Unread() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.unread
}

// Run probes the worker until ctx ends; its error is always nil.
func (w *Worker) Run(ctx context.Context) error {
	ticker := time.NewTicker(probeEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			w.probe(ctx)
		case <-ctx.Done():
			return nil
		}
	}
}

// Figures are those of all processes so far; what is as it is, of the one that runs.
func (w *Worker) Figures() Figures {
	w.mu.Lock()
	defer w.mu.Unlock()
	sum := w.now
	sum.add(w.past)
	return sum
}

// Ready reports whether the process says that it is.
func (w *Worker) Ready(ctx context.Context) bool {
	status, _, err := w.get(ctx, "/readyz")
	return err == nil && status == http.StatusOK
}

func (w *Worker) probe(ctx context.Context) {
	asked := time.Now()
	pid := w.PID()
	status, body, err := w.get(ctx, "/livez")
	w.mu.Lock()
	same := w.process != nil && w.process.Pid == pid && w.paused.IsZero() && w.awake.Before(asked)
	if ctx.Err() != nil || !same {
		w.late = 0
		w.mu.Unlock()
		return
	}
	w.judge(status, body, err)
	w.mu.Unlock()
	if err != nil {
		return
	}
	figures, err := w.scrape(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.process == nil || w.process.Pid != pid:
	case err == nil:
		w.now = figures
	default:
		w.unread = err.Error()
	}
}

// judge notes what hangs. mu is held.
func (w *Worker) judge(status int, body string, err error) {
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		if w.late++; w.late == lateProbes {
			w.hung = append(w.hung, fmt.Sprintf("worker %d: /livez gave no answer %d times", w.ID, lateProbes))
		}
		return
	}
	w.late = 0
	if err == nil && status != http.StatusOK {
		w.hung = append(w.hung, fmt.Sprintf("worker %d: /livez: %s", w.ID, strings.TrimSpace(body)))
	}
}

// maxBody bounds an answer, in bytes.
const maxBody = 1 << 20

func (w *Worker) get(ctx context.Context, path string) (status int, body string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.Admin+path, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	resp, err := w.http.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	return resp.StatusCode, string(text), err
}

func (w *Worker) scrape(ctx context.Context) (Figures, error) {
	_, body, err := w.get(ctx, "/metrics")
	if err != nil {
		return w.lastFigures(), nil //nolint:nilerr // it has just ended, or is slow: as far as is known
	}
	return parse(body)
}

// The metrics that are read.
const (
	transactions = "ttp_consume_transactions_total"
	rebuilds     = "ttp_consume_session_rebuilds_total"
	ends         = "ttp_consume_end_duration_seconds"
	mismatches   = "ttp_engine_audit_mismatches_total"
	memory       = "process_resident_memory_bytes"
	goroutines   = "go_goroutines"
	files        = "process_open_fds"
)

var names = []string{transactions, rebuilds, ends, mismatches, memory, goroutines, files}

// parse reads the figures from metrics.
func parse(body string) (Figures, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		return Figures{}, fmt.Errorf("reading metrics: %w", err)
	}
	for _, name := range names {
		if families[name] == nil {
			return Figures{}, fmt.Errorf("reading metrics: the worker has none of the name %s", name)
		}
	}
	f := Figures{
		Rebuilds: sum(families[rebuilds], ""), Mismatches: sum(families[mismatches], ""),
		RSS: sum(families[memory], ""), Goroutines: sum(families[goroutines], ""), Files: sum(families[files], ""),
		LongEnds: above(families[ends], longEnd),
	}
	t := families[transactions]
	f.Committed, f.Aborted, f.Unknown = sum(t, "committed"), sum(t, "aborted"), sum(t, "unknown")
	return f, nil
}

// sum adds up a family, or what of it has this value of some label.
func sum(f *dto.MetricFamily, label string) (s float64) {
	for _, m := range f.GetMetric() {
		if label != "" && (len(m.GetLabel()) == 0 || m.GetLabel()[0].GetValue() != label) {
			continue
		}
		s += m.GetCounter().GetValue() + m.GetGauge().GetValue()
	}
	return s
}

// above counts the observations above the bound of a bucket.
func above(f *dto.MetricFamily, bound float64) (n float64) {
	for _, m := range f.GetMetric() {
		h := m.GetHistogram()
		for _, b := range h.GetBucket() {
			if b.GetUpperBound() == bound {
				n += float64(h.GetSampleCount() - b.GetCumulativeCount())
			}
		}
	}
	return n
}

// last is the last line of a text that is not empty.
func last(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// Lines calls take for every line of the worker's log.
func (w *Worker) Lines(take func(line string)) error {
	text, err := os.ReadFile(w.logFile)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		take(strings.TrimSuffix(line, "\n"))
	}
	return nil
}
