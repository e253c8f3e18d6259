package lift

import (
	"bytes"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// encoded is Base64 of n bytes.
func encoded(n int) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("\x00\x7f\xffabc"), n/6+1)[:n])
}

// lines wraps a text.
func lines(text string, width int, end string) string {
	var b strings.Builder
	for len(text) > width {
		b.WriteString(text[:width] + end)
		text = text[width:]
	}
	return b.String() + text
}

func TestEncodedBytes(t *testing.T) {
	t.Parallel()
	const none = -1
	for _, tt := range []struct {
		name, text string
		least      int64
		want       int64
	}{
		{"nothing", "", 1, none},
		{"words", strings.Repeat("word after word ", 1000), 1, none},
		{"enough", encoded(4096), 4096, 4096},
		{"one byte less", encoded(4095), 4096, none},
		{"without padding", encoded(4098), 4096, 4098},
		{"one of padding", encoded(4097), 4096, 4097},
		{"padding that is missing", strings.TrimRight(encoded(4096), "="), 4096, none},
		{"a character too many", "a" + encoded(4098), 4096, none},
		{"inside of a text", "data:image/png;base64," + encoded(4096) + ", and more", 4096, 4096},
		{"in quotes", `"` + encoded(4096) + `"`, 4096, 4096},
		{"the alphabet of URLs", strings.NewReplacer("/", "_", "+", "-").Replace(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{255}, 4096))), 4096, none},
		{"31 characters", encoded(23)[:31], 1, none},
		{"32 characters", encoded(24), 24, 24},
		{"24 bytes of 25", encoded(24), 25, none},
		{"the first that is enough", encoded(30) + "\n\n" + encoded(60) + " " + encoded(90), 50, 60},
		{"wrapped as mails are", lines(encoded(4096), 76, "\r\n"), 4096, 4096},
		{"wrapped as files are", lines(encoded(5000), 64, "\n"), 4096, 5000},
		{"wrapped, one byte less", lines(encoded(4095), 76, "\n"), 4096, none},
		{"the last line is full", lines(encoded(57*72), 76, "\r\n"), 4096, 57 * 72},
		{"the last line is full, and a word follows", lines(encoded(57*72), 76, "\r\n") + "\r\nRegards\r\n", 4096, 57 * 72},
		{"text around", "Hello\r\n" + lines(encoded(4100), 76, "\r\n") + "\r\nRegards, Jane\r\n", 4096, 4100},
		{"a line of another length before it", strings.Repeat("0a", 32) + "\n" + lines(encoded(4100), 76, "\n"), 4096, 4100},
		{"lines with something between", lines(encoded(4100), 76, "\r\n> "), 4096, none},
		{"an empty line inside", lines(encoded(4100), 76, "\n\n"), 4096, none},
		{"short lines", lines(encoded(4100), 28, "\n"), 4096, none},
		{"a word on each line", strings.Repeat("correct\n", 2000), 4096, none},
		{"padding inside", strings.Repeat(encoded(34)+"\n", 200), 4096, none},
		{"one long line and a word behind it", encoded(4098) + "\nabcd", 4096, 4098},
		{"three of padding", encoded(4096)[:5460] + "A===", 1, none},
	} {
		got, found := encodedBytes(tt.text, tt.least)
		if !found {
			got = none
		}
		if got != tt.want {
			t.Errorf("%s: encodedBytes(%.40q..., %d) = %d, want %d", tt.name, tt.text, tt.least, got, tt.want)
		}
	}
}

func TestEncodedPayload(t *testing.T) {
	t.Parallel()
	checkFires(t, "email_encoded_payload", "",
		[]string{
			`{"body_base64_bytes":4096}`, `{"body_base64_bytes":4096,"body_text":"x"}`, `{"body_base64_bytes":10,"body_text":"` + encoded(4096) + `"}`,
			`{"body_text":"` + lines(encoded(4096), 76, `\r\n`) + `"}`, `{"body_base64_bytes":"9","body_text":"` + strings.ReplaceAll(encoded(4096), "/", `\/`) + `"}`,
		},
		[]string{
			`{"body_base64_bytes":4095}`, `{"body_base64_bytes":4096.0,"body_text":"x"}`, `{"body_base64_bytes":"4096"}`, `{"body_text":"` + encoded(4095) + `"}`,
			`{"body_text":["` + encoded(4096) + `"]}`, `{"subject":"` + encoded(4096) + `"}`, `{"body_base64_bytes":null}`, `{}`,
		})
	checkFires(t, "email_encoded_payload", "min_bytes: 30", []string{`{"body_text":"` + encoded(30) + `"}`}, []string{`{"body_text":"` + encoded(29) + `"}`})
	type added = map[string]any
	checkAdds(t, "counted", "email_encoded_payload", "", `{"body_base64_bytes":5000,"body_text":"`+encoded(6000)+`"}`, added{"encoded_byte_count": int64(5000)})
	checkAdds(t, "measured", "email_encoded_payload", "", `{"body_base64_bytes":4,"body_text":"`+encoded(6000)+`"}`, added{"encoded_byte_count": int64(6000)})
}

// What stands on one line is what a regular expression and the decoder of the standard library say.
func TestEncodedBytesOfALineAreThoseOfTheDecoder(t *testing.T) {
	t.Parallel()
	runs := regexp.MustCompile(`[A-Za-z0-9+/]{32,}={0,2}`)
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.StringMatching(`[A-Za-z0-9+/]{28,48}={0,3}|[ -.:]`), 0, 6).Draw(t, "parts"), "")
		least := int64(rapid.IntRange(1, 60).Draw(t, "least"))
		want := int64(-1)
		for _, run := range runs.FindAllString(text, -1) {
			if data, err := base64.StdEncoding.DecodeString(run); err == nil && int64(len(data)) >= least {
				want = int64(len(data))
				break
			}
		}
		got, found := encodedBytes(text, least)
		if !found {
			got = -1
		}
		if got != want {
			t.Errorf("encodedBytes(%q, %d) = %d, want %d", text, least, got, want)
		}
	})
}

// A text that is made to be looked at again and again takes no longer than others.
func TestEncodedBytesTakesLinearTime(t *testing.T) {
	t.Parallel()
	for name, unit := range map[string]string{
		"lines of 32": strings.Repeat("a", 32) + "\n", "lines of 32 and 31": strings.Repeat("a", 32) + "\n" + strings.Repeat("a", 31) + "\n",
		"lines that grow": "", "one character": "a", "padding": "a==", "ends of lines": "a\n",
	} {
		text := strings.Repeat(unit, 1<<20/max(len(unit), 1))
		if unit == "" {
			var b strings.Builder
			for n := 32; b.Len() < 1<<20; n++ {
				b.WriteString(strings.Repeat("a", n) + "\n")
			}
			text = b.String()
		}
		start := time.Now()
		if _, found := encodedBytes(text, 1<<40); found {
			t.Errorf("%s: found what is not there", name)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s: 1 MiB takes %s, want some milliseconds", name, took)
		}
	}
}
