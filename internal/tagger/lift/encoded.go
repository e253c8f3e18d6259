package lift

import (
	"strings"

	"ttpworker/internal/tagger/payload"
)

// encodedPayload is the lifter of mails with much Base64 in them.
func encodedPayload() lifter {
	return lifter{
		name: "email_encoded_payload", kinds: []string{"email"}, adds: []string{"encoded_byte_count"},
		finds: "`body_base64_bytes` is a whole number of at least `min_bytes`, or else `body_text` has Base64 of at least 32 characters in it, on one line or " +
			"wrapped over lines of equal length, that decodes to as many bytes; `encoded_byte_count` is that number",
		params: []param{count("min_bytes", 4096, "bytes, decoded")},
		build: func(u *use) logic {
			least := u.count("min_bytes")
			return func(p *payload.Payload, f *finding) bool {
				n, is := p.Get("body_base64_bytes").Int()
				if !is || n < least {
					body, _ := p.Get("body_text").Text()
					n, is = encodedBytes(body, least)
				}
				if !is {
					return false
				}
				f.show("encoded_byte_count", n)
				return true
			}
		},
	}
}

// leastRun is how many characters of Base64 are a run and no word.
const leastRun = 32

// A run is characters of Base64 in a row, and up to two of padding behind them; or several of them, each on a line.
type run struct {
	end         int // where it ends in the text
	chars, pads int
}

// encodedBytes looks for Base64 in a text: a run of at least 32 characters, or lines of nothing else, each as long as the
// first, and maybe a shorter one behind them, as mail programs wrap it (RFC 2045, 6.8). It returns how many bytes the
// first of them decodes to that has its padding (RFC 4648, 3.2) and gives at least so many. It takes time in proportion to
// the text.
func encodedBytes(text string, least int64) (n int64, found bool) {
	for r := nextRun(text, 0); r.chars > 0; r = nextRun(text, r.end) {
		if r.chars < leastRun {
			continue
		}
		if n := r.bytes(); n >= least {
			return n, true
		}
		line := r.chars
		next := nextLine(text, r)
		for next.chars == line {
			r = r.joined(next)
			next = nextLine(text, r)
		}
		if next.chars > 0 && next.chars < line {
			if n := r.joined(next).bytes(); n >= least {
				return n, true
			}
		}
		if n := r.bytes(); n >= least {
			return n, true
		}
	}
	return 0, false
}

// bytes is how many bytes r decodes to; -1 if characters or padding are missing.
func (r run) bytes() int64 {
	if (r.chars+r.pads)%4 != 0 {
		return -1
	}
	return int64((r.chars+r.pads)/4*3 - r.pads)
}

func (r run) joined(next run) run { return run{next.end, r.chars + next.chars, next.pads} }

// nextRun is the first run that begins at from or behind it; one without characters = there is none.
func nextRun(text string, from int) run {
	for from < len(text) && !isBase64(text[from]) {
		from++
	}
	return runAt(text, from)
}

// runAt is the run that begins at begin.
func runAt(text string, begin int) run {
	end := begin
	for end < len(text) && isBase64(text[end]) {
		end++
	}
	r := run{end: end, chars: end - begin}
	for r.chars > 0 && r.pads < 2 && strings.HasPrefix(text[r.end:], "=") {
		r.end, r.pads = r.end+1, r.pads+1
	}
	return r
}

// nextLine is the run at the beginning of the line behind r, if r ends its line and has no padding.
func nextLine(text string, r run) run {
	if r.pads > 0 {
		return run{}
	}
	rest := strings.TrimPrefix(text[r.end:], "\r")
	if !strings.HasPrefix(rest, "\n") {
		return run{}
	}
	return runAt(text, len(text)-len(rest)+1)
}

func isBase64(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '+' || c == '/'
}
