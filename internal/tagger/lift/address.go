package lift

import (
	"net/netip"
	"strings"

	"ttpworker/internal/tagger/payload"
)

// addressLifters are those about addresses that give a machine away.
func addressLifters() []lifter {
	return []lifter{
		{
			name: "ipv6_link_local_leak", kinds: []string{"ipv6_leak"},
			adds: []string{"addr", "mac_oui", "iid_kind", "vector", "on_iface", "attacker_v4", "observed_at"},
			finds: "the first of `addr` and `src_ip` is an address in fe80::/10, with or without a zone; `attacker_v4` is the first of `attacker_v4` and " +
				"`attacker_ip`, and what is missing is shown as the empty text, `iid_kind` as `unknown`",
			build: func(*use) logic { return linkLocal },
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

// orElse is the value of a field, or another one where the field is missing.
func orElse(p *payload.Payload, name, other string) any {
	if v := p.Get(name); v != nil {
		return v.Any()
	}
	return other
}
