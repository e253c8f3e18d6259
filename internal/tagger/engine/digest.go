package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"

	"ttpworker/internal/attack"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
)

// PlanDigest names what tagging depends on: the SHA-256, in hexadecimal, over the rules with their states sorted
// by id, the ATT&CK release and Semantics. Replicas with equal digests give equal tags.
func PlanDigest(rules []*rule.Rule, standing func(ruleID string) tagger.Standing) string {
	lines := make(map[string][]byte, len(rules))
	for _, r := range rules {
		lines[r.ID] = digestLine(r, standing(r.ID))
	}
	return planDigest(slices.Sorted(maps.Keys(lines)), lines)
}

// planDigest is the digest of a plan of the rules with these ids, which are sorted.
func planDigest(ids []string, lines map[string][]byte) string {
	h := sha256.New()
	h.Write(encode(attack.Release, Semantics))
	for _, id := range ids {
		h.Write(lines[id])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// digestLine is what a rule under an order contributes to a plan's digest.
func digestLine(r *rule.Rule, s tagger.Standing) []byte {
	return encode(r.ID, r.Digest, s.State, s.ConfidenceMax)
}

// encode writes one JSON value per line: no two inputs give the same bytes.
func encode(values ...any) []byte {
	var buf bytes.Buffer
	if err := json.NewEncoder(&buf).Encode(values); err != nil {
		panic("engine: texts and finite numbers are always JSON: " + err.Error())
	}
	return buf.Bytes()
}
