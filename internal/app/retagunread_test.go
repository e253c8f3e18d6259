package app_test

import (
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/app"
	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
	"ttpworker/internal/retag"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

const (
	bombEvents  = 70      // in a bomb
	maxUnpacked = 1 << 20 // kafka.Config.MaxUnpacked here
)

// bombedConfig has bombs that are cheap to unpack.
func bombedConfig(t *testing.T, c *kafkatest.Cluster) app.Config {
	t.Helper()
	cfg := quickConfig(t, c)
	cfg.Kafka.MaxUnpacked = maxUnpacked
	return cfg
}

// bomb writes events that R1 matches as one batch that unpacks to more than a worker unpacks.
func (p *past) bomb(t *testing.T, partition int32) {
	t.Helper()
	// The batch goes when it has lingered. A flush would send what is there when the client hears of the partition, which may be half of it.
	cl := p.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.ZstdCompression()),
		kgo.ProducerBatchMaxBytes(4*maxUnpacked), kgo.ProducerLinger(time.Second))
	defer cl.Close()
	errs := make(chan error, bombEvents)
	for i := range bombEvents {
		ev := bombEvent(i)
		value := fmt.Sprintf(`{"source_kind":"command","source_id":%q,"payload":{"command_text":"curl %s"}}`, ev.SourceID, strings.Repeat("a", 2*maxUnpacked/bombEvents))
		cl.Produce(t.Context(), &kgo.Record{Topic: p.cfg.Topics.Events.Name, Partition: partition, Value: []byte(value)},
			func(_ *kgo.Record, err error) { errs <- err })
	}
	for range bombEvents {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
}

func bombEvent(i int) tagger.TaggerEvent {
	return tagger.TaggerEvent{SourceKind: "command", SourceID: fmt.Sprint("bomb-", i)}
}

// events writes events, each of which R1 matches, to partition 0.
func (p *past) events(t *testing.T, ids ...string) {
	t.Helper()
	for _, id := range ids {
		write(t, p.Cluster, &kgo.Record{Value: fmt.Appendf(nil, `{"source_kind":"command","source_id":%q,"payload":{"command_text":"curl"}}`, id)})
	}
}

func newPast(t *testing.T, c *kafkatest.Cluster, cfg app.Config) *past {
	t.Helper()
	dec, err := wire.NewDecoderOf(cfg.Input.Format, wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := app.Connect(t.Context(), cfg, slog.New(slog.DiscardHandler)) // creates the topics
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	return &past{Cluster: c, cfg: cfg, dec: dec}
}

// A batch that live workers have passed over, as it unpacks to too much, is passed over by a retag, wherever in the range it
// is. Its tags stay. Seen: where it was the last one of a partition the job waited for ever for a record behind it; a dry run and a
// verification unpacked it, and would have given it tags that no worker gives.
func TestARetagPassesOverWhatLiveWorkersPassOver(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		before, after int // events in the range
		live          int // events behind it
		liveBomb      bool
	}{
		{name: "in the middle", before: 3, after: 2},
		{name: "at the beginning", after: 2},
		{name: "at the end", before: 3},
		{name: "at the end, and live events follow", before: 3, live: 3},
		{name: "alone"},
		{name: "alone, and live events follow", live: 3},
		{name: "alone, and another one follows", live: 1, liveBomb: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := kafkatest.Start(t)
			p := newPast(t, c, bombedConfig(t, c))
			for i := range tt.before {
				p.events(t, fmt.Sprint("before-", i))
			}
			p.bomb(t, 0)
			for i := range tt.after {
				p.events(t, fmt.Sprint("after-", i))
			}
			first, end := int64(tt.before), int64(tt.before+bombEvents+tt.after)
			p.tagged(t, map[int32]int64{0: end})
			but := map[string]bool{}
			for i := range int64(bombEvents) {
				but[fmt.Sprintf("%s/0/%d", p.cfg.Topics.Events.Name, first+i)] = true
			}
			if diff := cmp.Diff(p.scratch(t, but), p.view(t)); diff != "" {
				t.Fatalf("tags of the live worker (-want +got):\n%s", diff)
			}
			planted := map[string]string{}
			for i, state := range map[int]tagger.State{0: tagger.Enabled, 1: tagger.Shadow, bombEvents - 1: tagger.Enabled} {
				key, line := p.plant(t, 0, first+int64(i), bombEvent(i), state)
				planted[key] = line
			}
			edit(t, p.cfg, 2, "curl")
			want := p.scratch(t, but)
			maps.Copy(want, planted)
			if tt.liveBomb {
				p.bomb(t, 0)
			}
			for i := range tt.live { // nobody has tagged them yet
				p.events(t, fmt.Sprint("live-", i))
			}
			report := p.retagIs(t, want)
			if report.Events != int(end) || report.Unknown != bombEvents || report.Kept != len(planted) || report.Total().Changed != tt.before+tt.after {
				t.Errorf("report %+v, want %d events, %d of them unknown with %d tags, %d tags changed", report, end, bombEvents, len(planted), tt.before+tt.after)
			}
		})
	}
}

// A tag of an event in such a batch and of one before it stays with the later one, and a range may begin or end within it.
func TestATagOfAnEventThatIsPassedOverIsNotTakenBackByAnEarlierOne(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	p := newPast(t, c, bombedConfig(t, c))
	p.events(t, "bomb-3", "a")
	p.bomb(t, 0)
	p.events(t, "b")
	p.tagged(t, map[int32]int64{0: bombEvents + 3})
	key, line := p.plant(t, 0, 2+3, bombEvent(3), tagger.Enabled)
	says := fmt.Sprintf("reading the event at %s/0/5: it is in a batch, up to offset %d, that unpacks to more than %d bytes", p.cfg.Topics.Events.Name, bombEvents+1, maxUnpacked)
	if faults := strings.Join(p.explain(t, key), "\n"); !strings.Contains(faults, says) {
		t.Errorf("explaining the tag: %q, want %q", faults, says)
	}
	edit(t, p.cfg, 2, "curl")
	for _, tt := range []struct {
		from, to string
		want     retag.Report
	}{
		{"4", "7", retag.Report{Events: 3, Unknown: 3, Kept: 1}},
		{"6", "80", retag.Report{Events: bombEvents - 3, Unknown: bombEvents - 4}},
		{"0", "5", retag.Report{Events: 5, Unknown: 3}},
	} {
		r := allHistory(true)
		r.Partitions = []int32{0}
		for into, text := range map[*kafka.Moment]string{&r.From: tt.from, &r.To: tt.to} {
			var err error
			if *into, err = kafka.ParseMoment(text, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		got := retagHistory(t, p.cfg, r)
		if got.Events != tt.want.Events || got.Unknown != tt.want.Unknown || got.Kept != tt.want.Kept {
			t.Errorf("from %s to %s: %+v, want %+v", tt.from, tt.to, got, tt.want)
		}
	}
	compared := allHistory(true)
	compared.Candidate = []string{ruleDir(t, "R2")}
	if got := retagHistory(t, p.cfg, compared); got.Events != bombEvents+3 || got.Unknown != bombEvents || got.Total().Removed != 3 || got.Total().Added != 3 {
		t.Errorf("comparison with other rules: %+v, want 3 tags removed and 3 added, %d events unknown", got, bombEvents)
	}
	report := retagHistory(t, p.cfg, allHistory(false))
	if got := p.view(t)[key]; got != line || report.Kept != 1 || report.Total().Changed != 2 {
		t.Errorf("the tag is %s, want %s; report %+v, want that it was kept and two others have changed", got, line, report)
	}
}

// Seen: while the tags of one partition were read, the client dropped that there was such a batch in another, and the job waited
// for ever.
func TestARetagPassesOverBatchesInSeveralPartitions(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	p := newPast(t, c, bombedConfig(t, c))
	p.events(t, "a")
	want, ends := map[string]string{}, map[int32]int64{0: 1}
	for partition := range int32(4) {
		p.bomb(t, partition)
		ends[partition] += bombEvents
	}
	p.tagged(t, ends)
	for partition := range int32(4) {
		key, line := p.plant(t, partition, ends[partition]-1, bombEvent(bombEvents-1), tagger.Enabled)
		want[key] = line
	}
	edit(t, p.cfg, 2, "wget")
	report := p.retagIs(t, want)
	if report.Unknown != 4*bombEvents || report.Kept != 4 || report.Total().Removed != 1 {
		t.Errorf("report %+v, want %d events unknown with 4 tags, 1 tag removed", report, 4*bombEvents)
	}
}

// What live workers pass over while a job runs gives no tags, so it takes none of the job's: it is not what they have tagged
// meanwhile.
func TestARetagRestoresNothingOfWhatLiveWorkersPassOverMeanwhile(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	p := newPast(t, c, bombedConfig(t, c))
	p.events(t, "bomb-0", "a")
	p.tagged(t, map[int32]int64{0: 2})
	p.bomb(t, 0) // its first event is that of the range, sent again
	edit(t, p.cfg, 2, "curl")
	but := map[string]bool{}
	for i := range bombEvents {
		but[fmt.Sprintf("%s/0/%d", p.cfg.Topics.Events.Name, 2+i)] = true
	}
	r := allHistory(false)
	r.Began = func(*retag.Job) {
		at := kafka.Partition{Topic: p.cfg.Topics.Events.Name}
		if err := p.SetPositions(t.Context(), p.cfg.Kafka.Group, map[kafka.Partition]kafka.Position{at: {Offset: 2 + bombEvents}}); err != nil {
			t.Error(err)
		}
	}
	if report := retagHistory(t, p.cfg, r); report.Restored != 0 || report.Total().Changed != 2 {
		t.Errorf("report %+v, want 2 tags changed and none restored", report)
	}
	if diff := cmp.Diff(p.scratch(t, but), p.view(t)); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}
