package deadletter_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/consume"
	"ttpworker/internal/deadletter"
	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
	"ttpworker/internal/wire"
)

const (
	partitions = 4
	limitBytes = 10_000 // max.message.bytes of the events
)

// A rig is a cluster with a topic of events and a dead letter topic of two partitions.
type rig struct {
	*kafkatest.Cluster
	events, dlq string
	box         *deadletter.Box
}

func newRig(t *testing.T) *rig {
	t.Helper()
	c := kafkatest.Start(t)
	r := &rig{Cluster: c, events: c.Name("events"), dlq: c.Name("dlq")}
	c.CreateTopic(t, r.events, partitions, "max.message.bytes="+strconv.Itoa(limitBytes), "retention.ms=3600000")
	c.CreateTopic(t, r.dlq, 2)
	r.box = &deadletter.Box{Cluster: c.Cluster, Topic: r.dlq}
	return r
}

// letters writes dead letters of recs, as the worker does.
func (r *rig) letters(t *testing.T, class wire.Class, recs ...kafka.Record) {
	t.Helper()
	out := make([]*kgo.Record, len(recs))
	for i := range recs {
		letter := consume.DeadLetters{Topic: r.dlq, Partitions: 2, MaxBytes: 900_000}.Record(&recs[i], string(class), errors.New("it is bad"))
		out[i] = letter.ToClient()
	}
	r.Write(t, out...)
}

// record is a record of the events, read a second ago.
func (r *rig) record(partition int32, offset int64, value string) kafka.Record {
	return kafka.Record{
		Topic: r.events, Partition: partition, Offset: offset, Time: time.Now().Add(-time.Second).Truncate(time.Millisecond),
		Key: []byte("k"), Value: []byte(value), Headers: []kafka.Header{{Key: "sensor", Value: []byte("s1")}},
	}
}

func (r *rig) numbered(n int) []kafka.Record {
	recs := make([]kafka.Record, n)
	for i := range recs {
		recs[i] = r.record(int32(i%partitions), int64(i), strconv.Itoa(i))
	}
	return recs
}

// replay runs a replay that writes.
func (r *rig) replay(t *testing.T, job deadletter.Replay) (deadletter.Report, error) {
	t.Helper()
	inputs, err := r.Topics(t.Context(), r.events)
	if err != nil {
		t.Fatal(err)
	}
	w, err := r.NewTransactor(t.Context(), r.Name("replay"), map[string]int{r.events: limitBytes})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	job.Inputs, job.By = inputs, "tester"
	if job.Write == nil {
		job.Write = w.Write
	} else {
		wrapped := job.Write
		job.Write = func(ctx context.Context, recs []kafka.Record) error {
			if err := wrapped(ctx, recs); err != nil {
				return err
			}
			return w.Write(ctx, recs)
		}
	}
	return r.box.Replay(t.Context(), job)
}

// values are those of the events, by partition in order.
func (r *rig) values(t *testing.T) map[int32][]string {
	t.Helper()
	got := map[int32][]string{}
	for _, rec := range r.ReadAll(t, r.events) {
		got[rec.Partition] = append(got[rec.Partition], string(rec.Value))
	}
	return got
}

// want fails unless the events are these. What was committed can be read a moment later.
func (r *rig) want(t *testing.T, what string, want map[int32][]string) {
	t.Helper()
	n := 0
	for _, values := range want {
		n += len(values)
	}
	r.await(t, n)
	if diff := cmp.Diff(want, r.values(t)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// await waits for n events.
func (r *rig) await(t *testing.T, n int) {
	t.Helper()
	kafkatest.Eventually(t, fmt.Sprintf("%d events", n), func() bool { return len(r.ReadAll(t, r.events)) >= n })
}

func byPartition(recs []kafka.Record) map[int32][]string {
	want := map[int32][]string{}
	for i := range recs {
		want[recs[i].Partition] = append(want[recs[i].Partition], string(recs[i].Value))
	}
	return want
}

func TestAReplayPutsEveryRecordBackOnceInOrderAsItWas(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	recs := r.numbered(1234) // three transactions
	r.letters(t, wire.BadField, recs...)
	report, err := r.replay(t, deadletter.Replay{})
	if err != nil {
		t.Fatalf("Replay = %v", err)
	}
	want := deadletter.Report{Replayed: 1234, Groups: []deadletter.Group{{Class: wire.BadField, Topic: r.events, Letters: 1234}}}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	r.want(t, "events", byPartition(recs))
	first := r.ReadAll(t, r.events)[0]
	if !first.Timestamp.Equal(recs[0].Time) || string(first.Key) != "k" || len(first.Headers) != 1 || first.Headers[0].Key != "sensor" {
		t.Errorf("record = time %s, key %q, headers %v, want those it had", first.Timestamp, first.Key, first.Headers)
	}

	report, err = r.replay(t, deadletter.Replay{})
	if err != nil || report.Replayed != 0 || report.Before != 1234 {
		t.Errorf("a second replay = %+v, %v, want nothing replayed and 1234 before", report, err)
	}
	r.want(t, "events after a second replay", byPartition(recs))
	report, err = r.replay(t, deadletter.Replay{Again: true, Limit: 10})
	if err != nil || report.Replayed != 10 {
		t.Errorf("a replay again = %+v, %v, want 10 replayed", report, err)
	}
}

func TestAReplayThatWasKilledIsBegunAnewWithoutDoublingAnything(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	recs := r.numbered(1700)
	r.letters(t, wire.BadField, recs...)
	killed, writes := errors.New("killed"), 0
	report, err := r.replay(t, deadletter.Replay{Write: func(context.Context, []kafka.Record) error {
		if writes++; writes > 2 {
			return killed
		}
		return nil
	}})
	if !errors.Is(err, killed) || report.Replayed != 1000 {
		t.Fatalf("Replay = %d replayed, %v, want 1000 and %v", report.Replayed, err, killed)
	}
	report, err = r.replay(t, deadletter.Replay{})
	if err != nil || report.Replayed != 700 || report.Before != 1000 {
		t.Errorf("Replay = %+v, %v, want 700 replayed and 1000 before", report, err)
	}
	r.want(t, "events", byPartition(recs))
}

// The marks of two filters lie among each other's letters.
func TestAReplayOfOneClassLeavesTheOthersForLater(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	recs := r.numbered(60)
	for i := range recs {
		r.letters(t, []wire.Class{wire.BadField, wire.TooDeep, wire.NotObject}[i%3], recs[i])
	}
	for _, step := range []struct {
		classes          []wire.Class
		replayed, before int
	}{
		{[]wire.Class{wire.TooDeep}, 20, 0},
		{[]wire.Class{wire.TooDeep, wire.BadField}, 20, 20},
		{nil, 20, 40},
	} {
		report, err := r.replay(t, deadletter.Replay{Filter: deadletter.Filter{Classes: step.classes}})
		if err != nil || report.Replayed != step.replayed || report.Before != step.before {
			t.Errorf("replay of %v = %+v, %v, want %d replayed and %d before", step.classes, report, err, step.replayed, step.before)
		}
	}
	r.await(t, 60)
	if got := len(r.ReadAll(t, r.events)); got != 60 {
		t.Errorf("%d events, want 60", got)
	}
}

func TestWhatCannotBeReplayedIsToldAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	elsewhere, gone, old, future := r.record(0, 1, "elsewhere"), r.record(9, 2, "gone"), r.record(1, 3, "old"), r.record(1, 4, "future")
	elsewhere.Topic = r.Name("others")
	old.Time = old.Time.Add(-2 * time.Hour)
	future.Time = future.Time.Add(3 * time.Hour)
	large := r.record(2, 6, strings.Repeat("l", limitBytes+1))
	r.letters(t, wire.BadField, r.record(0, 0, "good"), elsewhere, gone, old, future, r.record(1, 5, "still bad"), large, r.record(2, 7, "behind"))
	r.letters(t, wire.TooLarge, kafka.Record{Topic: r.events, Partition: 3, Offset: 8, Time: old.Time}, r.record(3, 9, strings.Repeat("x", 950_000)))
	job := deadletter.Replay{Check: func(rec *kafka.Record) error {
		if string(rec.Value) == "still bad" {
			return errors.New("as bad as ever")
		}
		return nil
	}}
	report, err := r.replay(t, job)
	if err != nil {
		t.Fatalf("Replay = %v", err)
	}
	if report.Replayed != 4 || report.Old != 1 || report.Retimed != 1 {
		t.Errorf("report = %+v, want 4 replayed, 1 of them old, 1 of them retimed", report)
	}
	got := map[string]string{}
	for _, s := range report.Stuck {
		got[strings.TrimPrefix(s.Example.String(), r.Name(""))] = fmt.Sprintf("%d %s", s.Letters, s.Reason)
	}
	want := map[string]string{
		"others/0/1": "1 comes from a topic that is not among the input topics, or not there any more",
		"events/9/2": "1 comes from a partition that is not there any more",
		"events/1/5": "1 would be a dead letter again, by the configuration here (--force replays it all the same)",
		"events/2/6": "1 is refused by its topic",
		"events/3/8": "1 stands for records that could not be unpacked and holds none of them",
		"events/3/9": "1 holds only a part of the record, which was too large",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what cannot be replayed (-want +got):\n%s", diff)
	}
	r.want(t, "events", map[int32][]string{0: {"good"}, 1: {"old", "future"}, 2: {"behind"}})
	for _, rec := range r.ReadAll(t, r.events) {
		if ahead := time.Until(rec.Timestamp); ahead > 0 {
			t.Errorf("%s has a time %s ahead", rec.Value, ahead)
		}
	}

	job.Force = true
	if report, err := r.replay(t, job); err != nil || report.Replayed != 1 || report.Before != 4 || len(report.Stuck) != 5 {
		t.Errorf("a forced replay = %+v, %v, want the one that is still bad", report, err)
	}
}

func TestADryRunSaysWhatItWouldDoAndWritesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.letters(t, wire.TooDeep, r.numbered(5)...)
	r.letters(t, wire.BadField, r.numbered(3)...)
	inputs, err := r.Topics(t.Context(), r.events)
	if err != nil {
		t.Fatal(err)
	}
	report, err := r.box.Replay(t.Context(), deadletter.Replay{Inputs: inputs})
	if err != nil {
		t.Fatal(err)
	}
	want := deadletter.Report{Replayed: 8, Groups: []deadletter.Group{{wire.BadField, r.events, 3}, {wire.TooDeep, r.events, 5}}}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if n := len(r.ReadAll(t, r.events)) + len(r.ReadAll(t, r.dlq)); n != 8 {
		t.Errorf("%d records in both topics, want the 8 letters", n)
	}
}

// Two operators at once: the second takes over, and what the first had not committed is the second's to replay.
func TestASecondReplayTakesOverFromTheFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	recs := r.numbered(900)
	r.letters(t, wire.BadField, recs...)
	var second deadletter.Report
	writes := 0
	_, err := r.replay(t, deadletter.Replay{Write: func(context.Context, []kafka.Record) (err error) {
		if writes++; writes == 2 {
			second, err = r.replay(t, deadletter.Replay{})
		}
		return err
	}})
	if !errors.Is(err, kafka.ErrTakenOver) {
		t.Errorf("the first Replay = %v, want ErrTakenOver", err)
	}
	if second.Replayed != 400 || second.Before != 500 {
		t.Errorf("the second replay = %+v, want 400 replayed and 500 before", second)
	}
	r.want(t, "events", byPartition(recs))
}

func TestListShowsTheLatestInOrderAndWhatBecameOfThem(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	now := time.Now()
	for i, rec := range r.numbered(30) { // over both partitions, in order of time
		letter := consume.DeadLetters{Topic: r.dlq, Partitions: 2}.Record(&rec, string(wire.BadField), errors.New("it is bad"))
		letter.Time = now.Add(time.Duration(i-100) * time.Second)
		r.Write(t, letter.ToClient())
	}
	twelfth, err := deadletter.ParseSource(r.events + "/0/12")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.replay(t, deadletter.Replay{Filter: deadletter.Filter{Sources: []deadletter.Source{twelfth}}}); err != nil {
		t.Fatal(err)
	}
	list := func(f deadletter.Filter, limit int) (shown []string, sum deadletter.Listing) {
		t.Helper()
		sum, err := r.box.List(t.Context(), f, limit, func(l *deadletter.Letter) error {
			text := string(l.Value)
			if l.Replayed {
				text += " replayed"
			}
			shown = append(shown, text)
			return nil
		})
		if err != nil {
			t.Fatalf("List = %v", err)
		}
		return shown, sum
	}
	shown, sum := list(deadletter.Filter{}, 4)
	if diff := cmp.Diff([]string{"26", "27", "28", "29"}, shown); diff != "" {
		t.Errorf("the latest 4 (-want +got):\n%s", diff)
	}
	if sum.Letters != 30 || sum.Replayed != 1 || !maps.Equal(sum.Classes, map[wire.Class]int{wire.BadField: 30}) {
		t.Errorf("listing = %+v, want 30 letters of bad_field, 1 replayed", sum)
	}
	if shown, _ = list(deadletter.Filter{}, 0); len(shown) != 30 || !slices.Contains(shown, "12 replayed") {
		t.Errorf("all letters are %v, want 30 and the twelfth replayed", shown)
	}
	from := now.Add(-87500 * time.Millisecond)
	shown, _ = list(deadletter.Filter{From: from, To: from.Add(3 * time.Second)}, 10)
	if len(shown) != 3 {
		t.Errorf("letters of three seconds = %v, want 3", shown)
	}
}
