package lift

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNetworkLifters(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		lifter, parameters string
		fires, silent      []string
	}{
		{
			lifter: "ipv6_link_local_leak",
			fires: []string{
				`{"addr":"fe80::1"}`, `{"addr":"FE80::A"}`, `{"src_ip":"fe80::1%eth0"}`, `{"addr":"fe80:0:0:0:1:2:3:4"}`, `{"addr":"febf:ffff::1"}`, `{"addr":"fe90::"}`,
				`{"addr":"","src_ip":"fe80::1"}`, `{"addr":null,"src_ip":"fe80::1"}`, `{"addr":"fe80::192.0.2.1"}`,
			},
			silent: []string{
				`{"addr":"fe7f:ffff::1"}`, `{"addr":"fec0::1"}`, `{"addr":"2001:db8::fe80"}`, `{"addr":"fe80:"}`, `{"addr":"fe80:rubbish"}`, `{"addr":"fe80::1 x"}`,
				`{"addr":"fe80::1/64"}`, `{"addr":"::ffff:169.254.1.1"}`, `{"addr":"169.254.1.1"}`, `{"addr":"2001:db8::1","src_ip":"fe80::1"}`,
				`{"addr":["fe80::1"]}`, `{"addr":7,"src_ip":"fe80::1"}`, `{}`,
			},
		},
		{
			lifter: "http_scanner_ja4h",
			fires:  []string{`{"ja4h":"GE11nn0000_a_b"}`, `{"ja4h":"GE20nn0000"}`, `{"ja4h":"GE30nn0000abcdef"}`},
			silent: []string{
				`{"ja4h":"GE11nn00000_a"}`, `{"ja4h":"GE11nn000"}`, `{"ja4h":"ge11nn0000_a"}`, `{"ja4h":"_GE11nn0000"}`, `{"ja4h":""}`, `{"ja4h":["GE11nn0000"]}`,
				`{"ja4h":true}`, `{}`,
			},
		},
		{
			lifter: "http_scanner_ja4h", parameters: "catalogues: [po11nn0200]",
			fires: []string{`{"ja4h":"po11nn0200_x"}`}, silent: []string{`{"ja4h":"GE11nn0000_a"}`},
		},
		{
			lifter: "http_settings_probe",
			fires:  []string{`{"fingerprint_type":"http2_settings"}`, `{"fingerprint_type":"http3_settings","settings":null}`},
			silent: []string{`{"fingerprint_type":"http1_settings"}`, `{"fingerprint_type":"HTTP2_SETTINGS"}`, `{"fingerprint_type":["http2_settings"]}`, `{"settings":{}}`},
		},
		{
			lifter: "http_quic_probe",
			fires:  []string{`{"ja4_quic":"q13d"}`, `{"ja4_quic":1}`, `{"ja4_quic":true}`, `{"ja4_quic":["x"]}`, `{"ja4_quic":{"a":1}}`},
			silent: []string{`{"ja4_quic":""}`, `{"ja4_quic":0}`, `{"ja4_quic":false}`, `{"ja4_quic":null}`, `{"ja4_quic":[]}`, `{"ja4_quic":{}}`, `{}`},
		},
	} {
		checkFires(t, tt.lifter, tt.parameters, tt.fires, tt.silent)
	}
}

func TestWhatNetworkLiftersAdd(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, lifter, payload, want string }{
		{
			name: "all seven keys, whatever is there", lifter: "ipv6_link_local_leak", payload: `{"src_ip":"FE80::1"}`,
			want: `{"addr":"fe80::1","attacker_v4":null,"iid_kind":"unknown","mac_oui":"","observed_at":"","on_iface":"","vector":""}`,
		},
		{
			name: "values as they are", lifter: "ipv6_link_local_leak",
			payload: `{"addr":"fe80::1","attacker_v4":"","attacker_ip":"203.0.113.5","iid_kind":"eui64","mac_oui":"00:00:5e","observed_at":1.50,"on_iface":null,"vector":["ra"]}`,
			want:    `{"addr":"fe80::1","attacker_v4":"203.0.113.5","iid_kind":"eui64","mac_oui":"00:00:5e","observed_at":1.50,"on_iface":null,"vector":["ra"]}`,
		},
		{
			name: "JA4H", lifter: "http_scanner_ja4h", payload: `{"ja4h":"GE11nn0000_a"}`,
			want: `{"client_ip":"","hash":"GE11nn0000_a","kind":"ja4h","protocol":"h1","raw":null,"seen_at":""}`,
		},
		{
			name: "JA4H of another protocol", lifter: "http_scanner_ja4h", payload: `{"ja4h":"GE20nn0000_a","protocol":"h2","client_ip":"203.0.113.5","seen_at":5}`,
			want: `{"client_ip":"203.0.113.5","hash":"GE20nn0000_a","kind":"ja4h","protocol":"h2","raw":null,"seen_at":5}`,
		},
		{
			name: "settings", lifter: "http_settings_probe", payload: `{"fingerprint_type":"http2_settings","protocol":"h9","settings":{"b":[1],"a":2.0}}`,
			want: `{"client_ip":"","hash":"","kind":"http2_settings","protocol":"h2","raw":{"a":2.0,"b":[1]},"seen_at":""}`,
		},
		{
			name: "no settings", lifter: "http_settings_probe", payload: `{"fingerprint_type":"http3_settings"}`,
			want: `{"client_ip":"","hash":"","kind":"http3_settings","protocol":"h3","raw":null,"seen_at":""}`,
		},
		{
			name: "QUIC", lifter: "http_quic_probe", payload: `{"ja4_quic":["q13d"],"seen_at":"2026-01-01"}`,
			want: `{"client_ip":"","hash":["q13d"],"kind":"ja4_quic","protocol":"h3","raw":null,"seen_at":"2026-01-01"}`,
		},
	} {
		f, fires := ask(t, compile(t, tt.lifter, ""), tt.payload)
		got, err := json.Marshal(f.extra)
		if err != nil || !fires {
			t.Fatalf("%s: fires %t, evidence %v: %v", tt.name, fires, f.extra, err)
		}
		if diff := cmp.Diff(tt.want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
