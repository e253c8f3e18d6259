package lift

import (
	"slices"

	"ttpworker/internal/tagger/payload"
)

// An allowed is what evidence may have in tags of lifters about events of one source kind. Nothing else leaves, whatever a
// rule or a lifter says: no password, no text of a mail or a note, no address of a person.
type allowed struct {
	fields []string // of the payload, which evidence_fields may name
	added  []string // keys that lifters add, and make of the payload what may leave
}

// key reports whether evidence may have a key.
func (a allowed) key(name string) bool {
	return slices.Contains(a.fields, name) || slices.Contains(a.added, name)
}

// shown is what evidence may have in tags about events of a source kind.
func shown(kind string) allowed {
	switch kind {
	case "auth_attempt":
		return allowed{fields: []string{"fail_count", "password_count", "username", "service", "result", "prior_brute"}}
	case "credential":
		return allowed{fields: []string{"credential_hash", "reuse_count"}}
	case "identity":
		return allowed{fields: []string{"shared_password_hash", "account_count"}}
	case "session":
		return allowed{
			fields: []string{
				"beacon_interval_s", "beacon_jitter_pct", "bytes_out", "request_count", "target_host", "rows_read", "bytes_read", "service", "target",
				"op_text", "command_text", "matched_path", "request_path", "path", "namespace", "signals", "container_image", "llmnr_poisoned", "llmnr_poison_count",
				"poisoned_query", "victim_host", "tftp_filename", "source_host",
			},
			added: []string{"matched_op", "matched_path", "matched_signal", "btc_address", "matched_keywords"},
		}
	case "http_request":
		return allowed{fields: []string{"raw_url", "user_agent", "matched_path", "request_path", "path", "namespace"}, added: []string{"matched_path"}}
	case "email":
		return allowed{added: payload.MailKeys()} // which holds it for all taggers
	case "intel":
		return allowed{
			fields: []string{
				"abuseipdb_score", "abuseipdb_categories", "greynoise_classification", "greynoise_tags", "greynoise_name", "feodo_listed", "feodo_malware_family",
				"first_seen_feodo", "threatfox_threat_types", "threatfox_malware_families", "threatfox_ioc_types", "aggregate_verdict",
			},
			added: []string{
				"abuseipdb_categories", "abuse_confidence_score", "greynoise_tags", "feodo_listed", "malware_family", "threat_types", "malware_families", "ioc_types",
			},
		}
	case "canary_fingerprint":
		return allowed{added: []string{"metric", "matched_signature"}} // never the fingerprint
	case "ipv6_leak":
		return allowed{added: []string{"addr", "mac_oui", "iid_kind", "vector", "on_iface", "attacker_v4", "observed_at"}}
	case "http_fingerprint":
		return allowed{added: []string{"kind", "hash", "protocol", "client_ip", "seen_at", "raw"}}
	}
	return allowed{}
}
