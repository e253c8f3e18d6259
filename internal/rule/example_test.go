package rule_test

import (
	"fmt"

	"ttpworker/internal/rule"
)

func ExampleParser_Parse() {
	parser := rule.NewParser(rule.DefaultMaxBytes)
	r, err := parser.Parse("rules/shadow.yaml", []byte(`
rule_id: R9001
rule_version: 1
name: shadow_read
description: Reads the shadow password file.
applies_to: [command]
match:
  pattern: '\bcat\s+/etc/shadow\b'
emits:
  - {tactic: TA0006, technique_id: T1003, sub_technique_id: T1003.008, confidence: 0.95}
evidence_fields: [command_text]
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.ID, r.Match.Fields["command"], r.Emits[0].SubTechniqueID)

	_, err = parser.Parse("rules/typo.yaml", []byte(`
rule_id: R9002
rule_version: 1
name: typo
aplies_to: [command]
applies_to: [command]
match:
  pattern: '(cat'
emits:
  - {tactic: TA0006, technique_id: T1003, confidence: 95}
`))
	fmt.Println(err)
	// Output:
	// R9001 [command_text] T1003.008
	// rules/typo.yaml:5:1: rule "R9002": unknown field "aplies_to"; known here: applies_to, author, description, emits, evidence_fields, lint, match, name, references, rule_id, rule_version, tests
	// rules/typo.yaml:8:12: rule "R9002": bad regular expression: error parsing regexp: missing closing ): `(cat`
	// rules/typo.yaml:10:55: rule "R9002": confidence 95 is not between 0 and 1
}
