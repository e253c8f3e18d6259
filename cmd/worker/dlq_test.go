package main

import (
	"testing"
	"time"
)

// Attackers write what is shown: it must not reach the terminal as it is.
func TestEscapeLeavesOneLineOfPrintableCharacters(t *testing.T) {
	for _, tt := range []struct {
		in    string
		limit int
		want  string
	}{
		{"plain \u20ac", 100, "plain \u20ac"},
		{`say "hi" c:\x`, 100, `say "hi" c:\\x`},
		{"a\nb\tc\x1b[2J\x00", 100, `a\nb\tc\x1b[2J\x00`},
		{"\xff\xfe", 100, `\xff\xfe`},
		{"\u202egnp.exe", 100, `\u202egnp.exe`},
		{"0123456789", 10, "0123456789"},
		{"01234567890", 10, "0123456789..."},
		{"012345678\u20ac", 10, "012345678..."},
		{"0123456789\xff", 10, "0123456789..."},
	} {
		if got := escape(tt.in, tt.limit); got != tt.want {
			t.Errorf("escape(%q, %d) = %q, want %q", tt.in, tt.limit, got, tt.want)
		}
	}
}

func TestMomentIsATimeOrHowLongAgo(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"":                          {},
		"90m":                       now.Add(-90 * time.Minute),
		"0s":                        now,
		"2026-02-28T00:00:00+01:00": time.Date(2026, 2, 27, 23, 0, 0, 0, time.UTC),
	} {
		if got, err := moment("--from", text, now); err != nil || !got.Equal(want) {
			t.Errorf("moment(%q) = %s, %v, want %s", text, got, err, want)
		}
	}
	for _, bad := range []string{"-1h", "yesterday", "2026-02-28"} {
		if got, err := moment("--from", bad, now); err == nil {
			t.Errorf("moment(%q) = %s, want an error", bad, got)
		}
	}
}
