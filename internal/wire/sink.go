package wire

import (
	"time"

	"ttpworker/internal/tagger"
)

// A sink takes the fields of one record in the order of its schema, whatever the framing. The first fault sticks.
type sink interface {
	begin()
	end()
	text(field, v string)
	optionalText(field, v string) // "" = null
	time(field string, v time.Time)
	optionalTime(field string, v time.Time) // zero = null
	double(field string, v float64)
	optionalDouble(field string, v *float64)
	optionalInt(field string, v *int) // of 32 bits
	object(field string, v []byte)    // the text of a JSON object, not looked at
	texts(field string, v []string)
	each(field string, n int, item func(i int)) // a list of n records, each between begin and end
}

func writeEvent(s sink, ev *tagger.TaggerEvent) {
	s.begin()
	s.text("source_kind", ev.SourceKind)
	s.text("source_id", ev.SourceID)
	s.optionalText("attacker_uuid", ev.AttackerUUID)
	s.optionalText("identity_uuid", ev.IdentityUUID)
	s.optionalText("session_id", ev.SessionID)
	s.optionalText("decky_id", ev.DeckyID)
	s.optionalTime("event_time", ev.EventTime)
	s.object("payload", ev.Payload)
	s.end()
}

// writeTag leaves tagged_at to the caller, and the end, too.
func writeTag(s sink, t *tagger.Tag) {
	s.begin()
	s.text("tag_id", t.ID.String())
	s.text("source_kind", t.SourceKind)
	s.text("source_id", t.SourceID)
	s.optionalText("attacker_uuid", t.AttackerUUID)
	s.optionalText("identity_uuid", t.IdentityUUID)
	s.optionalText("session_id", t.SessionID)
	s.optionalText("decky_id", t.DeckyID)
	s.optionalTime("event_time", t.EventTime)
	s.optionalText("tactic", t.Tactic)
	s.optionalText("technique_id", t.TechniqueID)
	s.optionalText("sub_technique_id", t.SubTechniqueID)
	s.double("confidence", t.Confidence)
	s.double("confidence_base", t.ConfidenceBase)
	s.text("rule_id", t.RuleID)
	s.optionalInt("rule_version", t.RuleVersion)
	s.text("rule_digest", t.RuleDigest)
	s.text("rule_state", string(t.RuleState))
	s.object("evidence", t.Evidence)
	s.text("attack_release", t.AttackRelease)
	s.optionalText("mitre_url", t.MITREURL)
}

func writeRuleReloaded(s sink, r *RuleReloaded) {
	s.begin()
	s.text("rule_id", r.RuleID)
	s.text("name", r.Name)
	s.text("rule_digest", r.RuleDigest)
	s.text("file_sha256", r.FileSHA256)
	s.text("source_path", r.SourcePath)
	s.text("yaml", r.YAML)
	s.optionalInt("rule_version", r.RuleVersion)
	s.texts("kinds", r.Kinds)
	s.each("emits", len(r.Emits), func(i int) {
		e := &r.Emits[i]
		s.optionalText("tactic", e.Tactic)
		s.optionalText("technique_id", e.TechniqueID)
		s.optionalText("sub_technique_id", e.SubTechniqueID)
		s.double("confidence", e.Confidence)
	})
	s.text("loaded_by", r.LoadedBy)
	s.time("loaded_at", r.LoadedAt)
	s.end()
}

func writeRuleArchive(s sink, r *RuleArchive) {
	s.begin()
	s.text("rule_id", r.RuleID)
	s.optionalInt("rule_version", r.RuleVersion)
	s.text("rule_digest", r.RuleDigest)
	s.text("source_path", r.SourcePath)
	s.text("yaml", r.YAML)
	writeLists(s, r.Lists)
	s.each("filters", len(r.Filters), func(i int) {
		s.text("path", r.Filters[i].Path)
		s.text("yaml", r.Filters[i].YAML)
		writeLists(s, r.Filters[i].Lists)
	})
	s.texts("kinds", r.Kinds)
	s.each("sigma_fields", len(r.SigmaFields), func(i int) {
		s.text("name", r.SigmaFields[i].Name)
		s.text("payload_path", r.SigmaFields[i].Path)
	})
	s.optionalDouble("sigma_confidence", r.SigmaConfidence)
	s.text("attack_release", r.AttackRelease)
	s.optionalInt("engine_semantics", r.EngineSemantics)
	s.text("archived_by", r.ArchivedBy)
	s.time("archived_at", r.ArchivedAt)
	s.end()
}

func writeLists(s sink, lists []SharedList) {
	s.each("lists", len(lists), func(i int) {
		s.text("name", lists[i].Name)
		s.texts("values", lists[i].Values)
	})
}

func writeRuleState(s sink, r *RuleState) {
	s.begin()
	s.text("rule_id", r.RuleID)
	s.text("state_id", r.StateID)
	s.text("state", string(r.State))
	s.text("reason", r.Reason)
	s.text("set_by", r.SetBy)
	s.optionalDouble("confidence_max", r.ConfidenceMax)
	s.optionalTime("expires_at", r.ExpiresAt)
	s.time("set_at", r.SetAt)
	s.optionalText("reverts", r.Reverts)
	s.end()
}
