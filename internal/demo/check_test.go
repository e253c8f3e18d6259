package demo

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

func TestFaults(t *testing.T) {
	all := []happening{
		{key: "k", event: tagger.TaggerEvent{SourceID: "a/1"}, expect: []string{"T1016"}},
		{key: "k", event: tagger.TaggerEvent{SourceID: "a/2"}},
		{key: "k", raw: []byte("poison"), class: wire.Undecodable},
	}
	found := finding{source: "a/1", rule: "R0020", tactic: "TA0007", technique: "T1016"}
	shadow := found
	shadow.shadow = true
	other := finding{source: "a/2", rule: "R0020", tactic: "TA0007", technique: "T1016"}
	want := map[finding]int{found: 1}
	dead := func(key, value, class string) kafka.Record {
		return kafka.Record{Key: []byte(key), Value: []byte(value), Headers: []kafka.Header{
			{Key: consume.HeaderErrorClass, Value: []byte(class)},
			{Key: consume.HeaderError, Value: []byte("why")},
			{Key: consume.HeaderSource, Value: []byte("ttp_events/0/2")},
		}}
	}
	poison := dead("k", "poison", "undecodable")
	const deadMissing = `missing: dead letter of class undecodable with key "k" and the bytes "poison"`
	for _, tt := range []struct {
		name  string
		found map[finding]int
		dead  []kafka.Record
		want  []string
	}{
		{name: "all there", found: map[finding]int{found: 1}, dead: []kafka.Record{poison}},
		{name: "tag missing", dead: []kafka.Record{poison}, want: []string{
			"missing: a/1: T1016 by R0020", "not as the script says: a/1: got [], want [T1016]",
		}},
		{name: "tag twice", found: map[finding]int{found: 2}, dead: []kafka.Record{poison}, want: []string{
			"2 times instead of 1: a/1: T1016 by R0020",
		}},
		{name: "tag of another event", found: map[finding]int{found: 1, other: 1}, dead: []kafka.Record{poison}, want: []string{
			"not as the script says: a/2: got [T1016], want []", "unexpected: a/2: T1016 by R0020",
		}},
		{name: "tag on the wrong topic", found: map[finding]int{shadow: 1}, dead: []kafka.Record{poison}, want: []string{
			"missing: a/1: T1016 by R0020", "unexpected: a/1: T1016 by R0020 (shadow)",
		}},
		{name: "dead letter missing", found: map[finding]int{found: 1}, want: []string{deadMissing}},
		{name: "dead letter touched", found: map[finding]int{found: 1}, dead: []kafka.Record{dead("k", "poisoN", "undecodable")}, want: []string{
			deadMissing, "unexpected: dead letter of ttp_events/0/2: why",
		}},
		{name: "dead letter of another class", found: map[finding]int{found: 1}, dead: []kafka.Record{dead("k", "poison", "bad_field")}, want: []string{
			deadMissing, "unexpected: dead letter of ttp_events/0/2: why",
		}},
		{name: "dead letter twice", found: map[finding]int{found: 1}, dead: []kafka.Record{poison, poison}, want: []string{
			"unexpected: dead letter of ttp_events/0/2: why",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := &harvest{found: tt.found, dead: tt.dead}
			if diff := cmp.Diff(tt.want, h.faults(all, want)); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}
