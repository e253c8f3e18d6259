package lift

import (
	"math"

	"ttpworker/internal/tagger/payload"
)

// behaviourLifters are those about what a session has done, by its numbers.
func behaviourLifters() []lifter {
	return []lifter{
		{
			name: "behavioral_beaconing", kinds: []string{"session"},
			finds: "`beacon_interval_s` is a number of at least `min_interval_s`, and `beacon_jitter_pct` one of at most `max_jitter_pct`",
			params: []param{
				number("min_interval_s", 10, math.Inf(1), "seconds from one call to the next"),
				number("max_jitter_pct", 0.15, math.Inf(1), "how much that varies, as a share of it"),
			},
			build: func(u *use) logic {
				least, most := u.number("min_interval_s"), u.number("max_jitter_pct")
				return func(p *payload.Payload, _ *finding) bool {
					interval, isInterval := p.Get("beacon_interval_s").Number()
					jitter, isJitter := p.Get("beacon_jitter_pct").Number()
					return isInterval && isJitter && interval >= least && jitter <= most
				}
			},
		},
		{
			name: "behavioral_exfil_over_web", kinds: []string{"session"},
			finds: "`bytes_out` is a number of at least `min_payload_bytes`, or `request_count` a whole number of at least `request_threshold`",
			params: []param{
				count("min_payload_bytes", 1<<20, "bytes sent"),
				count("request_threshold", 50, "requests sent"),
			},
			build: func(u *use) logic {
				size, requests := u.count("min_payload_bytes"), u.count("request_threshold")
				return func(p *payload.Payload, _ *finding) bool {
					return numberAtLeast(p, "bytes_out", size) || atLeast(p, "request_count", requests)
				}
			},
		},
		{
			name: "behavioral_db_mass_read", kinds: []string{"session"},
			finds: "`rows_read` is a whole number of at least `min_rows`, or `bytes_read` a number of at least `min_bytes`",
			params: []param{
				count("min_rows", 10_000, "rows read"),
				count("min_bytes", 5<<20, "bytes read"),
			},
			build: func(u *use) logic {
				rows, size := u.count("min_rows"), u.count("min_bytes")
				return func(p *payload.Payload, _ *finding) bool {
					return atLeast(p, "rows_read", rows) || numberAtLeast(p, "bytes_read", size)
				}
			},
		},
		{
			name: "behavioral_llmnr_poisoning", kinds: []string{"session"},
			finds:  "`llmnr_poisoned` is true, or `llmnr_poison_count` a whole number of at least `poison_threshold`",
			params: []param{count("poison_threshold", 1, "answers that were forged")},
			build: func(u *use) logic {
				least := u.count("poison_threshold")
				return func(p *payload.Payload, _ *finding) bool {
					return p.Get("llmnr_poisoned").True() || atLeast(p, "llmnr_poison_count", least)
				}
			},
		},
	}
}

// numberAtLeast reports whether a field is a number, whole or not, that is not less than least.
func numberAtLeast(p *payload.Payload, name string, least int64) bool {
	f, is := p.Get(name).Number()
	return is && f >= float64(least)
}
