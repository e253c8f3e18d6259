package wire

import (
	"fmt"
	"time"
)

// Times are kept between the years 1 and 9999, which RFC 3339 can write. The first microsecond of the year 1 is out,
// as it is Go's zero time and that means null.
const (
	minMicros = -62_135_596_800_000_000 + 1
	maxMicros = 253_402_300_799_999_999
)

// timeOf is the time n microseconds after 1970, in UTC.
func timeOf(n int64) (time.Time, error) {
	if n < minMicros || n > maxMicros {
		return time.Time{}, fmt.Errorf("%d microseconds since 1970 is outside the years 1 to 9999", n)
	}
	return time.UnixMicro(n).UTC(), nil
}

// microsOf is t in microseconds since 1970, rounded down.
func microsOf(t time.Time) (int64, error) {
	if y := t.UTC().Year(); t.IsZero() || y < 1 || y > 9999 {
		return 0, fmt.Errorf("time in the year %d is outside the years 1 to 9999", y)
	}
	n := t.UnixMicro()
	if n < minMicros { // within the first microsecond
		return 0, fmt.Errorf("time %d microseconds since 1970 is outside the years 1 to 9999", n)
	}
	return n, nil
}

// parseTime reads a time of RFC 3339, of any offset, as UTC and rounded down to microseconds.
func parseTime(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || !shaped(text) {
		return time.Time{}, fmt.Errorf("%.40q is not a time of RFC 3339, such as 2026-01-31T12:00:00Z", text)
	}
	n, err := microsOf(t)
	if err != nil {
		return time.Time{}, err
	}
	return timeOf(n)
}

// shaped refuses what time.Parse lets pass, though RFC 3339 does not: an hour of one digit, a comma before the
// fraction, an offset of 24 hours or of 60 minutes. text is a time to time.Parse.
func shaped(text string) bool {
	const whole = len("2006-01-02T15:04:05")
	if len(text) <= whole || text[whole-3] != ':' || text[whole] == ',' {
		return false
	}
	if text[len(text)-1] == 'Z' {
		return true
	}
	return text[len(text)-len("hh:mm"):] < "24" && text[len(text)-len("mm"):] < "60"
}
