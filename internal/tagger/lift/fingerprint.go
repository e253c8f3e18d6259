package lift

import (
	"slices"
	"strings"

	"ttpworker/internal/tagger/payload"
)

// fingerprintLifters are those about how a client speaks HTTP. They show the same keys whatever the sensor knows.
func fingerprintLifters() []lifter {
	keys := []string{"kind", "hash", "protocol", "client_ip", "seen_at", "raw"}
	return []lifter{
		{
			name: "http_scanner_ja4h", kinds: []string{"http_fingerprint"}, adds: keys,
			finds:  "`ja4h` is a text whose part before the first `_`, or its first 10 characters if it has none, is one of `catalogues`",
			params: []param{texts("catalogues", []string{"GE11nn0000", "GE20nn0000", "GE30nn0000"}, "first parts of JA4H fingerprints, capitals count")},
			build: func(u *use) logic {
				known := u.texts("catalogues")
				return func(p *payload.Payload, f *finding) bool {
					hash, _ := p.Get("ja4h").Text()
					prefix, _, has := strings.Cut(hash, "_")
					if runes := []rune(prefix); !has && len(runes) > 10 {
						prefix = string(runes[:10])
					}
					if !slices.Contains(known, prefix) {
						return false
					}
					return showPrint(p, f, "ja4h", hash, orElse(p, "protocol", "h1"), nil)
				}
			},
		},
		{
			name: "http_settings_probe", kinds: []string{"http_fingerprint"}, adds: keys,
			finds: "`fingerprint_type` is the text `http2_settings` or `http3_settings`; `raw` is `settings`",
			build: func(*use) logic {
				protocols := map[string]string{"http2_settings": "h2", "http3_settings": "h3"}
				return func(p *payload.Payload, f *finding) bool {
					kind, _ := p.Get("fingerprint_type").Text()
					protocol, ok := protocols[kind]
					if !ok {
						return false
					}
					return showPrint(p, f, kind, "", protocol, p.Get("settings").Any())
				}
			},
		},
		{
			name: "http_quic_probe", kinds: []string{"http_fingerprint"}, adds: keys,
			finds: "`ja4_quic` is there and neither null, false, 0 nor empty; `hash` is that value",
			build: func(*use) logic {
				return func(p *payload.Payload, f *finding) bool {
					hash := p.First("ja4_quic")
					if hash == nil {
						return false
					}
					return showPrint(p, f, "ja4_quic", hash.Any(), "h3", nil)
				}
			},
		},
	}
}

// showPrint shows a fingerprint, and who sent it when. It returns true.
func showPrint(p *payload.Payload, f *finding, kind string, hash, protocol, raw any) bool {
	f.show("kind", kind)
	f.show("hash", hash)
	f.show("protocol", protocol)
	f.show("raw", raw)
	f.show("client_ip", orElse(p, "client_ip", ""))
	f.show("seen_at", orElse(p, "seen_at", ""))
	return true
}
