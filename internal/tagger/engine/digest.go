package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"ttpworker/internal/attack"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
)

// PlanDigest names what tagging depends on: the SHA-256, in hexadecimal, over the rules with their states sorted
// by id, the ATT&CK release and Semantics. Replicas with equal digests give equal tags.
func PlanDigest(rules []*rule.Rule, standing func(ruleID string) tagger.Standing) string {
	h := sha256.New()
	enc := json.NewEncoder(h) // one JSON value per line: no two inputs give the same bytes
	write := func(v ...any) {
		if err := enc.Encode(v); err != nil {
			panic("engine: texts and finite numbers are always JSON: " + err.Error())
		}
	}
	write(attack.Release, Semantics)
	for _, r := range slices.SortedFunc(slices.Values(rules), byID) {
		s := standing(r.ID)
		write(r.ID, r.Digest, s.State, s.ConfidenceMax)
	}
	return hex.EncodeToString(h.Sum(nil))
}
