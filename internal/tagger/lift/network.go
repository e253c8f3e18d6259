package lift

import (
	"net/netip"
	"slices"
	"strings"

	"ttpworker/internal/tagger/payload"
)

// networkLifters are those about what packets and requests give away: addresses and fingerprints.
func networkLifters() []lifter {
	fingerprint := []string{"kind", "hash", "protocol", "client_ip", "seen_at", "raw"}
	return []lifter{
		{
			name: "ipv6_link_local_leak", kinds: []string{"ipv6_leak"},
			adds: []string{"addr", "mac_oui", "iid_kind", "vector", "on_iface", "attacker_v4", "observed_at"},
			finds: "the first of `addr` and `src_ip` is an address in fe80::/10, with or without a zone; `attacker_v4` is the first of `attacker_v4` and " +
				"`attacker_ip`, and what is missing is shown as the empty text, `iid_kind` as `unknown`",
			build: func(*use) logic { return linkLocal },
		},
		{
			name: "http_scanner_ja4h", kinds: []string{"http_fingerprint"}, adds: fingerprint,
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
					f.show("kind", "ja4h")
					f.show("hash", hash)
					f.show("protocol", orElse(p, "protocol", "h1"))
					f.show("raw", nil)
					seen(p, f)
					return true
				}
			},
		},
		{
			name: "http_settings_probe", kinds: []string{"http_fingerprint"}, adds: fingerprint,
			finds: "`fingerprint_type` is the text `http2_settings` or `http3_settings`; `raw` is `settings`",
			build: func(*use) logic {
				protocols := map[string]string{"http2_settings": "h2", "http3_settings": "h3"}
				return func(p *payload.Payload, f *finding) bool {
					kind, _ := p.Get("fingerprint_type").Text()
					protocol, ok := protocols[kind]
					if !ok {
						return false
					}
					f.show("kind", kind)
					f.show("hash", "")
					f.show("protocol", protocol)
					f.show("raw", p.Get("settings").Any())
					seen(p, f)
					return true
				}
			},
		},
		{
			name: "http_quic_probe", kinds: []string{"http_fingerprint"}, adds: fingerprint,
			finds: "`ja4_quic` is there and neither null, false, 0 nor empty; `hash` is that value",
			build: func(*use) logic {
				return func(p *payload.Payload, f *finding) bool {
					hash := p.First("ja4_quic")
					if hash == nil {
						return false
					}
					f.show("kind", "ja4_quic")
					f.show("hash", hash.Any())
					f.show("protocol", "h3")
					f.show("raw", nil)
					seen(p, f)
					return true
				}
			},
		},
	}
}

// linkLocal finds an address of the attacker's own network: RFC 4291, 2.5.6.
func linkLocal(p *payload.Payload, f *finding) bool {
	text, _ := p.First("addr", "src_ip").Text()
	text = strings.ToLower(text)
	addr, err := netip.ParseAddr(text)
	if err != nil || !netip.PrefixFrom(netip.AddrFrom16([16]byte{0xfe, 0x80}), 10).Contains(addr.WithZone("")) {
		return false
	}
	f.show("addr", text)
	f.show("attacker_v4", p.First("attacker_v4", "attacker_ip").Any())
	f.show("iid_kind", orElse(p, "iid_kind", "unknown"))
	for _, name := range []string{"mac_oui", "vector", "on_iface", "observed_at"} {
		f.show(name, orElse(p, name, ""))
	}
	return true
}

// seen shows who sent a fingerprint, and when.
func seen(p *payload.Payload, f *finding) {
	f.show("client_ip", orElse(p, "client_ip", ""))
	f.show("seen_at", orElse(p, "seen_at", ""))
}

// orElse is the value of a field, or another one where the field is missing.
func orElse(p *payload.Payload, name, other string) any {
	if v := p.Get(name); v != nil {
		return v.Any()
	}
	return other
}
