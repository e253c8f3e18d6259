package rule

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
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
		"match": object{"field": r.Match.Fields, "pattern": patterns},
		"emits": emits, "evidence_fields": r.EvidenceFields,
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
