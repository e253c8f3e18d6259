package wire

import (
	"time"

	"ttpworker/internal/tagger"
)

// A source gives the fields of one record in the order of its schema, whatever the framing. The first fault sticks:
// what comes after it is zero, and fault tells it when the record has been read. So a record is described once, in
// straight code, for both framings.
type source interface {
	text(field string) string             // of a field that is never null
	optionalText(field string) string     // "" = null
	time(field string) time.Time          // of a field that is never null
	optionalTime(field string) time.Time  // zero = null
	double(field string) float64          // finite
	optionalDouble(field string) *float64 // finite
	optionalInt(field string) *int        // of 32 bits
	texts(field string) []string          // never nil
	object(field string) object           // the text of a JSON object
	each(field string, item func(source)) // a list of records; stops at the first fault
	has(field string) bool                // false only where the JSON form leaves a field out
	fault() error                         // nil or an *Error; also one of what stands behind the last field
}

// An object is the raw text of a JSON object, as found in a record.
type object struct {
	text    []byte // may alias the record
	checked bool   // syntax and depth have been seen to
	repairs int    // replacements made so far
}

func readTag(s source) (t tagger.Tag, id string, evidence object, at time.Time) {
	id = s.text("tag_id")
	t.SourceKind = s.text("source_kind")
	t.SourceID = s.text("source_id")
	t.AttackerUUID = s.optionalText("attacker_uuid")
	t.IdentityUUID = s.optionalText("identity_uuid")
	t.SessionID = s.optionalText("session_id")
	t.DeckyID = s.optionalText("decky_id")
	t.EventTime = s.optionalTime("event_time")
	t.Tactic = s.optionalText("tactic")
	t.TechniqueID = s.optionalText("technique_id")
	t.SubTechniqueID = s.optionalText("sub_technique_id")
	t.Confidence = s.double("confidence")
	t.ConfidenceBase = s.double("confidence_base")
	t.RuleID = s.text("rule_id")
	t.RuleVersion = s.optionalInt("rule_version")
	t.RuleDigest = s.text("rule_digest")
	t.RuleState = tagger.State(s.text("rule_state"))
	evidence = s.object("evidence")
	t.AttackRelease = s.text("attack_release")
	t.MITREURL = s.optionalText("mitre_url")
	if s.has("tagged_at") {
		at = s.time("tagged_at")
	}
	return t, id, evidence, at
}

func readRuleReloaded(s source) (r RuleReloaded) {
	r.RuleID = s.text("rule_id")
	r.Name = s.text("name")
	r.RuleDigest = s.text("rule_digest")
	r.FileSHA256 = s.text("file_sha256")
	r.SourcePath = s.text("source_path")
	r.YAML = s.text("yaml")
	r.RuleVersion = s.optionalInt("rule_version")
	r.Kinds = s.texts("kinds")
	s.each("emits", func(item source) {
		r.Emits = append(r.Emits, Emit{
			Tactic:         item.optionalText("tactic"),
			TechniqueID:    item.optionalText("technique_id"),
			SubTechniqueID: item.optionalText("sub_technique_id"),
			Confidence:     item.double("confidence"),
		})
	})
	r.LoadedBy = s.text("loaded_by")
	r.LoadedAt = s.time("loaded_at")
	return r
}

func readRuleArchive(s source) (r RuleArchive) {
	r.RuleID = s.text("rule_id")
	r.RuleVersion = s.optionalInt("rule_version")
	r.RuleDigest = s.text("rule_digest")
	r.SourcePath = s.text("source_path")
	r.YAML = s.text("yaml")
	r.Lists = readLists(s)
	s.each("filters", func(item source) {
		f := MergedFilter{Path: item.text("path"), YAML: item.text("yaml")}
		f.Lists = readLists(item)
		r.Filters = append(r.Filters, f)
	})
	r.Kinds = s.texts("kinds")
	s.each("sigma_fields", func(item source) {
		r.SigmaFields = append(r.SigmaFields, MappedField{Name: item.text("name"), Path: item.text("payload_path")})
	})
	r.SigmaConfidence = s.optionalDouble("sigma_confidence")
	r.AttackRelease = s.text("attack_release")
	r.EngineSemantics = s.optionalInt("engine_semantics")
	r.ArchivedBy = s.text("archived_by")
	r.ArchivedAt = s.time("archived_at")
	return r
}

func readLists(s source) (lists []SharedList) {
	s.each("lists", func(item source) {
		l := SharedList{Name: item.text("name")}
		l.Values = item.texts("values")
		lists = append(lists, l)
	})
	return lists
}

func readRuleState(s source) (r RuleState) {
	r.RuleID = s.text("rule_id")
	r.StateID = s.text("state_id")
	r.State = tagger.State(s.text("state"))
	r.Reason = s.text("reason")
	r.SetBy = s.text("set_by")
	r.ConfidenceMax = s.optionalDouble("confidence_max")
	r.ExpiresAt = s.optionalTime("expires_at")
	r.SetAt = s.time("set_at")
	r.Reverts = s.optionalText("reverts")
	return r
}
