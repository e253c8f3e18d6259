package engine_test

import (
	"fmt"

	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/engine"
)

func ExampleNew() {
	r, err := rule.NewParser(rule.DefaultMaxBytes).Parse("rules/shadow.yaml", []byte(`
rule_id: R9001
rule_version: 1
name: shadow_read
description: Reads the shadow password file.
applies_to: [command]
match:
  pattern: '\bcat\s+/etc/shadow\b'
emits:
  - {tactic: TA0006, technique_id: T1003, sub_technique_id: T1003.008, confidence: 0.95}
evidence_fields: [command_text, user]
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	ceiling := 0.5
	clipped := func(string) tagger.Standing { return tagger.Standing{State: tagger.Clipped, ConfidenceMax: &ceiling} }
	e := engine.New([]*rule.Rule{r}, clipped)

	ev := tagger.TaggerEvent{SourceKind: "command", SourceID: "e1", Payload: []byte(`{"user": "root", "command_text": "cat /etc/shadow"}`)}
	tags, err := e.AppendTags(nil, &ev)
	for _, tag := range tags {
		fmt.Println(tag.RuleID, tag.Technique(), tag.Confidence, tag.RuleState, string(tag.Evidence))
	}
	fmt.Println(err)
	// Output:
	// R9001 T1003.008 0.5 clipped {"command_text":"cat /etc/shadow","user":"root"}
	// <nil>
}
