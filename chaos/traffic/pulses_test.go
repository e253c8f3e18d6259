package traffic

import (
	"testing"
	"time"
)

func TestPulsesKnowTheLongestPause(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(s float64) time.Time { return start.Add(time.Duration(s * float64(time.Second))) }
	p := NewPulses(2)
	for _, beat := range []struct {
		partition int
		at, made  float64
	}{
		{0, 0, -0.1}, {1, 0, -0.1}, {0, 0.1, 0}, {1, 0.1, 0}, {1, 1.1, 1}, {1, 2.1, 2}, {0, 3.1, 1}, {0, 3.2, 3}, {1, 3.2, 3},
	} {
		p.Beat(beat.partition, at(beat.at), at(beat.made))
	}
	for _, tt := range []struct {
		name     string
		from, to float64
		one, all time.Duration
	}{
		{"before anything was silent", -1, 0.1, 0, 0},
		{"over all", 0, 3.2, 3 * time.Second, time.Second},
		{"within the pause of one", 1.5, 1.6, 3 * time.Second, time.Second},
		{"a pause that has not ended", 3.15, 5.2, 2 * time.Second, 2 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if one, all := p.Longest(at(tt.from), at(tt.to)); one != tt.one || all != tt.all {
				t.Errorf("Longest = %s of one partition, %s of all; want %s, %s", one, all, tt.one, tt.all)
			}
		})
	}
	if got := p.Oldest(); !got.Equal(at(3)) {
		t.Errorf("Oldest = %s, want %s", got, at(3))
	}
	if !NewPulses(2).Oldest().IsZero() {
		t.Error("Oldest of partitions that had nothing is not zero")
	}
}
