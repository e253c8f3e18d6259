package lift

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSessionLifters(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		lifter, parameters string
		fires, silent      []string
	}{
		{
			lifter: "behavioral_beaconing",
			fires: []string{
				`{"beacon_interval_s":10,"beacon_jitter_pct":0.15}`, `{"beacon_interval_s":10.0,"beacon_jitter_pct":0}`,
				`{"beacon_interval_s":1e9,"beacon_jitter_pct":-1}`,
			},
			silent: []string{
				`{"beacon_interval_s":9.999,"beacon_jitter_pct":0.15}`, `{"beacon_interval_s":10,"beacon_jitter_pct":0.1501}`,
				`{"beacon_interval_s":"10","beacon_jitter_pct":0}`, `{"beacon_interval_s":60,"beacon_jitter_pct":"0"}`, `{"beacon_interval_s":60}`,
				`{"beacon_jitter_pct":0}`, `{"beacon_interval_s":true,"beacon_jitter_pct":false}`, `{"beacon_interval_s":[60],"beacon_jitter_pct":[0]}`,
			},
		},
		{
			lifter: "behavioral_beaconing", parameters: "min_interval_s: 0.5\nmax_jitter_pct: 1",
			fires:  []string{`{"beacon_interval_s":0.5,"beacon_jitter_pct":1}`},
			silent: []string{`{"beacon_interval_s":0.49,"beacon_jitter_pct":1}`, `{"beacon_interval_s":0.5,"beacon_jitter_pct":1.01}`},
		},
		{
			lifter: "behavioral_exfil_over_web",
			fires: []string{
				`{"bytes_out":1048576}`, `{"bytes_out":1048576.5}`, `{"bytes_out":1e7,"request_count":"x"}`, `{"request_count":50}`,
				`{"bytes_out":0,"request_count":51}`,
			},
			silent: []string{
				`{"bytes_out":1048575,"request_count":49}`, `{"bytes_out":1048575.9}`, `{"bytes_out":"1048576"}`, `{"request_count":50.0}`,
				`{"request_count":true,"bytes_out":true}`, `{}`,
			},
		},
		{
			lifter: "behavioral_db_mass_read",
			fires:  []string{`{"rows_read":10000}`, `{"bytes_read":5242880}`, `{"bytes_read":5242880.0,"rows_read":1}`},
			silent: []string{`{"rows_read":9999,"bytes_read":5242879}`, `{"rows_read":10000.0}`, `{"rows_read":"10000"}`, `{"bytes_read":"5242880"}`, `{}`},
		},
		{
			lifter: "behavioral_llmnr_poisoning",
			fires:  []string{`{"llmnr_poisoned":true}`, `{"llmnr_poison_count":1}`, `{"llmnr_poisoned":false,"llmnr_poison_count":2}`},
			silent: []string{`{"llmnr_poisoned":"true"}`, `{"llmnr_poisoned":1}`, `{"llmnr_poison_count":0}`, `{"llmnr_poison_count":1.0}`, `{"llmnr_poison_count":true}`, `{}`},
		},
		{
			lifter: "behavioral_data_destruction",
			fires: []string{
				`{"op_text":"FLUSHALL"}`, `{"op_text":"DROP \t\n DATABASE shop"}`, `{"command_text":"mysql -e 'TRUNCATE TABLE users'"}`,
				`{"op_text":"db.dropDatabase()"}`, `{"op_text":"DELETE /_all HTTP/1.1"}`, `{"op_text":"","command_text":"FLUSHALL"}`,
				`{"op_text":null,"command_text":"FLUSHALL"}`, `{"op_text":0,"command_text":"FLUSHALL"}`,
			},
			silent: []string{
				`{"op_text":"flushall"}`, `{"op_text":"DROPDATABASE"}`, `{"op_text":"dropDatabase"}`, `{"op_text":"DELETE /_search"}`,
				`{"op_text":"GET x","command_text":"FLUSHALL"}`, `{"op_text":7,"command_text":"FLUSHALL"}`, `{"op_text":["FLUSHALL"]}`, `{}`,
			},
		},
		{
			lifter: "behavioral_credentials_in_files",
			fires: []string{
				`{"path":"/.env"}`, `{"request_path":"/a/.git/config?x"}`, `{"matched_path":"/root/.aws/credentials"}`, `{"path":"/home/u/.ssh/id_rsa.bak"}`,
				`{"path":"/blog/wp-config.php~"}`, `{"matched_path":"","request_path":"","path":"/.env.local"}`,
			},
			silent: []string{
				`{"path":"/.ENV"}`, `{"path":"/env"}`, `{"matched_path":"/","path":"/.env"}`, `{"matched_path":["/.env"]}`, `{"matched_path":7,"path":"/.env"}`,
				`{"raw_url":"/.env"}`, `{}`,
			},
		},
		{
			lifter: "behavioral_k8s_sa_token",
			fires: []string{
				`{"path":"/api/v1/namespaces/default/secrets"}`, `{"request_path":"/x/api/v1/namespaces/kube-system/secrets/token"}`,
				`{"matched_path":"/var/run/secrets/kubernetes.io/serviceaccount/token"}`,
			},
			silent: []string{
				`{"path":"/api/v1/namespaces//secrets"}`, `{"path":"/api/v1/namespaces/a/b/secrets"}`, `{"path":"/api/v1/namespaces/a/pods"}`,
				`{"path":"/var/run/secrets/kubernetesXio/serviceaccount"}`, `{"path":{"a":"/var/run/secrets/kubernetes.io/serviceaccount"}}`,
			},
		},
		{
			lifter: "behavioral_docker_escape",
			fires:  []string{`{"signals":["x","bind:/etc"]}`, `{"signals":[7,null,"privileged:true"]}`, `{"signals":["bind:\/:\/"]}`, `{"signals":["bind:/var/run/docker.sock"]}`},
			silent: []string{`{"signals":["bind:/etc/"]}`, `{"signals":["PRIVILEGED:TRUE"]}`, `{"signals":"privileged:true"}`, `{"signals":[["privileged:true"]]}`, `{"signals":[]}`, `{}`},
		},
	} {
		checkFires(t, tt.lifter, tt.parameters, tt.fires, tt.silent)
	}
}

const (
	legacy  = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"
	bech32  = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
	monero  = "4AdUndXHHZ6cfufTMvppY6JwXNouMBzSkbLYfpAV5Usx3skxNgYeYTRj5UzqtReoS44qo9mtmXCqY45DJ852K5Jv2684Rge"
	tooLong = "1BoatSLRHtKNngkdXEeobR76b53LETtpyTz"
)

func TestRansomNote(t *testing.T) {
	t.Parallel()
	addresses := newAddresses()
	for _, tt := range []struct{ name, text, want string }{
		{"Base58Check", "pay to " + legacy + ".", legacy},
		{"the longest", "1" + strings.Repeat("z", 34), "1" + strings.Repeat("z", 34)},
		{"one character more", "1" + strings.Repeat("z", 35), ""},
		{"the shortest", "3" + strings.Repeat("z", 25), "3" + strings.Repeat("z", 25)},
		{"one character less", "3" + strings.Repeat("z", 24), ""},
		{"a letter that Base58 has not", "1" + strings.Repeat("z", 20) + "0" + strings.Repeat("z", 9), ""},
		{"inside of a word", "x" + legacy, ""},
		{"Bech32", "(" + bech32 + ")", bech32},
		{"Bech32 in capitals", strings.ToUpper(bech32), ""},
		{"the shortest Bech32", "bc1" + strings.Repeat("q", 11), "bc1" + strings.Repeat("q", 11)},
		{"one less", "bc1" + strings.Repeat("q", 10), ""},
		{"the longest Bech32", "bc1" + strings.Repeat("q", 71), "bc1" + strings.Repeat("q", 71)},
		{"one more", "bc1" + strings.Repeat("q", 72), ""},
		{"a letter that Bech32 has not", "bc1" + strings.Repeat("q", 11) + "b", ""},
		{"Monero", monero, monero},
		{"Monero that is cut", monero[:94], ""},
		{"Monero before Bitcoin", monero + " or " + bech32, bech32},
		{"two of Bitcoin", bech32 + " " + legacy, bech32},
		{"another beginning", "2" + legacy[1:], ""},
	} {
		if got := addresses.find(tt.text); got != tt.want {
			t.Errorf("%s: find(%q) = %q, want %q", tt.name, tt.text, got, tt.want)
		}
	}
	checkFires(t, "behavioral_ransom_note", "",
		[]string{
			`{"body_text":"Ransom: ` + legacy + `"}`, `{"note_text":"DECRYPTION costs. ` + monero + `"}`, `{"body_text":"","note_text":"btc ` + bech32 + `"}`,
		},
		[]string{
			`{"body_text":"Ransom"}`, `{"body_text":"` + legacy + `"}`, `{"body_text":"hello","note_text":"btc ` + legacy + `"}`,
			`{"body_text":["btc ` + legacy + `"]}`, `{"body_text":1,"note_text":"btc ` + legacy + `"}`, `{"body_text":"btc ` + tooLong[:20] + `"}`, `{}`,
		})
	checkFires(t, "behavioral_ransom_note", "require_btc_or_xmr: false\nkeywords: [Your Files]",
		[]string{`{"body_text":"YOUR FILES are gone"}`}, []string{`{"body_text":"btc ` + legacy + `"}`, `{}`})

	f, _ := ask(t, compile(t, "behavioral_ransom_note", ""), `{"body_text":"Decrypt with BTC, a ransom. `+monero+` `+legacy+`"}`)
	want := map[string]any{"matched_keywords": []string{"btc", "ransom", "decrypt"}, "btc_address": legacy}
	if diff := cmp.Diff(want, f.extra); diff != "" {
		t.Errorf("evidence (-want +got):\n%s", diff)
	}
}

func TestWhatSessionLiftersAdd(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		lifter, payload string
		want            map[string]any
	}{
		{"behavioral_data_destruction", `{"op_text":"TRUNCATE TABLE x; DROP  DATABASE y"}`, map[string]any{"matched_op": `DROP\s+DATABASE`}},
		{"behavioral_credentials_in_files", `{"request_path":"/\u002eenv"}`, map[string]any{"matched_path": "/.env"}},
		{"behavioral_k8s_sa_token", `{"path":"/api/v1/namespaces/n/secrets"}`, map[string]any{"matched_path": "/api/v1/namespaces/n/secrets"}},
		{"behavioral_docker_escape", `{"signals":["bind:/etc","privileged:true"]}`, map[string]any{"matched_signal": "privileged:true"}},
		{"behavioral_ransom_note", `{"note_text":"ransom ` + monero + `"}`, map[string]any{"matched_keywords": []string{"ransom"}, "btc_address": monero}},
	} {
		f, fires := ask(t, compile(t, tt.lifter, ""), tt.payload)
		if diff := cmp.Diff(tt.want, f.extra); !fires || diff != "" {
			t.Errorf("%s on %s: fires %t, adds (-want +got):\n%s", tt.lifter, tt.payload, fires, diff)
		}
	}
}
