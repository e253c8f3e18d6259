package app_test

import (
	"fmt"
	"log/slog"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/app"
	"ttpworker/internal/kafkatest"
)

// poisons are records that are no events, by name, each with the class of its dead letter.
var poisons = []struct {
	name, value, class string
}{
	{"bad bytes", "\x07\xff\x00garbage", "undecodable"},
	{"Avro that ends too soon", "\xc3\x01\xf1\x2c\xf6\x30\xc8\x52\xd0\x4f\x0ecomm", "undecodable"},
	{"no value", "", "undecodable"},
	{"a fingerprint nobody knows", "\xc3\x01\x01\x02\x03\x04\x05\x06\x07\x08rest", "unknown_schema"},
	{"a schema id nobody knows", "\x00\x00\x00\x00\x09rest", "unknown_schema"},
	{"a payload over the limit", `{"source_kind":"command","source_id":"x","payload":{"command_text":"` + strings.Repeat("a", 2000) + `"}}`, "too_large"},
	{"a payload too deep", `{"source_kind":"command","source_id":"x","payload":` + strings.Repeat(`{"a":`, 70) + "1" + strings.Repeat("}", 70) + "}", "too_deep"},
	{"bad UTF-8 in an identifier", "{\"source_kind\":\"command\",\"source_id\":\"\xff\xfe\",\"payload\":{}}", "bad_field"},
	{"a list as payload", `{"source_kind":"command","source_id":"x","payload":[]}`, "not_object"},
}

// good is an event that gives one tag. Some have no key, some bad UTF-8 in the payload: both are no reason for a dead
// letter.
func good(i int) *kgo.Record {
	r := &kgo.Record{Partition: int32(i % 6), Key: fmt.Appendf(nil, "s-%d", i%50)}
	text := "curl http://x"
	switch i % 10 {
	case 3:
		r.Key = nil
	case 7:
		text += "\xff"
	}
	r.Value = fmt.Appendf(nil, `{"source_kind":"command","source_id":"good-%d","payload":{"command_text":"%s"}}`, i, text)
	return r
}

func bad(i int) *kgo.Record {
	r := &kgo.Record{Partition: int32(i % 6), Key: fmt.Appendf(nil, "s-%d", i%50), Value: []byte(poisons[i%len(poisons)].value)}
	if len(r.Value) == 0 {
		r.Value = nil
	}
	return r
}

// sources are where letters or tags say they come from, each once.
func sources(t *testing.T, recs []*kgo.Record) map[string]*kgo.Record {
	t.Helper()
	all := map[string]*kgo.Record{}
	for _, r := range recs {
		from := header(r, "ttp-source")
		if all[from] != nil {
			t.Errorf("%s went to %s twice", from, r.Topic)
		}
		all[from] = r
	}
	return all
}

// committed is how far the group has come, by partition of the events.
func committed(t *testing.T, c *kafkatest.Cluster, cfg app.Config) map[int32]int64 {
	t.Helper()
	adm := kadm.NewClient(c.Client(t))
	offsets, err := adm.FetchOffsets(kadm.RequireStable(t.Context()), cfg.Kafka.Group)
	if err != nil {
		t.Fatal(err)
	}
	at := map[int32]int64{}
	offsets.Each(func(o kadm.OffsetResponse) { at[o.Partition] = o.At })
	return at
}

func sum(at map[int32]int64) (n int64) {
	for k := range maps.Values(at) {
		n += k
	}
	return n
}

// One bad record in a hundred, of every kind, costs itself: each is one dead letter with the bytes it came with, and
// all else is tagged. The rates are logged, as a machine that is busy makes them meaningless.
func TestOneBadRecordInAHundredIsOneDeadLetterAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	const records = 9000
	rate := map[int]float64{}
	for _, every := range []int{0, 100} { // 0 = none
		c := kafkatest.Start(t)
		cfg := quickConfig(t, c)
		cfg.Limits.PayloadBytes = 1000
		w := startWorker(t, cfg, slog.New(slog.DiscardHandler))
		w.ready(t)
		recs, wantClasses := make([]*kgo.Record, records), map[string]int{}
		injected := 0
		for i := range recs {
			if recs[i] = good(i); every > 0 && i%every == 50 {
				recs[i] = bad(injected)
				recs[i].Partition = int32(i % 6)
				wantClasses[poisons[injected%len(poisons)].class]++
				injected++
			}
		}
		began := time.Now()
		write(t, c, recs...)
		kafkatest.Eventually(t, "all records to be committed", func() bool { return sum(committed(t, c, cfg)) >= records })
		rate[every] = records / time.Since(began).Seconds()
		if err := w.stop(); err != nil {
			t.Errorf("Wait = %v, want nil: one in a hundred is no flood", err)
		}
		c.Settle(t, cfg.Topics.Tags.Name, cfg.Topics.DLQ.Name)
		letters, classes := sources(t, c.ReadAll(t, c.Name("ttp_events_dlq"))), map[string]int{}
		for _, in := range c.ReadAll(t, c.Name("ttp_events")) {
			at := fmt.Sprintf("%s/%d/%d", in.Topic, in.Partition, in.Offset)
			letter := letters[at]
			if letter == nil {
				continue
			}
			classes[header(letter, "ttp-error-class")]++
			if diff := cmp.Diff([2][]byte{in.Key, in.Value}, [2][]byte{letter.Key, letter.Value}); diff != "" {
				t.Errorf("letter of %s (-record +letter):\n%s", at, diff)
			}
		}
		if diff := cmp.Diff(wantClasses, classes); diff != "" || len(letters) != injected {
			t.Errorf("%d letters of %d injected, by class (-want +got):\n%s", len(letters), injected, diff)
		}
		if tags := sources(t, c.ReadAll(t, c.Name("ttp_tags"))); len(tags) != records-injected {
			t.Errorf("%d events have a tag, want %d", len(tags), records-injected)
		}
	}
	t.Logf("%.0f records/s without bad ones, %.0f with one in a hundred", rate[0], rate[100])
}

// Seen from outside: what is committed when the limit stops the worker is below the limit; each record of the flood
// is there for the next start, which stops again; and once they are let pass every one is a letter, once.
func TestAFloodStopsTheWorkerAndNothingPastTheLineIsCommitted(t *testing.T) {
	t.Parallel()
	const before, flood, after = 600, 4000, 300
	c := kafkatest.Start(t)
	cfg := quickConfig(t, c)
	cfg.Limits.PayloadBytes = 1000
	cfg.DLQ.MinRecords = 200
	w := startWorker(t, cfg, slog.New(slog.DiscardHandler))
	w.ready(t)
	stream := func(n int, record func(int) *kgo.Record, first int) {
		recs := make([]*kgo.Record, n)
		for i := range recs {
			recs[i] = record(first + i)
		}
		write(t, c, recs...)
	}
	stream(before, good, 0)
	kafkatest.Eventually(t, "the good records", func() bool { return sum(committed(t, c, cfg)) == before })
	stream(flood, bad, 0)
	stream(after, good, before)

	stopped := func(w *worker) {
		t.Helper()
		select {
		case err := <-w.ended:
			w.ended <- err
			for _, want := range []string{
				"% of the records of the last 1m0s are dead letters", "by class: ", "the first of this batch: " + c.Name("ttp_events") + "/", "worker dlq replay",
			} {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Fatalf("Wait = %v, want an error that says %q", err, want)
				}
			}
		case <-time.After(kafkatest.Patience):
			t.Fatal("the worker still runs")
		}
	}
	covered := func() (letters int) {
		t.Helper()
		c.Settle(t, cfg.Topics.Tags.Name, cfg.Topics.DLQ.Name)
		at := committed(t, c, cfg)
		all := sources(t, c.ReadAll(t, c.Name("ttp_events_dlq")))
		for from := range all {
			parts := strings.Split(from, "/")
			p, _ := strconv.ParseUint(parts[1], 10, 31)
			o, _ := strconv.ParseInt(parts[2], 10, 64)
			if o >= at[int32(p)] {
				t.Errorf("a letter of %s is committed, the offsets end at %d", from, at[int32(p)])
			}
		}
		if got := len(all) + len(sources(t, c.ReadAll(t, c.Name("ttp_tags")))); int64(got) != sum(at) {
			t.Errorf("%d records came out as tags and letters, the offsets say %d", got, sum(at))
		}
		return len(all)
	}
	stopped(w)
	first := covered()
	// 6 of 9 poisons are of classes that count.
	if ratio := float64(first) * 6 / 9 / float64(first+before); ratio > 0.52 {
		t.Errorf("%.2f of what is committed are letters that count, the limit is 0.5", ratio)
	}
	w = startWorker(t, cfg, slog.New(slog.DiscardHandler))
	stopped(w)
	if again := covered() - first; again >= cfg.DLQ.MinRecords {
		t.Errorf("a restart let %d records of the flood pass, want less than %d", again, cfg.DLQ.MinRecords)
	}
	cfg.DLQ.MaxRatio = 0
	w = startWorker(t, cfg, slog.New(slog.DiscardHandler))
	kafkatest.Eventually(t, "all records to be committed", func() bool { return sum(committed(t, c, cfg)) == before+flood+after })
	if err := w.stop(); err != nil {
		t.Errorf("Wait = %v, want nil", err)
	}
	if got := covered(); got != flood {
		t.Errorf("%d dead letters, want the %d injected", got, flood)
	}
	if got := len(sources(t, c.ReadAll(t, c.Name("ttp_tags")))); got != before+after {
		t.Errorf("%d events have a tag, want %d", got, before+after)
	}
}
