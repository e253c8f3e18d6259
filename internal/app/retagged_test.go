package app_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/app"
	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/produce"
	"ttpworker/internal/retag"
	"ttpworker/internal/tagger"
	"ttpworker/internal/verify"
	"ttpworker/internal/wire"
)

// allHistory is a retag of everything, whatever live workers are under.
func allHistory(dry bool) app.Retag {
	return app.Retag{From: kafka.Earliest, To: kafka.Now, DryRun: dry, Memory: 1 << 20}
}

// retagHistory does a retag, which must come to its end soon.
func retagHistory(t *testing.T, cfg app.Config, r app.Retag) retag.Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), kafkatest.Patience)
	defer cancel()
	out, err := app.RetagHistory(ctx, cfg, slog.New(slog.DiscardHandler), r)
	if err != nil {
		t.Fatalf("RetagHistory = %+v, %v", out.Report, err)
	}
	return out.Report
}

// edit gives R1 another version, which matches a pattern.
func edit(t *testing.T, cfg app.Config, version int, pattern string) {
	t.Helper()
	text := fmt.Sprintf("rule_id: R1\nrule_version: %d\nname: n\napplies_to: [command]\nmatch: {pattern: '%s'}\n"+
		"emits: [{tactic: TA0006, technique_id: T1003, confidence: 0.5}]\n", version, pattern)
	if err := os.WriteFile(filepath.Join(cfg.RuleStore.Dir, "R1.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A past is a topic of events and the tags of it.
type past struct {
	*kafkatest.Cluster

	cfg app.Config
	dec *wire.Decoder // reads both
}

// tagLine says all of a tag that is not about when it was written.
func tagLine(t *testing.T, topic, source string, tag *tagger.Tag) string {
	t.Helper()
	text, err := wire.AppendTagJSON(nil, tag)
	if err != nil {
		t.Fatal(err)
	}
	return topic + " of " + source + ": " + string(text)
}

// view is what a reader of committed records sees of the tags, by partition and key.
func (p *past) view(t *testing.T) map[string]string {
	t.Helper()
	p.Settle(t, p.cfg.Topics.Tags.Name, p.cfg.Topics.Shadow.Name)
	seen := map[string]string{}
	for _, topic := range []string{p.cfg.Topics.Tags.Name, p.cfg.Topics.Shadow.Name} {
		latest := map[string]*kgo.Record{}
		for _, r := range p.ReadAll(t, topic) {
			latest[fmt.Sprintf("%d/%s", r.Partition, r.Key)] = r
		}
		for key, r := range latest {
			if r.Value == nil {
				continue
			}
			tag, _, err := p.dec.Tag(r.Value)
			if err != nil {
				t.Fatal(err)
			}
			if seen[key] != "" {
				t.Errorf("tag %s is in both topics", key)
			}
			seen[key] = tagLine(t, topic, header(r, produce.HeaderSource), &tag)
		}
	}
	return seen
}

// plan is that of the rules as they are.
func (p *past) plan(t *testing.T) *pipeline.Plan {
	t.Helper()
	rules, err := app.LoadRules(p.cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	return planOf(rules)
}

// scratch is what the rules of now give for all events, but for those at places that nobody can read.
func (p *past) scratch(t *testing.T, but map[string]bool) map[string]string {
	t.Helper()
	plan, want := p.plan(t), map[string]string{}
	for _, r := range p.ReadAll(t, p.cfg.Topics.Events.Name) {
		at := place(r)
		ev, _, err := p.dec.Event(r.Value, r.Timestamp)
		if err != nil || but[at] {
			continue
		}
		tags, err := plan.AppendTags(nil, &ev)
		if err != nil {
			t.Fatal(err)
		}
		for i := range tags {
			want[fmt.Sprintf("%d/%s", r.Partition, tags[i].ID)] = tagLine(t, p.cfg.Topics.Tags.Name, at, &tags[i])
		}
	}
	return want
}

func place(r *kgo.Record) string { return fmt.Sprintf("%s/%d/%d", r.Topic, r.Partition, r.Offset) }

// plant writes a tag of an event by hand, as R1 would give it, whatever the event is.
func (p *past) plant(t *testing.T, partition int32, offset int64, ev tagger.TaggerEvent, state tagger.State) (key, line string) {
	t.Helper()
	enc, err := wire.NewEncoder(wire.SingleObject)
	if err != nil {
		t.Fatal(err)
	}
	emit := tagger.Emit{Tactic: "TA0006", TechniqueID: "T1003", Confidence: 0.25}
	tag := tagger.Tag{
		ID: tagger.TagID(&ev, "R1", &emit), SourceKind: ev.SourceKind, SourceID: ev.SourceID, SessionID: ev.SessionID, Tactic: emit.Tactic,
		TechniqueID: emit.TechniqueID, Confidence: 0.25, ConfidenceBase: 0.25, RuleID: "R1", RuleDigest: strings.Repeat("0", 64), RuleState: state,
		Evidence: []byte("{}"), AttackRelease: "19.1",
	}
	at := fmt.Sprintf("%s/%d/%d", p.cfg.Topics.Events.Name, partition, offset)
	out := produce.Outputs{Encoder: enc, Tags: p.cfg.Topics.Tags.Name, Shadow: p.cfg.Topics.Shadow.Name}
	r, err := out.TagRecord(&tag, produce.Source{Partition: partition, Position: at, Plan: strings.Repeat("0", 64)}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	p.Write(t, r.ToClient())
	read, _, err := p.dec.Tag(r.Value)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d/%s", partition, r.Key), tagLine(t, r.Topic, at, &read)
}

// tagged runs a worker until the group has committed these positions.
func (p *past) tagged(t *testing.T, want map[int32]int64) {
	t.Helper()
	w := startWorker(t, p.cfg, slog.New(slog.DiscardHandler))
	w.ready(t)
	kafkatest.Eventually(t, fmt.Sprintf("the group to have committed %v", want), func() bool {
		at := committed(t, p.Cluster, p.cfg)
		for partition, offset := range want {
			if at[partition] < offset {
				return false
			}
		}
		return true
	})
	if err := w.stop(); err != nil {
		t.Fatalf("Wait = %v", err)
	}
}

// retagIs checks a retag: a dry run that says what it would do and writes nothing, the job, which makes the topics what is
// wanted, a second one that writes nothing, and a verification that finds no difference and as many tags unknown as were
// kept. It returns the report of the job.
func (p *past) retagIs(t *testing.T, want map[string]string) retag.Report {
	t.Helper()
	before := p.view(t)
	dry := retagHistory(t, p.cfg, allHistory(true))
	if diff := cmp.Diff(before, p.view(t)); diff != "" {
		t.Errorf("tags behind a dry run (-before +after):\n%s", diff)
	}
	report := retagHistory(t, p.cfg, allHistory(false))
	if diff := cmp.Diff(dry, report, cmpopts.IgnoreFields(retag.Counts{}, "Samples")); diff != "" { // which partition comes first is chance
		t.Errorf("report (-dry run +job):\n%s", diff)
	}
	if diff := cmp.Diff(want, p.view(t)); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	again := retagHistory(t, p.cfg, allHistory(false))
	if again.Records != 0 || again.Unknown != report.Unknown || again.Kept != report.Kept {
		t.Errorf("the second retag: %+v, want no record, and as unknown %d events with %d tags", again, report.Unknown, report.Kept)
	}
	v := verified(t, p.cfg, false, all())
	if got := findings(&v); len(got) > 0 || v.Unknown[verify.Undecodable] != report.Kept || v.Events() != report.Events {
		t.Errorf("verification finds %q, %v unknown in %d events, want nothing, %d of events that cannot be read, %d",
			got, v.Unknown, v.Events(), report.Kept, report.Events)
	}
	return report
}

// explain returns what is missing for the explanation of a tag.
func (p *past) explain(t *testing.T, key string) (faults []string) {
	t.Helper()
	_, id, _ := strings.Cut(key, "/")
	a, err := app.ExplainTag(t.Context(), p.cfg, slog.New(slog.DiscardHandler), app.TagQuery{ID: uuid.MustParse(id)})
	if err != nil {
		t.Fatalf("ExplainTag(%s) = %v", id, err)
	}
	return a.Faults
}

// interrupted is what a retag ends with whose context has ended.
func interrupted(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
