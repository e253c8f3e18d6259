package deadletter

import (
	"strings"
	"testing"
	"time"

	"ttpworker/internal/wire"
)

func TestAFilterWantsLettersThatMeetAllThatIsSet(t *testing.T) {
	l := Letter{
		Time: at, Class: wire.BadField, Error: "bad_field: Source_ID is empty", Key: []byte("k-1"),
		Source: Position{Topic: "ttp_events", Partition: 3, Offset: 150},
	}
	source := func(text string) Filter {
		s, err := ParseSource(text)
		if err != nil {
			t.Fatal(err)
		}
		return Filter{Sources: []Source{{topic: "elsewhere", partition: -1}, s}}
	}
	for _, tt := range []struct {
		name string
		f    Filter
		want bool
	}{
		{"nothing is set", Filter{}, true},
		{"its class", Filter{Classes: []wire.Class{wire.TooDeep, wire.BadField}}, true},
		{"another class", Filter{Classes: []wire.Class{wire.TooDeep}}, false},
		{"its topic", source("ttp_events"), true},
		{"another topic", source("ttp_event"), false},
		{"its partition", source("ttp_events/3"), true},
		{"another partition", source("ttp_events/30"), false},
		{"its offset", source("ttp_events/3/150"), true},
		{"the offset before", source("ttp_events/3/149"), false},
		{"a range to it", source("ttp_events/3/100-150"), true},
		{"a range from it", source("ttp_events/3/150-160"), true},
		{"a range behind it", source("ttp_events/3/151-160"), false},
		{"from its time", Filter{From: at}, true},
		{"from later", Filter{From: at.Add(1)}, false},
		{"before later", Filter{To: at.Add(1)}, true},
		{"before its time", Filter{To: at}, false},
		{"a word of the error in another case", Filter{Contains: "SOURCE_id"}, true},
		{"another word", Filter{Contains: "source_kind"}, false},
		{"its key", Filter{Key: []byte("k-1")}, true},
		{"an empty key", Filter{Key: []byte{}}, false},
		{"one of two does not hold", Filter{Contains: "empty", From: at.Add(time.Hour)}, false},
	} {
		if got := tt.f.matches(&l); got != tt.want {
			t.Errorf("%s: matches = %t, want %t", tt.name, got, tt.want)
		}
	}
}

func TestParseSourceSaysWhatItTakes(t *testing.T) {
	for _, bad := range []string{"", "/1", "t/", "t/x", "t/-1", "t/1/", "t/1/x", "t/1/5-4", "t/1/2/3", "t/1/-5", "t/4294967296"} {
		if s, err := ParseSource(bad); err == nil || !strings.Contains(err.Error(), "topic/partition/first-last") {
			t.Errorf("ParseSource(%q) = %+v, %v, want an error that says what it takes", bad, s, err)
		}
	}
}
