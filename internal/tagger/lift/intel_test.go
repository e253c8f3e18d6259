package lift

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/tagger"
)

// selected are the emits of a lifter that fire on a payload, each with what its confidence is multiplied by and its evidence.
func selected(t *testing.T, lifter, parameters, payload string) map[string]string {
	t.Helper()
	l := compile(t, lifter, parameters)
	f, fires := ask(t, l, payload)
	if !fires {
		return nil
	}
	out := map[string]string{}
	for _, e := range f.fired(len(l.emits)) {
		out[l.emits[e.index].TechniqueID] = fmt.Sprintf("%v %v", e.scale, e.extra)
	}
	return out
}

func TestIntelVerdicts(t *testing.T) {
	t.Parallel()
	type verdict = map[string]string
	for _, tt := range []struct {
		name, lifter, parameters, payload string
		want                              verdict
	}{
		{
			name: "each category", lifter: "intel_abuseipdb", payload: `{"abuseipdb_score":100,"abuseipdb_categories":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24]}`,
			want: verdict{
				"T1110": "1 map[abuseipdb_categories:[5 18 22]]", "T1190": "1 map[abuseipdb_categories:[15 16 21 23]]", "T1566": "1 map[abuseipdb_categories:[7 11 17]]",
				"T1046": "1 map[abuseipdb_categories:[14]]", "T1078": "1 map[abuseipdb_categories:[20]]", "T1090": "1 map[abuseipdb_categories:[9 13]]",
				"T1496": "1 map[abuseipdb_categories:[11]]", "T1595": "1 map[abuseipdb_categories:[14 19]]",
			},
		},
		{
			name: "in their order, with repeats", lifter: "intel_abuseipdb", payload: `{"abuseipdb_score":50,"abuseipdb_categories":[22,"5",5,5.0,null,true,22]}`,
			want: verdict{"T1110": "0.5 map[abuseipdb_categories:[22 5 22]]"},
		},
		{
			name: "spam below the high score", lifter: "intel_abuseipdb", payload: `{"abuseipdb_score":79.999,"abuseipdb_categories":[11]}`,
			want: verdict{"T1496": "0.79999 map[abuseipdb_categories:[11]]"},
		},
		{
			name: "spam at the high score", lifter: "intel_abuseipdb", payload: `{"abuseipdb_score":80,"abuseipdb_categories":[11]}`,
			want: verdict{"T1496": "0.8 map[abuseipdb_categories:[11]]", "T1566": "0.8 map[abuseipdb_categories:[11]]"},
		},
		{
			name: "more than all", lifter: "intel_abuseipdb", payload: `{"abuseipdb_score":250,"abuseipdb_categories":[18]}`,
			want: verdict{"T1110": "2.5 map[abuseipdb_categories:[18]]"},
		},
		{
			name: "the other name", lifter: "intel_abuseipdb", payload: `{"abuseipdb_score":100,"abuseipdb_categories":null,"categories":[18]}`,
			want: verdict{"T1110": "1 map[abuseipdb_categories:[18]]"},
		},
		{name: "the first name is no list", lifter: "intel_abuseipdb", payload: `{"abuseipdb_score":100,"abuseipdb_categories":"18","categories":[18]}`},
		{name: "no score", lifter: "intel_abuseipdb", payload: `{"abuseipdb_categories":[18]}`},
		{name: "a score that is a text", lifter: "intel_abuseipdb", payload: `{"abuseipdb_score":"100","abuseipdb_categories":[18]}`},
		{name: "a score that is true", lifter: "intel_abuseipdb", payload: `{"abuseipdb_score":true,"abuseipdb_categories":[18]}`},
		{name: "no meaning", lifter: "intel_abuseipdb", payload: `{"abuseipdb_score":100,"abuseipdb_categories":[4,10,12,-18,18446744073709551634]}`},
		{name: "no categories", lifter: "intel_abuseipdb", payload: `{"abuseipdb_score":100}`},
		{
			name: "a table of one's own", lifter: "intel_abuseipdb", payload: `{"abuseipdb_score":10,"abuseipdb_categories":[3,18]}`, parameters: everyTechnique,
			want: verdict{
				"T1046": "0.1 map[abuseipdb_categories:[3]]", "T1078": "0.1 map[abuseipdb_categories:[3]]", "T1090": "0.1 map[abuseipdb_categories:[3]]",
				"T1110": "0.1 map[abuseipdb_categories:[3]]", "T1190": "0.1 map[abuseipdb_categories:[3]]", "T1496": "0.1 map[abuseipdb_categories:[3]]",
				"T1566": "0.1 map[abuseipdb_categories:[3]]", "T1595": "0.1 map[abuseipdb_categories:[3]]",
			},
		},
		{
			name: "a scanner that crawls", lifter: "intel_greynoise", payload: `{"greynoise_classification":"scanner","greynoise_tags":["web_crawler","other",7,"web_crawler"]}`,
			want: verdict{"T1595": "1 map[greynoise_tags:[scanner web_crawler web_crawler]]"},
		},
		{
			name: "each tag", lifter: "intel_greynoise",
			payload: `{"greynoise_tags":["tor_exit_node","ssh_bruteforcer","web_crawler","cobalt_strike","metasploit","sliver","havoc"]}`,
			want: verdict{
				"T1090": "1 map[greynoise_tags:[tor_exit_node]]", "T1110": "1 map[greynoise_tags:[ssh_bruteforcer]]", "T1595": "1 map[greynoise_tags:[web_crawler]]",
				"T1071": "1 map[greynoise_tags:[cobalt_strike metasploit sliver havoc]]", "T1588": "1 map[greynoise_tags:[cobalt_strike metasploit sliver havoc]]",
			},
		},
		{
			name: "malicious alone", lifter: "intel_greynoise", payload: `{"greynoise_classification":"malicious","greynoise_tags":["web_crawler"]}`,
			want: verdict{"T1071": "0.5 map[greynoise_tags:[malicious]]", "T1595": "1 map[greynoise_tags:[web_crawler]]"},
		},
		{
			name: "malicious, and a tag that says more", lifter: "intel_greynoise", payload: `{"greynoise_classification":"malicious","greynoise_tags":["havoc"]}`,
			want: verdict{"T1071": "1 map[greynoise_tags:[havoc]]", "T1588": "1 map[greynoise_tags:[havoc]]"},
		},
		{
			name: "another weight", lifter: "intel_greynoise", parameters: "weak_multiplier: 0.25", payload: `{"greynoise_classification":"malicious"}`,
			want: verdict{"T1071": "0.25 map[greynoise_tags:[malicious]]"},
		},
		{name: "benign", lifter: "intel_greynoise", payload: `{"greynoise_classification":"benign","greynoise_tags":[]}`},
		{name: "capitals", lifter: "intel_greynoise", payload: `{"greynoise_classification":"SCANNER","greynoise_tags":["Havoc"]}`},
		{name: "other types", lifter: "intel_greynoise", payload: `{"greynoise_classification":["scanner"],"greynoise_tags":"havoc"}`},
		{name: "nothing", lifter: "intel_greynoise", payload: `{}`},
		{
			name: "each type", lifter: "intel_threatfox", payload: `{"threatfox_threat_types":["payload","botnet_cc","payload_delivery","cc_skimming","other",7]}`,
			want: verdict{
				"T1071": "1 map[threat_types:[botnet_cc]]", "T1588": "1 map[threat_types:[payload botnet_cc payload_delivery]]",
				"T1105": "1 map[threat_types:[payload_delivery]]", "T1056": "1 map[threat_types:[cc_skimming]]",
			},
		},
		{
			name: "one text under the other name", lifter: "intel_threatfox", payload: `{"threatfox_threat_types":"","threat_type":"cc_skimming"}`,
			want: verdict{"T1056": "1 map[threat_types:[cc_skimming]]"},
		},
		{
			name: "a list under the other name", lifter: "intel_threatfox", payload: `{"threat_type":["cc_skimming"]}`,
			want: verdict{"T1056": "1 map[threat_types:[cc_skimming]]"},
		},
		{name: "an unknown type before a known one", lifter: "intel_threatfox", payload: `{"threatfox_threat_types":"other","threat_type":"payload"}`},
		{name: "a number", lifter: "intel_threatfox", payload: `{"threatfox_threat_types":7,"threat_type":"payload"}`},
		{name: "indicators alone", lifter: "intel_threatfox", payload: `{"threatfox_ioc_types":["payload"],"threatfox_malware_families":["x"]}`},
	} {
		if diff := cmp.Diff(tt.want, selected(t, tt.lifter, tt.parameters, tt.payload)); diff != "" {
			t.Errorf("%s: emits of %s on %s (-want +got):\n%s", tt.name, tt.lifter, tt.payload, diff)
		}
	}
	checkFires(t, "intel_feodo", "", []string{`{"feodo_listed":true}`}, []string{`{"feodo_listed":false}`, `{"feodo_listed":"true"}`, `{"feodo_listed":1}`, `{"malware_family":"x"}`, `{}`})
	checkFires(t, "intel_aggregate_bump", "", []string{`{"aggregate_verdict":"malicious"}`},
		[]string{`{"aggregate_verdict":"Malicious"}`, `{"aggregate_verdict":["malicious"]}`, `{"aggregate_verdict":true}`, `{}`})
	checkFires(t, "intel_aggregate_bump", "bump_amount: 0", nil, []string{`{"aggregate_verdict":"malicious"}`})
}

const everyTechnique = "categories: {3: [T1046, T1078, T1090, T1110, T1190, T1496, T1566, T1595]}"

func TestWhatIntelLiftersAdd(t *testing.T) {
	t.Parallel()
	type added = map[string]any
	for _, tt := range []struct {
		name, lifter, payload string
		want                  added
	}{
		{"score", "intel_abuseipdb", `{"abuseipdb_score":87.9,"abuseipdb_categories":[18]}`, added{"abuse_confidence_score": int64(87)}},
		{"score that has no place", "intel_abuseipdb", `{"abuseipdb_score":1e999,"abuseipdb_categories":[18]}`, added{"abuse_confidence_score": int64(1 << 53)}},
		{"score below nothing", "intel_abuseipdb", `{"abuseipdb_score":-1.5,"abuseipdb_categories":[18]}`, added{"abuse_confidence_score": int64(-1)}},
		{"nothing for all tags", "intel_greynoise", `{"greynoise_classification":"scanner"}`, nil},
		{"family", "intel_feodo", `{"feodo_listed":true,"feodo_malware_family":"a","malware_family":"b"}`, added{"feodo_listed": true, "malware_family": "a"}},
		{"other name of the family", "intel_feodo", `{"feodo_listed":true,"feodo_malware_family":"","malware_family":"b"}`, added{"feodo_listed": true, "malware_family": "b"}},
		{"no family", "intel_feodo", `{"feodo_listed":true,"feodo_malware_family":["a"],"malware_family":"b"}`, added{"feodo_listed": true}},
		{
			"families and indicators", "intel_threatfox",
			`{"threat_type":"payload","threatfox_malware_families":["a",7,"b"],"malware_family":"c","threatfox_ioc_types":["url",null,"domain"]}`,
			added{"malware_families": []string{"a", "b"}, "ioc_types": []string{"url", "domain"}},
		},
		{
			"one family", "intel_threatfox", `{"threat_type":"payload","threatfox_malware_families":[],"malware_family":"c","threatfox_ioc_types":"url"}`,
			added{"malware_families": []string{"c"}},
		},
		{"neither", "intel_threatfox", `{"threat_type":"payload","malware_family":7,"threatfox_ioc_types":[7]}`, nil},
	} {
		checkAdds(t, tt.name, tt.lifter, "", tt.payload, tt.want)
	}
}

func TestTablesAreRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, lifter, parameters string
		want                     []string
	}{
		{"unknown technique", "intel_threatfox", "threat_types:\n  payload: [T1588, T9999]", []string{`3:22: unknown technique "T9999" in ATT&CK v19.1`}},
		{"revoked technique", "intel_threatfox", "threat_types: {payload: [T1588, T1562.001]}", []string{`2:35: technique T1562.001 is revoked in ATT&CK v19.1: use T1685`}},
		{"no techniques", "intel_threatfox", "threat_types: {payload: []}", []string{`2:27: want a list of techniques, got an empty list`}},
		{"no list", "intel_threatfox", "threat_types: {payload: T1588}", []string{`2:27: want a list of techniques, got "T1588"`}},
		{"no text", "intel_threatfox", "threat_types: {payload: [[T1588]]}", []string{`2:28: want a technique, such as T1110, got a list`}},
		{"no signal", "intel_threatfox", "threat_types: {}", []string{`2:17: want a mapping of signals to lists of techniques, got an empty mapping`}},
		{"no mapping", "intel_threatfox", "threat_types: [payload]", []string{`2:17: want a mapping of signals to lists of techniques, got a list`}},
		{"no number", "intel_abuseipdb", "categories: {ssh: [T1110], 05: [T1110]}", []string{
			`2:16: want a whole number as signal, got "ssh"`, `2:30: want a whole number as signal, got "05"`,
		}},
		{"an emit that nothing selects", "intel_threatfox", "threat_types: {payload: [T1588], cc_skimming: [T1056], botnet_cc: [T1071]}", []string{
			`100:1: no signal stands for T1105: name it in the parameters of the lifter, or remove this emit`,
		}},
	} {
		_, err := Compile(useOf(t, tt.lifter, tt.parameters, "intel"))
		if diff := cmp.Diff(tt.want, faults(t, err)); diff != "" {
			t.Errorf("%s: faults (-want +got):\n%s", tt.name, diff)
		}
	}
}

// An id of a technique selects all emits under it, that of a sub-technique only its own.
func TestTechniquesSelectSubTechniques(t *testing.T) {
	t.Parallel()
	parent := tagger.Emit{TechniqueID: "T1071"}
	sub := tagger.Emit{TechniqueID: "T1071", SubTechniqueID: "T1071.001"}
	for _, tt := range []struct {
		techniques []string
		emit       tagger.Emit
		want       bool
	}{
		{[]string{"T1071"}, parent, true},
		{[]string{"T1090", "T1071"}, sub, true},
		{[]string{"T1071.001"}, sub, true},
		{[]string{"T1071.001"}, parent, false},
		{[]string{"T1071.002"}, sub, false},
		{nil, parent, false},
	} {
		if got := selects(tt.techniques, &tt.emit); got != tt.want {
			t.Errorf("selects(%q, %s) = %t, want %t", tt.techniques, tt.emit.Technique(), got, tt.want)
		}
	}
}
