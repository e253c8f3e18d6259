package produce_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ttpworker/internal/kafkatest"
	"ttpworker/internal/produce"
	"ttpworker/internal/rule"
	"ttpworker/internal/wire"
)

const archiveTopic = "ttp_rule_archive"

func archivedRule(r *rule.Rule) produce.ArchivedRule {
	return produce.ArchivedRule{
		Rule: r, Shown: filepath.Base, Semantics: 4, By: "replica-0", At: at,
	}
}

// sigmaWithFilter is a rule with everything that the archive keeps.
func sigmaWithFilter(t *testing.T) *rule.Rule {
	t.Helper()
	const sigma = "title: a\nid: S1\nlevel: high\nlogsource: {category: process_creation, product: linux}\n" +
		"detection: {a: {CommandLine|expand|contains: '%tools%'}, condition: a}\n"
	const filter = "title: f\nid: F1\nlogsource: {category: process_creation}\nfilter: {rules: any, b: {User|expand: '%users%'}, condition: not b}\n"
	lists := rule.Lists{}
	read, err := rule.ParseLists("/rules/lists/l.yaml", []byte("tools: [wget, curl]\nusers: [backup]\n"), 1000)
	for _, l := range read {
		lists[l.Name] = l
	}
	mapping, mappingErr := rule.ParseMapping("m.yaml", []byte("- logsource: {}\n  source_kind: command\n  fields: {CommandLine: command_text, User: user}\n"))
	p := rule.NewParser(rule.DefaultMaxBytes).WithMapping(mapping)
	r, _, ruleErr := p.ParseWith(lists, "/rules/s/S1.yml", []byte(sigma))
	f, _, filterErr := p.ParseWith(lists, "/rules/s/F1.yml", []byte(filter))
	for _, err := range []error{err, mappingErr, ruleErr, filterErr} {
		if err != nil {
			t.Fatal(err)
		}
	}
	rules, _ := rule.Resolve([]*rule.Rule{r, f})
	return rules[0]
}

func ownRule(t *testing.T, id, word string) *rule.Rule {
	t.Helper()
	text := fmt.Sprintf("rule_id: %s\nrule_version: 1\nname: n\napplies_to: [command]\nmatch: {pattern: '%s'}\n"+
		"emits: [{tactic: TA0006, technique_id: T1003, confidence: 0.5}]\n", id, word)
	r, err := rule.NewParser(2*rule.DefaultMaxBytes).Parse("/rules/"+id+".yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// An archiving is an archive that runs, as one replica's.
type archiving struct {
	*produce.Archive
	reg *prometheus.Registry
	log *syncBuffer
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func runArchive(t *testing.T, c *kafkatest.Cluster, by string) *archiving {
	t.Helper()
	appender, err := c.NewAppender("test")
	if err != nil {
		t.Fatal(err)
	}
	a := &archiving{reg: prometheus.NewRegistry(), log: &syncBuffer{}}
	a.Archive = produce.NewArchive(c.Cluster, appender, encoder(t, wire.SingleObject), c.Name(archiveTopic), "/rules", by,
		slog.New(slog.NewTextHandler(a.log, nil)), a.reg)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
		appender.Close()
	})
	return a
}

func (a *archiving) lacking(t *testing.T) float64 {
	t.Helper()
	return gauge(t, &replica{reg: a.reg}, "ttp_produce_archive_lacking_rules")
}

// readArchive reads the topic: the records by digest.
func readArchive(t *testing.T, c *kafkatest.Cluster) map[string]wire.RuleArchive {
	t.Helper()
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	byDigest := map[string]wire.RuleArchive{}
	for _, r := range c.ReadAll(t, c.Name(archiveTopic)) {
		w, err := dec.RuleArchive(r.Value)
		if err != nil || w.RuleDigest != string(r.Key) {
			t.Fatalf("record %s of digest %s: %v", r.Key, w.RuleDigest, err)
		}
		byDigest[w.RuleDigest] = w
	}
	return byDigest
}

func withArchive(t *testing.T, c *kafkatest.Cluster) *kafkatest.Cluster {
	t.Helper()
	c.CreateTopic(t, c.Name(archiveTopic), 1, "cleanup.policy=compact")
	return c
}

func TestTheArchiveHasWhatItTakesToMakeARuleAgain(t *testing.T) {
	t.Parallel()
	c := withArchive(t, kafkatest.Start(t))
	a := runArchive(t, c, "replica-0")
	rules := []*rule.Rule{sigmaWithFilter(t), ownRule(t, "R1", "x"), ownRule(t, "R1", "y")}
	a.Add(rules...)
	a.Wait(t.Context())
	kept := readArchive(t, c)
	for _, r := range rules {
		w, found := kept[r.Digest]
		if !found {
			t.Errorf("%s of digest %s is not in the archive", r.ID, r.Digest)
			continue
		}
		src := produce.SourceOf(&w)
		if got, err := src.Parse(); err != nil || got.Digest != r.Digest || w.RuleID != r.ID || w.ArchivedBy != "replica-0" {
			t.Errorf("record %+v gives %v, %v, want digest %s", w, got, err, r.Digest)
		}
	}
	if paths := kept[rules[0].Digest]; paths.SourcePath != "s/S1.yml" || paths.Filters[0].Path != "s/F1.yml" {
		t.Errorf("paths %s, %s, want them relative to the rule directory", paths.SourcePath, paths.Filters[0].Path)
	}
	if n := testutil.CollectAndCount(a.reg, "ttp_produce_archive_rules_total"); n != 3 {
		t.Errorf("%d outcomes, want 3", n)
	}
}

func TestADigestIsWrittenOnce(t *testing.T) {
	t.Parallel()
	c := withArchive(t, kafkatest.Start(t))
	one, two, three := ownRule(t, "R1", "x"), ownRule(t, "R2", "y"), ownRule(t, "R3", "z")
	first := runArchive(t, c, "replica-0")
	first.Add(one)
	first.Wait(t.Context())
	first.Add(one, two)
	first.Wait(t.Context())
	second := runArchive(t, c, "replica-1") // a later start with one rule more
	second.Add(one, two, three)
	second.Wait(t.Context())
	c.Write(t, &kgo.Record{Topic: c.Name(archiveTopic), Key: []byte(two.Digest)}) // somebody deletes one
	third := runArchive(t, c, "replica-2")
	third.Add(two)
	third.Wait(t.Context())
	got := []string{}
	for _, r := range c.ReadAll(t, c.Name(archiveTopic)) {
		got = append(got, string(r.Key))
	}
	if want := []string{one.Digest, two.Digest, three.Digest, two.Digest, two.Digest}; !slices.Equal(got, want) {
		t.Errorf("keys (-want +got):\n%s", cmp.Diff(want, got))
	}
}

// Tagging does not stop for the archive: rules get into force late, which is told once, and are archived when it goes again.
func TestAnArchiveThatCannotBeWrittenHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	c := withArchive(t, kafkatest.Embedded(t))
	fault := c.Broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: c.Name(archiveTopic), Err: kerr.NotLeaderForPartition, Count: -1})
	defer fault.Remove()
	a := runArchive(t, c, "replica-0")
	one, two := ownRule(t, "R1", "x"), ownRule(t, "R2", "y")
	a.Add(one)
	began := time.Now()
	a.Wait(t.Context())
	if took := time.Since(began); took < time.Second || took > 10*time.Second {
		t.Errorf("Wait took %s, want about 2 s", took)
	}
	began = time.Now()
	a.Add(two)
	a.Wait(t.Context())
	a.Wait(t.Context())
	if took := time.Since(began); took > time.Second {
		t.Errorf("Wait in known trouble took %s, want none", took)
	}
	if got, warned := a.lacking(t), strings.Count(a.log.String(), "rules are in force before they are archived"); got != 2 || warned != 2 {
		t.Errorf("%v rules lacking, %d warnings, want 2 and one for each\n%s", got, warned, a.log)
	}
	fault.Remove()
	kafkatest.Eventually(t, "both rules in the archive", func() bool { return a.lacking(t) == 0 })
	kept := readArchive(t, c)
	if got, want := slices.Sorted(maps.Keys(kept)), slices.Sorted(slices.Values([]string{one.Digest, two.Digest})); !slices.Equal(got, want) {
		t.Errorf("archive has %q, want %q", got, want)
	}
	kafkatest.Eventually(t, "the end of the trouble to be told", func() bool { return strings.Contains(a.log.String(), "all rules are archived") })
}

func TestAnArchiveThatCannotBeReadHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	c := withArchive(t, kafkatest.Embedded(t))
	fault := c.Broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: c.Name(archiveTopic), Err: kerr.NotLeaderForPartition, Count: -1})
	defer fault.Remove()
	one := ownRule(t, "R1", "x")
	runArchive(t, c, "replica-0")
	c.Write(t, &kgo.Record{Topic: c.Name(archiveTopic), Key: []byte("d"), Value: []byte("x")}) // or there is nothing to fetch
	a := runArchive(t, c, "replica-1")
	a.Add(one)
	began := time.Now()
	a.Wait(t.Context())
	if took := time.Since(began); took < time.Second || took > 10*time.Second || a.lacking(t) != 1 {
		t.Errorf("Wait took %s with %v rules lacking, want about 2 s and 1", took, a.lacking(t))
	}
	fault.Remove()
	kafkatest.Eventually(t, "the rule in the archive", func() bool { return a.lacking(t) == 0 })
}

// A rule that is larger with its lists than a record may be keeps the others waiting no longer.
func TestARuleThatIsTooLargeForTheArchiveIsTold(t *testing.T) {
	t.Parallel()
	c := withArchive(t, kafkatest.Start(t))
	a := runArchive(t, c, "replica-0")
	large := *ownRule(t, "R1", "x")
	large.Digest = strings.Repeat("f", 64)
	large.File.Text = strings.Repeat("# large\n", 1<<18)
	small := ownRule(t, "R2", "y")
	a.Add(&large, small)
	began := time.Now()
	a.Wait(t.Context())
	if took := time.Since(began); took > time.Second || a.lacking(t) != 0 {
		t.Errorf("Wait took %s with %v rules lacking, want none", took, a.lacking(t))
	}
	if kept := readArchive(t, c); len(kept) != 1 || kept[small.Digest].RuleID != "R2" {
		t.Errorf("archive = %v, want the small rule", kept)
	}
	if log := a.log.String(); !strings.Contains(log, "rule cannot be archived") || !strings.Contains(log, "rule=R1") {
		t.Errorf("log =\n%swant a line about R1", log)
	}
}

// Replicas that start together with rules that are new share the work of archiving them, or they would write each of
// thousands of rules as often as there are replicas.
func TestReplicasThatStartTogetherShareTheArchiving(t *testing.T) {
	t.Parallel()
	c := withArchive(t, kafkatest.Start(t))
	const replicas, each = 8, 2000
	one := ownRule(t, "R1", "x")
	rules := make([]*rule.Rule, each)
	for i := range rules {
		r := *one
		r.Digest = fmt.Sprintf("%064d", i)
		rules[i] = &r
	}
	var together sync.WaitGroup
	for i := range replicas {
		a := runArchive(t, c, fmt.Sprintf("replica-%d", i))
		together.Go(func() {
			a.Add(rules...)
			a.Wait(t.Context())
		})
	}
	together.Wait()
	written := len(c.ReadAll(t, c.Name(archiveTopic)))
	t.Logf("%d replicas with %d rules wrote %d records", replicas, each, written)
	if kept := readArchive(t, c); len(kept) != each || written > replicas*each/2 {
		t.Errorf("%d rules in the archive by %d records, want %d and far fewer than %d", len(kept), written, each, replicas*each)
	}
}
