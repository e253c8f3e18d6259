package rule

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
)

// digest is the SHA-256, in hexadecimal, of the canonical JSON of what tagging depends on: keys sorted, no white
// space, defaults resolved. Comments, description, references, author and tests are left out, so editing them
// changes the file's hash but not the digest.
func digest(r *Rule) string {
	type object = map[string]any // encoding/json sorts its keys
	patterns := make([]string, len(r.Match.Patterns))
	for i, re := range r.Match.Patterns {
		patterns[i] = re.String()
	}
	emits := make([]object, len(r.Emits))
	for i, e := range r.Emits {
		emits[i] = object{
			"tactic": e.Tactic, "technique_id": e.TechniqueID, "sub_technique_id": orNull(e.SubTechniqueID),
			"confidence": e.Confidence,
		}
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(object{
		"rule_id": r.ID, "rule_version": r.Version, "name": r.Name, "applies_to": r.Kinds,
		"match": object{"field": fields(r), "pattern": patterns},
		"emits": emits, "evidence_fields": append([]string{}, r.EvidenceFields...), // absent is the same as []
	})
	if err != nil {
		panic("rule: texts and finite numbers are always JSON: " + err.Error())
	}
	sum := sha256.Sum256(bytes.TrimSuffix(buf.Bytes(), []byte("\n")))
	return hex.EncodeToString(sum[:])
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// fields is the list of paths where it is the same for all kinds of the rule, so that a default and the same path
// written out are one; else the list by kind.
func fields(r *Rule) any {
	first := r.Match.Fields[r.Kinds[0]]
	for _, kind := range r.Kinds {
		if !slices.Equal(r.Match.Fields[kind], first) {
			return r.Match.Fields
		}
	}
	return first
}
