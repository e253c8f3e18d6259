package deadletter

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
	"ttpworker/internal/wire"
)

var at = time.Date(2026, 3, 1, 12, 0, 0, 123_000_000, time.UTC)

// original is a record that somebody has given headers with our names.
func original() kafka.Record {
	return kafka.Record{
		Topic: "ttp_events", Partition: 5, Offset: 42, Time: at, Key: []byte("k"), Value: []byte{0xff, 0},
		Headers: []kafka.Header{
			{Key: "own", Value: []byte{0xfe}},
			{Key: consume.HeaderErrorClass, Value: []byte("bad_field")},
			{Key: consume.HeaderCutFrom, Value: []byte("value 1, headers 1, key 1")},
			{Key: HeaderReplayed, Value: []byte("0-9")},
		},
	}
}

func letterOf(t *testing.T, rec kafka.Record, class wire.Class, cause string, maxBytes int) Letter {
	t.Helper()
	letter := consume.DeadLetters{Topic: "dlq", Partitions: 1, MaxBytes: maxBytes}.Record(&rec, string(class), errors.New(cause))
	letter.Offset, letter.Time = 7, at.Add(time.Hour)
	l, ok := parse(&letter)
	if !ok {
		t.Fatalf("%+v is no letter", letter)
	}
	return l
}

func TestALetterGivesTheRecordBackAsItWas(t *testing.T) {
	l := letterOf(t, original(), wire.Undecodable, "bad bytes", 0)
	want := Letter{
		At: Position{"dlq", 0, 7}, Time: at.Add(time.Hour), Class: wire.Undecodable, Error: "bad bytes",
		Source: Position{"ttp_events", 5, 42}, SourceTime: at, Key: []byte("k"), Value: []byte{0xff, 0},
		Headers: []kafka.Header{{Key: "own", Value: []byte{0xfe}}},
	}
	if diff := cmp.Diff(want, l); diff != "" {
		t.Errorf("letter (-want +got):\n%s", diff)
	}
	rec, retimed := l.record(at.Add(time.Hour))
	back := kafka.Record{Topic: "ttp_events", Partition: 5, Time: at, Key: []byte("k"), Value: []byte{0xff, 0}, Headers: want.Headers}
	if diff := cmp.Diff(back, rec); diff != "" || retimed {
		t.Errorf("record, retimed = %t (-want +got):\n%s", retimed, diff)
	}
}

// A key or a value that is null must come back as null: an empty one is something else.
func TestALetterKnowsNullFromEmpty(t *testing.T) {
	for _, rec := range []kafka.Record{
		{Topic: "t", Time: at},
		{Topic: "t", Time: at, Key: []byte{}, Value: []byte{}},
	} {
		l := letterOf(t, rec, wire.Undecodable, "empty", 0)
		back, _ := l.record(at)
		if (back.Key == nil) != (rec.Key == nil) || (back.Value == nil) != (rec.Value == nil) {
			t.Errorf("key %#v and value %#v came back as %#v and %#v", rec.Key, rec.Value, back.Key, back.Value)
		}
	}
}

func TestARecordFromTheFutureComesBackAtThePresent(t *testing.T) {
	l := letterOf(t, original(), wire.Undecodable, "bad bytes", 0)
	for ahead, want := range map[time.Duration]bool{30 * time.Minute: false, 2 * time.Hour: true} {
		now := at.Add(-ahead)
		rec, retimed := l.record(now)
		if retimed != want || rec.Time.Equal(now) != want {
			t.Errorf("a record %s ahead came back at %s, now is %s", ahead, rec.Time, now)
		}
	}
}

func TestALetterThatHoldsLessThanItsRecordSaysSo(t *testing.T) {
	big := original()
	big.Value = make([]byte, 3000)
	if l := letterOf(t, big, wire.TooLarge, "too large", 2000); l.CutFrom == "" || l.Unreadable() {
		t.Errorf("a letter that was cut has CutFrom %q, Unreadable %t", l.CutFrom, l.Unreadable())
	}
	bomb := kafka.Record{Topic: "ttp_events", Partition: 1, Offset: 3, Time: at}
	if l := letterOf(t, bomb, wire.TooLarge, "the batch up to offset 9 ...", 0); !l.Unreadable() {
		t.Error("a letter for a batch that was passed over does not say so")
	}
	if l := letterOf(t, bomb, wire.Undecodable, "the value is empty", 0); l.Unreadable() {
		t.Error("a record without key and value passes for a batch that was passed over")
	}
}

func TestWhatIsNoLetter(t *testing.T) {
	header := func(kv ...string) kafka.Record {
		var r kafka.Record
		for pair := range slices.Chunk(kv, 2) {
			r.Headers = append(r.Headers, kafka.Header{Key: pair[0], Value: []byte(pair[1])})
		}
		return r
	}
	mark := marks{0: {{From: 1, To: 3}}}.records("dlq", "me")[0]
	for name, rec := range map[string]kafka.Record{
		"no header":                        {},
		"a mark":                           mark,
		"no source":                        header(consume.HeaderErrorClass, "bad_field"),
		"a source that is none":            header(consume.HeaderErrorClass, "bad_field", consume.HeaderSource, "t/1"),
		"a source with a negative offset":  header(consume.HeaderErrorClass, "bad_field", consume.HeaderSource, "t/1/-1"),
		"a source with an empty topic":     header(consume.HeaderErrorClass, "bad_field", consume.HeaderSource, "/1/1"),
		"a source before the class, alone": header(consume.HeaderSource, "t/1/1", consume.HeaderErrorClass, "bad_field"),
	} {
		if l, ok := parse(&rec); ok {
			t.Errorf("%s: a letter %+v, want none", name, l)
		}
	}
}
