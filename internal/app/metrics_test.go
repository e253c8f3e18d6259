package app_test

import (
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.uber.org/fx"

	"ttpworker/internal/app"
	"ttpworker/internal/kafkatest"
)

var update = flag.Bool("update", false, "write the table of docs/metrics.md")

// A recorder notes what is registered, series or not.
type recorder struct {
	prometheus.Registerer

	mu   sync.Mutex
	rows map[string]row // by name
}

// A row is one of the table.
type row struct{ kind, labels, help string }

func (r *recorder) Register(c prometheus.Collector) error {
	r.note(c)
	return r.Registerer.Register(c)
}

func (r *recorder) MustRegister(cs ...prometheus.Collector) {
	for _, c := range cs {
		r.note(c)
	}
	r.Registerer.MustRegister(cs...)
}

// description is what a Desc says of itself.
var description = regexp.MustCompile(`^Desc\{fqName: "(.*?)", help: "(.*)", unit: ".*", constLabels: \{.*\}, variableLabels: \{(.*)\}\}$`)

func (r *recorder) note(c prometheus.Collector) {
	descs := make(chan *prometheus.Desc)
	go func() { // ends with the description
		defer close(descs)
		c.Describe(descs)
	}()
	r.mu.Lock()
	defer r.mu.Unlock()
	for d := range descs {
		m := description.FindStringSubmatch(d.String())
		if m == nil {
			panic("a Desc that is not understood: " + d.String())
		}
		labels := strings.Split(m[3], ",")
		slices.Sort(labels)
		r.rows[m[1]] = row{kind: kindOf(c, m[1]), labels: strings.Join(labels, ", "), help: strings.ReplaceAll(m[2], `\"`, `"`)}
	}
}

func kindOf(c prometheus.Collector, name string) string {
	switch c := c.(type) {
	case *prometheus.CounterVec:
		return "counter"
	case *prometheus.GaugeVec:
		return "gauge"
	case *prometheus.HistogramVec:
		return "histogram"
	case prometheus.Metric:
		var m dto.Metric
		if err := c.Write(&m); err != nil {
			panic(err)
		}
		switch {
		case m.Counter != nil:
			return "counter"
		case m.Histogram != nil:
			return "histogram"
		}
		return "gauge"
	}
	if strings.HasSuffix(name, "_total") { // a collector of our own: those make nothing but counters and gauges
		return "counter"
	}
	return "gauge"
}

// registered returns every metric of a worker that was put together and not started, and what a scrape gives then.
func registered(t *testing.T) (rows map[string]row, scraped map[string]*dto.MetricFamily) {
	t.Helper()
	c := kafkatest.Start(t)
	cfg := quickConfig(t, c)
	cfg.Admin.Listen = ""
	log := slog.New(slog.DiscardHandler)
	conn, err := app.Connect(t.Context(), cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	rec := &recorder{rows: map[string]row{}}
	var gatherer prometheus.Gatherer
	graph := fx.New(app.Options(cfg, conn, log, nil), fx.Populate(&gatherer), fx.Decorate(func(reg prometheus.Registerer) prometheus.Registerer {
		rec.Registerer = reg
		return rec
	}))
	if err := graph.Err(); err != nil {
		t.Fatal(err)
	}
	families, err := gatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	scraped = map[string]*dto.MetricFamily{}
	for _, f := range families {
		scraped[f.GetName()] = f
	}
	if len(rec.rows) == 0 {
		t.Fatal("no metric is registered")
	}
	return rec.rows, scraped
}

const metricsFile, tableBegin, tableEnd = "../../docs/metrics.md", "<!-- metrics: written by make golden -->\n", "<!-- end of metrics -->"

// The table has every metric that is registered and no other, each as the code describes it.
func TestTheTableOfMetricsIsThatOfTheCode(t *testing.T) {
	t.Parallel()
	rows, _ := registered(t)
	var table strings.Builder
	table.WriteString("| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n")
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		r := rows[name]
		labels := ""
		if r.labels != "" {
			labels = "`" + strings.ReplaceAll(r.labels, ", ", "`, `") + "`"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", name, r.kind, labels, r.help)
	}
	data, err := os.ReadFile(metricsFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(data), tableBegin)
	got, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no place for the table", metricsFile)
	}
	if *update {
		if err := os.WriteFile(metricsFile, []byte(before+tableBegin+table.String()+tableEnd+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(table.String(), got); diff != "" {
		t.Errorf("table of %s; make golden writes it (-registered +documented):\n%s", metricsFile, diff)
	}
}
