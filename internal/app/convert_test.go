package app_test

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/app"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/telemetry"
)

// unpack writes the files of an archive whose path has one of the words in it into one directory, by allowed names.
func unpack(t *testing.T, archive string, words ...string) string {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	zipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for r := tar.NewReader(zipped); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(words, func(w string) bool { return strings.Contains(h.Name, w) }) || filepath.Ext(h.Name) != ".yml" {
			continue
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(h.Name)), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// events reads the first of the events in a corpus.
func events(t *testing.T, file string, most int) []tagger.TaggerEvent {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Skipf("no corpus: %v", err)
	}
	defer func() { _ = f.Close() }()
	var all []tagger.TaggerEvent
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() && len(all) < most {
		var line struct {
			Kind    string          `json:"source_kind"`
			Payload json.RawMessage `json:"payload"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		all = append(all, tagger.TaggerEvent{SourceKind: line.Kind, SourceID: "x", Payload: line.Payload})
	}
	return all
}

// What our form can say of a public rule gives the same tags, but for version and digest.
func TestConvertedRulesTagTheSame(t *testing.T) {
	t.Parallel()
	archives, _ := filepath.Glob("../../../shared/sigma/*.tar.gz")
	if len(archives) == 0 {
		t.Skip("no public Sigma rules in ../shared/sigma")
	}
	evs := slices.Concat(
		events(t, "../../../shared/corpus/atomic_linux.jsonl", 1000), events(t, "../../../shared/corpus/http_crs_attack.jsonl", 1000))
	cfg := app.DefaultConfig()
	sigma, err := app.ReadRules(cfg, []string{unpack(t, archives[0], "/linux/process_creation/", "/web/")})
	if err != nil || sigma.Faults != nil {
		t.Fatal(err, sigma.Faults)
	}
	dir := t.TempDir()
	parser, _ := app.NewParser(cfg)
	converted := slices.DeleteFunc(slices.Clone(sigma.Rules), func(r *rule.Rule) bool {
		data, err := parser.Convert(r)
		if err != nil {
			return true
		}
		if err := os.WriteFile(filepath.Join(dir, strings.ReplaceAll(r.ID, "-", "_")+".yaml"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		return false
	})
	ours, err := app.ReadRules(cfg, []string{dir})
	if err != nil || ours.Faults != nil || len(ours.Rules) != len(converted) {
		t.Fatalf("%d rules of %d read again: %v, %v", len(ours.Rules), len(converted), err, ours.Faults)
	}
	a, b := planOf(converted), planOf(ours.Rules)
	tags := 0
	for i := range evs {
		want, got := tagsOf(t, a, &evs[i]), tagsOf(t, b, &evs[i])
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("tags of %s (-Sigma +ours):\n%s", evs[i].Payload, diff)
		}
		tags += len(want)
	}
	if t.Logf("%d rules, %d events, %d tags", len(converted), len(evs), tags); tags == 0 {
		t.Error("no tag at all: nothing was compared")
	}
}

func planOf(rules []*rule.Rule) *pipeline.Plan {
	monitor := tagger.NewMonitor(telemetry.NewLogger(io.Discard, telemetry.DefaultLogConfig()), prometheus.NewRegistry())
	return pipeline.NewPlan(rules, func(string) tagger.Standing { return tagger.DefaultStanding() }, monitor)
}

// tagsOf are the tags of an event without what a conversion changes.
func tagsOf(t *testing.T, plan *pipeline.Plan, ev *tagger.TaggerEvent) []tagger.Tag {
	t.Helper()
	tags, err := plan.AppendTags(nil, ev)
	if err != nil {
		t.Fatal(err)
	}
	for i := range tags {
		tags[i].RuleVersion, tags[i].RuleDigest = nil, ""
	}
	return tags
}
