// Package schemas holds the published form of the worker's records and rule files: Avro schemas of what goes over
// Kafka and a JSON Schema of rule files for editors. They are texts only; internal/wire gives the Avro ones
// meaning. The file names are part of the interface, as other teams fetch them from the repository.
package schemas

import _ "embed" // for the texts below

// The texts are set by the compiler and never written to.
var (
	//go:embed tagger_event.avsc
	taggerEvent string
	//go:embed tag.avsc
	tag string
	//go:embed rule_reloaded.avsc
	ruleReloaded string
	//go:embed rule_state.avsc
	ruleState string
	//go:embed rule_archive.avsc
	ruleArchive string
	//go:embed rule.schema.json
	rule string
)

// TaggerEvent is the Avro schema of what sensors write.
func TaggerEvent() string { return taggerEvent }

// Tag is the Avro schema of what the worker finds.
func Tag() string { return tag }

// RuleReloaded is the Avro schema of the catalogue of loaded rules.
func RuleReloaded() string { return ruleReloaded }

// RuleState is the Avro schema of operators' orders about rules.
func RuleState() string { return ruleState }

// RuleArchive is the Avro schema of the rules that tags were given by.
func RuleArchive() string { return ruleArchive }

// Rule is the JSON Schema (draft 2020-12) of a rule file in the pattern form. It is for editors: the loader checks
// more, such as whether a technique exists and belongs to its tactic.
func Rule() string { return rule }
