package app_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"gopkg.in/yaml.v3" //nolint:depguard // the test must see the file as Prometheus does
)

// alerts are the rules for Prometheus, and what else there is of them.
type alerts struct {
	Groups []struct {
		Rules []struct {
			Alert       string
			Expr        string
			Labels      map[string]string
			Annotations map[string]string
		}
	}
}

type alertTests struct {
	Tests []struct {
		Alerts []struct {
			Name  string `yaml:"alertname"`
			Fires []any  `yaml:"exp_alerts"`
		} `yaml:"alert_rule_test"`
	}
}

// read decodes a YAML file.
func read(t *testing.T, file string, into any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func readAlerts(t *testing.T) alerts {
	t.Helper()
	var a alerts
	read(t, "../../deploy/prometheus/alerts.yml", &a)
	if len(a.Groups) == 0 {
		t.Fatal("no alerts")
	}
	return a
}

var (
	selector = regexp.MustCompile(`\b((?:ttp|go|process)_[a-z0-9_]+)(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`([a-z_]+)(=~|=)"([^"]*)"`)
)

// A rule over a metric that was renamed, or over a label value that does not exist, never fires, and nobody notices.
func TestAlertsAreOverMetricsThatExist(t *testing.T) {
	t.Parallel()
	rows, scraped := registered(t)
	for _, g := range readAlerts(t).Groups {
		for _, r := range g.Rules {
			metrics := selector.FindAllStringSubmatch(r.Expr, -1)
			if len(metrics) == 0 && !strings.HasPrefix(r.Expr, "up{") {
				t.Errorf("%s is over no metric of the worker: %s", r.Alert, r.Expr)
			}
			for _, m := range metrics {
				name := m[1]
				if base, bucket := strings.CutSuffix(name, "_bucket"); bucket && rows[base].kind == "histogram" {
					name = base
				}
				if _, ours := rows[name]; !ours && scraped[name] == nil {
					t.Errorf("%s: no metric %s", r.Alert, m[1])
				}
				for _, label := range matcher.FindAllStringSubmatch(m[2], -1) {
					for value := range strings.SplitSeq(label[3], "|") {
						if label[1] != "job" && !hasSeries(scraped[name], label[1], value) {
							t.Errorf("%s: %s has no series with %s=%q", r.Alert, name, label[1], value)
						}
					}
				}
			}
		}
	}
}

// hasSeries: known label values exist from the start.
func hasSeries(f *dto.MetricFamily, label, value string) bool {
	for _, m := range f.GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetName() == label && l.GetValue() == value {
				return true
			}
		}
	}
	return false
}

func TestEveryAlertSaysWhatToDoAndIsTestedBothWays(t *testing.T) {
	t.Parallel()
	runbook, err := os.ReadFile("../../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	var tests alertTests
	read(t, "../../deploy/prometheus/alerts_test.yml", &tests)
	tested := map[string]map[bool]bool{}
	for _, test := range tests.Tests {
		for _, a := range test.Alerts {
			if tested[a.Name] == nil {
				tested[a.Name] = map[bool]bool{}
			}
			tested[a.Name][len(a.Fires) > 0] = true
		}
	}
	sections := regexp.MustCompile(`(?m)^### (TTP\w+)$`).FindAllStringSubmatch(string(runbook), -1)
	unknown := map[string]bool{}
	for _, s := range sections {
		unknown[s[1]] = true
	}
	for _, g := range readAlerts(t).Groups {
		for _, r := range g.Rules {
			if !unknown[r.Alert] {
				t.Errorf("docs/alerts.md has no section ### %s, or two", r.Alert)
			}
			delete(unknown, r.Alert)
			if want := "docs/alerts.md#" + strings.ToLower(r.Alert); r.Annotations["runbook"] != want {
				t.Errorf("%s: runbook = %q, want %q", r.Alert, r.Annotations["runbook"], want)
			}
			if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%s has no summary or no description", r.Alert)
			}
			if s := r.Labels["severity"]; s != "page" && s != "warning" && s != "info" {
				t.Errorf("%s: severity = %q, want page, warning or info", r.Alert, s)
			}
			for fires, what := range map[bool]string{true: "in which it fires", false: "in which it does not"} {
				if !tested[r.Alert][fires] {
					t.Errorf("alerts_test.yml has no case of %s %s", r.Alert, what)
				}
			}
		}
	}
	for name := range unknown {
		t.Errorf("docs/alerts.md tells of %s, which is no alert", name)
	}
}
