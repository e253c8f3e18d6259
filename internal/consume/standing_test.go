package consume

import (
	"testing"
	"time"
)

func TestAPartitionIsComparedWithHowItStoodBefore(t *testing.T) {
	t.Parallel()
	at := func(s int) time.Time { return time.Date(2026, 3, 1, 12, 0, s, 0, time.UTC) }
	now := at(30)
	before := func(position, stable, end int64, unread, blocked time.Time, read bool) *standing {
		return &standing{bounds: bounds{position, stable, end}, unread: unread, blocked: blocked, read: read}
	}
	never := time.Time{}
	for _, tt := range []struct {
		name    string
		now     bounds
		before  *standing // nil = first look
		unread  time.Time
		blocked time.Time
		read    bool
	}{
		{name: "nothing unread", now: bounds{5, 5, 5}},
		{name: "ahead of an end that was asked for earlier", now: bounds{6, 5, 6}, before: before(5, 5, 5, never, never, false), blocked: now},
		{name: "a backlog at the first look", now: bounds{5, 9, 9}, unread: now, read: true},
		{name: "keeps up, as all that is unread is new", now: bounds{9, 12, 12}, before: before(5, 9, 9, never, never, false)},
		{name: "has fallen behind", now: bounds{7, 12, 12}, before: before(5, 9, 9, never, never, false), unread: now, read: true},
		{name: "still stands where the record was read", now: bounds{5, 12, 12}, before: before(5, 9, 9, at(1), never, true), unread: at(1)},
		{name: "has moved on from it", now: bounds{7, 12, 12}, before: before(5, 9, 9, at(1), never, true), unread: now, read: true},
		{name: "could not be read then, so is missed since then", now: bounds{5, 12, 12}, before: before(5, 9, 9, at(20), never, false), unread: at(20), read: true},
		{name: "only a marker is unread, as before", now: bounds{5, 6, 6}, before: before(5, 6, 6, never, never, true)},
		{name: "more than the marker is unread", now: bounds{5, 8, 8}, before: before(5, 6, 6, never, never, true), unread: now, read: true},
		{name: "records behind the stable offset, at first", now: bounds{5, 5, 8}, blocked: now},
		{name: "the stable offset stands still", now: bounds{5, 5, 9}, before: before(5, 5, 8, never, at(3), false), blocked: at(3)},
		{name: "the stable offset has moved", now: bounds{7, 7, 9}, before: before(5, 5, 8, never, at(3), false), blocked: now},
		{name: "the transaction has ended", now: bounds{9, 9, 9}, before: before(5, 5, 8, never, at(3), false)},
	} {
		var prev standing
		if tt.before != nil {
			prev = *tt.before
		}
		got, read := stand(tt.now, prev, tt.before != nil, now)
		if !got.unread.Equal(tt.unread) || !got.blocked.Equal(tt.blocked) || read != tt.read || got.bounds != tt.now {
			t.Errorf("%s: stand = unread %v, blocked %v, bounds %v, read %t; want %v, %v, %v, %t",
				tt.name, got.unread, got.blocked, got.bounds, read, tt.unread, tt.blocked, tt.now, tt.read)
		}
	}
}

// A sensor's clock may be ahead of ours.
func TestAnAgeIsNeverNegative(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, tt := range []struct {
		t    time.Time
		want float64
	}{{time.Time{}, 0}, {now.Add(time.Hour), 0}, {now.Add(-90 * time.Second), 90}} {
		if got := age(now, tt.t); got != tt.want {
			t.Errorf("age(now, %v) = %v, want %v", tt.t, got, tt.want)
		}
	}
}
