package lift

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/match"
	"ttpworker/internal/tagger"
)

// everything is a tagger of all lifters with their defaults, over all kinds that they read, that shows all it may.
func everything(t testing.TB) *Tagger {
	t.Helper()
	s := NewSet()
	for _, l := range lifters() {
		u := useOf(t, l.name, "", l.kinds...)
		for _, kind := range l.kinds {
			u.Evidence = append(u.Evidence, shown(kind).fields...)
		}
		lifted, err := Compile(u)
		if err != nil {
			t.Fatal(err)
		}
		s.Put(lifted, origin(l.name, tagger.DefaultStanding()), nil)
	}
	return s.Tagger()
}

// FuzzLifters wants of every lifter on any payload that it does not fail, says the same again, and that nothing leaves
// but what may.
func FuzzLifters(f *testing.F) {
	for _, seed := range []string{
		`{"fail_count":5,"password_count":9,"username":"root","password":"root","result":"success","prior_brute":true,"secret":"x"}`,
		`{"shared_password_hash":"h","account_count":3,"credential_hash":"h","reuse_count":1}`,
		`{"beacon_interval_s":60,"beacon_jitter_pct":0,"bytes_out":1e9,"rows_read":99999,"llmnr_poisoned":true,"signals":["bind:/etc",{"a":[]}]}`,
		`{"op_text":"FLUSHALL","path":"/.env/var/run/secrets/kubernetes.io/serviceaccount","body_text":"btc ` + bech32 + `"}`,
		`{"addr":"fe80::1%x","mac_oui":[{"a":1}],"ja4h":"GE11nn0000","ja4_quic":-0.0,"fingerprint_type":"http2_settings","settings":{"\u0061":"\ud800"}}`,
		`{"\u0070ath":"\u002eenv","path":"","a":{"b":[1,2,{"c":null}]}}`, `{}`, `{"bytes_out":1e999}`,
	} {
		f.Add([]byte(seed))
	}
	tg := everything(f)
	index, scratch := match.NewBuilder().Index(), match.NewScratch()
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := index.Match(data, scratch); err != nil {
			return // no payload: wire lets it not through
		}
		for _, kind := range tg.Kinds() {
			ev := event(kind, string(data))
			tags, err := tg.AppendTags(nil, ev)
			if err != nil {
				t.Fatalf("%s %q: %v", kind, data, err)
			}
			for i := range tags {
				checkTag(t, kind, &tags[i])
			}
			again, _ := tg.AppendTags(nil, ev)
			if diff := cmp.Diff(tags, again); diff != "" {
				t.Errorf("%s %q, once and again (-once +again):\n%s", kind, data, diff)
			}
		}
	})
}

func checkTag(t *testing.T, kind string, tag *tagger.Tag) {
	t.Helper()
	var evidence map[string]json.RawMessage
	if err := json.Unmarshal(tag.Evidence, &evidence); err != nil {
		t.Fatalf("evidence %q of %s: %v", tag.Evidence, tag.RuleID, err)
	}
	for key := range evidence {
		if key != tagger.CutKey && !shown(kind).key(key) {
			t.Errorf("%s on %s shows %q, which may not leave", tag.RuleID, kind, key)
		}
	}
	if !(tag.Confidence >= 0 && tag.Confidence <= 1 && tag.Confidence == tag.ConfidenceBase) {
		t.Errorf("%s on %s is %v sure, and %v before orders, want equal ones from 0 to 1", tag.RuleID, kind, tag.Confidence, tag.ConfidenceBase)
	}
}
