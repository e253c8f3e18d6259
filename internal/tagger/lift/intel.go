package lift

import (
	"slices"
	"strconv"

	"ttpworker/internal/tagger/payload"
)

// intelLifters are those about what services that collect reports say of an address.
func intelLifters() []lifter {
	return []lifter{abuseIPDB(), greyNoise(), feodo(), threatFox(), {
		name: "intel_aggregate_bump", kinds: []string{"intel"},
		finds: "`aggregate_verdict` is the text `malicious`, and another lifter has fired on the event: it gives no tag, and makes theirs surer by `bump_amount`, at " +
			"most to 1",
		params: []param{number("bump_amount", 0.05, 1, "what is added to confidences, before the operators' ceilings")},
		build: func(u *use) logic {
			amount := u.number("bump_amount")
			return func(p *payload.Payload, f *finding) bool {
				verdict, _ := p.Get("aggregate_verdict").Text()
				f.bump = amount
				return verdict == "malicious" && amount > 0
			}
		},
	}}
}

// maxWhole is the largest number up to which a double holds all whole ones.
const maxWhole = 1 << 53

// abuseIPDB knows the categories of https://www.abuseipdb.com/categories by their numbers.
func abuseIPDB() lifter {
	return lifter{
		name: "intel_abuseipdb", kinds: []string{"intel"}, adds: []string{"abuseipdb_categories", "abuse_confidence_score"},
		finds: "`abuseipdb_score` is a number, and the first of `abuseipdb_categories` and `categories` a list: the emits fire that a whole number in it stands for, " +
			"their confidence multiplied by a hundredth of the score; each shows its categories",
		params: []param{
			signals("categories", true, table{
				"5": {"T1110"}, "7": {"T1566"}, "9": {"T1090"}, "11": {"T1496"}, "13": {"T1090"}, "14": {"T1046", "T1595"}, "15": {"T1190"}, "16": {"T1190"},
				"17": {"T1566"}, "18": {"T1110"}, "19": {"T1595"}, "20": {"T1078"}, "21": {"T1190"}, "22": {"T1110"}, "23": {"T1190"},
			}, "categories and what they stand for"),
			signals("high_score_categories", true, table{"11": {"T1566"}}, "what they stand for besides from `high_score` on"),
			number("high_score", 80, 100, "a score, of 100"),
		},
		build: func(u *use) logic {
			tables, high := u.tables("categories", "high_score_categories"), u.number("high_score")
			return func(p *payload.Payload, f *finding) bool {
				score, is := p.Get("abuseipdb_score").Number()
				categories, _ := p.First("abuseipdb_categories", "categories").List()
				if !is {
					return false
				}
				chosen := make(selection[int64], len(u.Emits))
				for _, item := range categories {
					n, is := item.Int()
					if !is {
						continue
					}
					id := strconv.FormatInt(n, 10)
					techniques := tables[0][id]
					if score >= high {
						techniques = slices.Concat(techniques, tables[1][id])
					}
					chosen.add(u.Emits, techniques, n)
				}
				f.show("abuse_confidence_score", int64(max(min(score, maxWhole), -maxWhole)))
				return chosen.emit(f, score/100, "abuseipdb_categories")
			}
		},
	}
}

func greyNoise() lifter {
	return lifter{
		name: "intel_greynoise", kinds: []string{"intel"}, adds: []string{"greynoise_tags"},
		finds: "the emits fire that the text `greynoise_classification`, or a text in the list `greynoise_tags`, stands for; each shows these signals as `greynoise_tags`",
		params: []param{
			signals("classifications", false, table{"scanner": {"T1595"}}, "classifications and what they stand for"),
			signals("tags", false, table{
				"tor_exit_node": {"T1090"}, "ssh_bruteforcer": {"T1110"}, "web_crawler": {"T1595"}, "cobalt_strike": {"T1071", "T1588"},
				"metasploit": {"T1071", "T1588"}, "sliver": {"T1071", "T1588"}, "havoc": {"T1071", "T1588"},
			}, "tags and what they stand for"),
			signals("weak_classifications", false, table{"malicious": {"T1071"}}, "classifications that count for an emit that nothing else selects"),
			number("weak_multiplier", 0.5, 1, "what the confidence of such an emit is multiplied by"),
		},
		build: func(u *use) logic {
			tables, weak := u.tables("classifications", "tags", "weak_classifications"), u.number("weak_multiplier")
			return func(p *payload.Payload, f *finding) bool {
				class, _ := p.Get("greynoise_classification").Text()
				chosen := make(selection[string], len(u.Emits))
				chosen.add(u.Emits, tables[0][class], class)
				for _, tag := range textsOf(p.Get("greynoise_tags")) {
					chosen.add(u.Emits, tables[1][tag], tag)
				}
				for i := range u.Emits {
					switch {
					case len(chosen[i]) > 0:
						f.emit(i, 1, map[string]any{"greynoise_tags": chosen[i]})
					case selects(tables[2][class], &u.Emits[i]):
						f.emit(i, weak, map[string]any{"greynoise_tags": []string{class}})
					}
				}
				return len(f.emits) > 0
			}
		},
	}
}

func feodo() lifter {
	return lifter{
		name: "intel_feodo", kinds: []string{"intel"}, adds: []string{"feodo_listed", "malware_family"},
		finds: "`feodo_listed` is true; the first of `feodo_malware_family` and `malware_family` is shown as `malware_family` if it is a text",
		build: func(*use) logic {
			return func(p *payload.Payload, f *finding) bool {
				if !p.Get("feodo_listed").True() {
					return false
				}
				f.show("feodo_listed", true)
				if family, is := p.First("feodo_malware_family", "malware_family").Text(); is {
					f.show("malware_family", family)
				}
				return true
			}
		},
	}
}

func threatFox() lifter {
	return lifter{
		name: "intel_threatfox", kinds: []string{"intel"}, adds: []string{"threat_types", "malware_families", "ioc_types"},
		finds: "the first of `threatfox_threat_types` and `threat_type` is a text, or a list of them: the emits fire that one stands for, and show them as " +
			"`threat_types`; `malware_families` are the texts of the first of `threatfox_malware_families` and `malware_family`, `ioc_types` those of the list " +
			"`threatfox_ioc_types`",
		params: []param{signals("threat_types", false, table{
			"botnet_cc": {"T1071", "T1588"}, "payload_delivery": {"T1105", "T1588"}, "payload": {"T1588"}, "cc_skimming": {"T1056"},
		}, "types of threats and what they stand for")},
		build: func(u *use) logic {
			types := u.tables("threat_types")[0]
			return func(p *payload.Payload, f *finding) bool {
				chosen := make(selection[string], len(u.Emits))
				for _, t := range oneOrMore(p.First("threatfox_threat_types", "threat_type")) {
					chosen.add(u.Emits, types[t], t)
				}
				if families := oneOrMore(p.First("threatfox_malware_families", "malware_family")); len(families) > 0 {
					f.show("malware_families", families)
				}
				if iocs := textsOf(p.Get("threatfox_ioc_types")); len(iocs) > 0 {
					f.show("ioc_types", iocs)
				}
				return chosen.emit(f, 1, "threat_types")
			}
		},
	}
}

// oneOrMore are the texts of a list, or the text that v is.
func oneOrMore(v payload.Value) []string {
	if text, is := v.Text(); is {
		return []string{text}
	}
	return textsOf(v)
}
